"""tools/gpu_check with programs that only pretend: what it reads, judges, cuts off and keeps."""
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent.parent / "tools/gpu_check"

DOCTOR = {"version": "0.1.0", "build": "pretended", "checks": [{"what": "CUDA", "ok": True, "found": "usable"}]}
NO_GPU = {**DOCTOR, "checks": [{"what": "CUDA", "ok": False, "found": "no NVIDIA driver"}]}


def speed_rows(convolution=400.0, library=700.0, copy=4000.0, elementwise=3600.0, quantized_us=101.0):
    rows = [{"stage": "ceilings", "name": "copy of device memory", "what": "cudaMemcpyAsync", "us": 1.0, "gb_s": copy},
            {"stage": "ceilings", "name": "bf16 product, side 8192", "what": "cuBLAS", "us": 1.0, "tflops": library}]
    for direction in ("forward", "backward data", "backward weights"):
        rows.append({"stage": direction, "name": "layer2 128->256 at 16", "what": "own, weights ready", "us": 100.0, "tflops": convolution})
        rows.append({"stage": direction, "name": "layer2 128->256 at 16", "what": "cuDNN", "us": 80.0, "tflops": 500.0})
    rows.append({"stage": "forward", "name": "layer2 128->256 at 16", "what": "own, quantized before it", "us": quantized_us,
                 "tflops": convolution})
    rows += [{"stage": "passes", "name": name, "what": "own", "us": 1.0, "gb_s": elementwise}
             for name in ("relu", "batch norm and relu", "max pool 2x2", "batch norm, relu and max pool 2x2", "adam", "quantize")]
    return {"device": "pretended", "rows": rows}


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)
        self.tools = self.place / "tools"
        self.tools.mkdir()
        self.pretend("scnn", json.dumps(DOCTOR))
        self.pretend("test_gpu", "All tests passed (3 assertions in 2 test cases)")
        self.pretend("gpu_bench", json.dumps(speed_rows()))
        self.gpu("GPU X")

    def gpu(self, name):
        self.pretend("nvidia-smi", name, folder=self.tools)

    def pretend(self, name, output, code=0, folder=None, script=""):
        program = (folder or self.place) / name
        (self.place / f"{name}.out").write_text(output)
        program.write_text(textwrap.dedent(f"""\
            #!/bin/sh
            echo "$*" >> "{self.place}/{name}.calls"
            {script}
            cat "{self.place}/{name}.out"
            exit {code}
            """))
        program.chmod(0o755)

    def calls(self, name):
        return (self.place / f"{name}.calls").read_text().splitlines()

    def check(self, code, *words):
        done = subprocess.run([sys.executable, TOOL, "--programs", self.place, "--out", self.place / "out", *words],
                              capture_output=True, text=True, env={**os.environ, "PATH": f"{self.tools}:/usr/bin:/bin"})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        file = self.place / "out/check.json"
        return done, json.loads(file.read_text())["stages"] if file.exists() else None

    def test_a_good_machine_meets_its_gates(self):
        done, stages = self.check(0, "--stages", "kernels,parity,speed")
        self.assertTrue(stages["kernels"]["passed"])
        self.assertIn("| bf16 convolution, layer2, forward: share of cuBLAS's 8192^3 | 0.57 | 0.45 or more | yes | speed |", done.stdout)
        self.assertIn("| fused quantization over the convolution alone, layer2 | 1.0% | 2% or less | yes | speed |", done.stdout)
        self.assertIn("| relu: share of copy bandwidth | 0.90 | 0.70 or more | yes | speed |", done.stdout)
        self.assertIn("| a step of Page's network, ms | not run on a GPU | none |  | step |", done.stdout)
        self.assertEqual(done.stdout, (self.place / "out/README.md").read_text() + "\n")

    def test_each_missed_gate_is_seen(self):
        for change in ({"convolution": 300.0}, {"elementwise": 2700.0}, {"quantized_us": 103.0}):
            self.pretend("gpu_bench", json.dumps(speed_rows(**change)))
            done, _ = self.check(8, "--stages", "speed")
            self.assertIn("**no**", done.stdout, change)

    def test_a_failed_kernel_test_fails_the_check(self):
        self.pretend("test_gpu", "tests/cuda/ops.cpp:55: FAILED:\n  CHECK( 1 <= 0 )\ntest cases: 2 | 1 passed | 1 failed", 1)
        _, stages = self.check(8, "--stages", "kernels")
        self.assertEqual(stages["kernels"]["failures"], ["tests/cuda/ops.cpp:55"])
        # It is not held against a run of other stages.
        done, _ = self.check(0, "--stages", "speed")
        self.assertIn("| kernels and ops against double precision | failed | passed | **no** | kernels |", done.stdout)

    def test_tests_that_did_not_run_have_not_passed(self):
        self.pretend("test_gpu", "No tests ran")
        self.check(8, "--stages", "kernels")
        self.pretend("test_gpu", "All tests passed (3 assertions in 2 test cases)\n\nskipped: no cuDNN")
        done, _ = self.check(0, "--stages", "kernels")
        self.assertIn("| passed; skipped: no cuDNN | passed | yes | kernels |", done.stdout)

    def test_a_crash_is_a_failure_and_not_a_missing_gpu(self):
        self.pretend("gpu_bench", "an illegal memory access was encountered", 1)
        done, stages = self.check(8, "--stages", "speed")
        self.assertIn("| stage speed | failed: exit code 1", done.stdout)
        self.assertIn("exit code 1", stages["speed"]["failed"])

    def test_a_stage_out_of_time_is_75_and_the_others_stay(self):
        self.check(0, "--stages", "speed,kernels")
        late = self.place / "late"
        self.pretend("test_gpu", "", script=f'(sleep 2; touch "{late}") & wait')
        done, stages = self.check(75, "--stages", "kernels", "--limit", "1")
        self.assertTrue(stages["kernels"]["cut off"].startswith("after 1 s: "), stages["kernels"])
        self.assertIn("gpu_check: kernels: cut off: after 1 s: ", done.stderr)
        self.assertIn("| kernels and ops against double precision | cut off | passed |  | kernels |", done.stdout)
        self.assertEqual(len(stages["speed"]["rows"]), 15)
        # What the command had started has ended with it.
        time.sleep(1.5)
        self.assertFalse(late.exists())

    def test_the_total_bounds_all_stages_and_what_it_leaves_out_is_75(self):
        self.check(0, "--stages", "speed")
        self.pretend("test_gpu", "", script="sleep 5")
        done, stages = self.check(75, "--stages", "kernels,speed,parity", "--total", "1.5")
        self.assertIn("cut off", stages["kernels"])
        self.assertIn("speed: skipped: not begun: 1.5 s are over", done.stderr)
        self.assertEqual(len(stages["speed"]["rows"]), 15)
        self.assertIn("not begun", stages["parity"]["skipped"])
        self.check(75, "--stages", "parity", "--total", "0")

    def test_a_program_that_is_missing_or_refuses_the_machine_is_5(self):
        (self.place / "test_gpu").unlink()
        done, stages = self.check(5, "--stages", "kernels,speed")
        self.assertIn("test_gpu is not built", done.stderr)
        self.assertIn("test_gpu is not built", stages["kernels"]["skipped"])
        self.assertEqual(len(stages["speed"]["rows"]), 15)
        self.pretend("test_gpu", "skipped: no GPU: none here", 77)
        _, stages = self.check(5, "--stages", "kernels")
        self.assertEqual(stages["kernels"]["skipped"], "no GPU: none here")
        self.pretend("gpu_bench", "no GPU", 5)
        done, stages = self.check(5, "--stages", "speed")
        self.assertIn("gpu_check: speed: skipped: exit code 5", done.stderr)
        self.assertEqual(len(stages["speed"]["rows"]), 15)

    def test_a_failure_outranks_a_cut_off_and_that_a_skip(self):
        self.pretend("test_gpu", "", script="sleep 5")
        (self.place / "gpu_bench").unlink()
        self.check(75, "--stages", "kernels,speed", "--limit", "1")
        self.pretend("gpu_bench", json.dumps(speed_rows(convolution=300.0)))
        self.check(8, "--stages", "kernels,speed", "--limit", "1")

    def test_each_stage_keeps_its_gpu_program_and_command(self):
        self.check(0, "--stages", "kernels")
        self.gpu("GPU Y")
        self.pretend("scnn", json.dumps({**DOCTOR, "version": "0.2.0"}))
        done, stages = self.check(0, "--stages", "speed")
        self.assertEqual([stages[name]["from"]["gpu"] for name in ("kernels", "speed")], ["GPU X", "GPU Y"])
        for name, gpu, version in (("kernels", "X", "0.1.0"), ("speed", "Y", "0.2.0")):
            self.assertRegex(done.stdout, rf"\| {name} \| [\d.]+ s \| GPU {gpu} \| scnn {version}, pretended, sha256 [0-9a-f]{{12}} "
                                          rf"\| [-\d]+ [\d:]+ UTC \| tools/gpu_check .*--stages {name} \|")

    def test_steps_of_different_gpus_are_not_compared(self):
        tool = module_from_spec(spec_from_loader("gpu_check", SourceFileLoader("gpu_check", str(TOOL))))
        tool.__spec__.loader.exec_module(tool)
        for gpu, value, met in (("X", "0.50", True), ("Y", "measured on different GPUs", None)):
            stages = {"step": {"from": {"gpu": "X"}, "fp32": {"ms": 2.0}, "bf16": {"ms": 1.0}},
                      "torch": {"from": {"gpu": gpu}, "steps": {"eager": {"ms": 2.0}}}}
            self.assertIn(("the same over PyTorch's fastest", value, "below 1", met, "step, torch"), tool.gates(stages))

    def test_the_quickstart_is_timed_in_its_faster_precision(self):
        run = {"test": {"top1": 0.9}, "size": {"file_bytes": 1}, "time": {"train_seconds": 7.0}}
        (self.place / "run.out").write_text(json.dumps(run))
        self.pretend("scnn", json.dumps(DOCTOR), script=f'[ "$1" = doctor ] || exec cat "{self.place}/run.out"')
        done, _ = self.check(0, "--stages", "quickstart")
        self.assertIn("| quickstart on the GPU, s | 7.0 | none |  | quickstart |", done.stdout)

    def test_without_the_libraries_the_kernels_are_measured_alone(self):
        own = [r for r in speed_rows()["rows"] if r["what"] not in ("cuBLAS", "cuDNN")]
        self.pretend("gpu_bench", json.dumps({"without_libraries_because": "libcublas.so.13 was not found", "rows": own}))
        done, stages = self.check(0, "--stages", "speed")
        self.assertEqual(stages["speed"]["note"], "without cuBLAS and cuDNN: libcublas.so.13 was not found")
        self.assertIn("| bf16 convolution, layer2, forward: share of cuBLAS's 8192^3 | not run on a GPU |", done.stdout)

    def test_the_sanitizer_is_judged_by_what_it_found_once_the_tests_have_ended(self):
        ended, clean = "test cases: 3 | 2 passed | 1 failed\n", "========= ERROR SUMMARY: 0 errors\n"
        found = "========= ERROR SUMMARY: 2 errors\n"
        for output, code, passed in ((ended + clean, 1, True), (ended + found, 9, False), (ended + found, 0, False), (clean, 1, False),
                                     (ended, 0, False)):
            self.pretend("compute-sanitizer", output, code, folder=self.tools)
            _, stages = self.check(0 if passed else 8, "--stages", "memcheck")
            self.assertEqual(stages["memcheck"]["passed"], passed, output)
        self.pretend("compute-sanitizer", clean, 77, folder=self.tools)
        done, _ = self.check(5, "--stages", "racecheck")
        self.assertIn("racecheck: skipped: no usable GPU", done.stderr)

    def test_memcheck_sees_every_test_but_training_and_the_slower_tools_those_of_tensor_cores(self):
        self.pretend("compute-sanitizer", "All tests passed\n========= ERROR SUMMARY: 0 errors\n", folder=self.tools)
        done, _ = self.check(0, "--stages", "memcheck,racecheck,initcheck")
        test_gpu = self.place / "test_gpu"
        self.assertEqual(self.calls("compute-sanitizer"),
                         [f"--tool memcheck --report-api-errors no --error-exitcode 9 {test_gpu} ~[train]",
                          f"--tool racecheck --error-exitcode 9 {test_gpu} [tensor core]",
                          f"--tool initcheck --error-exitcode 9 {test_gpu} [tensor core]"])
        self.assertIn("| compute-sanitizer's memcheck, every test but training | passed | passed | yes | memcheck |", done.stdout)
        for tool in ("racecheck", "initcheck"):
            self.assertIn(f"| compute-sanitizer's {tool}, tensor-core tests | passed | passed | yes | {tool} |", done.stdout)

    def test_no_gpu_is_5_and_the_table_says_so(self):
        self.pretend("scnn", json.dumps(NO_GPU))
        done, stages = self.check(5)
        self.assertIn("no NVIDIA driver", done.stderr)
        self.assertEqual(stages["kernels"], {"skipped": "not run on a GPU"})
        self.assertNotIn("yes", done.stdout)
        self.assertIn("Written by `tools/gpu_check`; not run on a GPU.", done.stdout)

    def test_without_a_gpu_earlier_results_stay(self):
        self.check(0, "--stages", "kernels,speed")
        before = json.loads((self.place / "out/check.json").read_text())["stages"]
        self.pretend("scnn", json.dumps(NO_GPU))
        _, stages = self.check(5)
        self.assertEqual({name: stages[name] for name in before}, before)
        self.assertEqual(stages["step"]["skipped"], "not run on a GPU")

    def test_unknown_stages_are_refused(self):
        done, stages = self.check(2, "--stages", "kernels,sped")
        self.assertIn("unknown stage 'sped'", done.stderr)
        self.assertIsNone(stages)
        self.check(2, "--stages", "")


if __name__ == "__main__":
    unittest.main()
