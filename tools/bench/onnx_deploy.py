"""ONNX Runtime's side of `scnn bench deploy`, which carries this file and starts it.

usage: onnx_deploy.py MODEL THREADS; commands on stdin, for each a line of JSON on stdout:
  memory             first of all: bytes that peak resident memory grows by while loading the model and running 1 and 64 images
  load               seconds to make a session of the file
  run BATCH SECONDS  seconds that one run of BATCH images takes: the mean over at least SECONDS, after one run to warm up
"""
import json
import sys
import time

import numpy as np
import onnxruntime


def status(key):
    """Bytes of an entry of /proc/self/status."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))


class Engine:
    def __init__(self, model, threads):
        self.model, self.threads = model, threads
        self.session = None

    def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        # Weights become floats once, when they are loaded, instead of in every run.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        start = time.perf_counter()
        session = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
        seconds = time.perf_counter() - start
        self.session = session
        return seconds

    def run(self, batch, least):
        _, *extents = self.session.get_inputs()[0].shape
        image = np.random.default_rng(0).integers(0, 256, (batch, *extents)).astype(np.float32)
        binding = self.session.io_binding()
        binding.bind_cpu_input("image", image)
        binding.bind_output("logits")
        self.session.run_with_iobinding(binding)
        runs, start = 0, time.perf_counter()
        while True:
            self.session.run_with_iobinding(binding)
            runs += 1
            seconds = time.perf_counter() - start
            if seconds >= least:
                return seconds / runs

    def memory(self):
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")  # the peak is now what it is now
        before = status("VmRSS")
        self.load()
        self.run(1, 0)
        self.run(64, 0)
        return status("VmHWM") - before


def main():
    engine = Engine(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        command, *words = line.split()
        if command == "run":
            reply = {"seconds": engine.run(int(words[0]), float(words[1]))}
        elif command == "load":
            reply = {"seconds": engine.load()}
        else:
            reply = {"bytes": engine.memory()}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
