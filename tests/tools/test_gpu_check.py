"""tools/gpu_check with programs that only pretend: what it reads, judges, cuts off and keeps."""
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parent.parent.parent / "tools/gpu_check"

DOCTOR = {"checks": [{"what": "CUDA", "ok": True, "found": "usable"}]}


def speed_rows(convolution=400.0, library=700.0, copy=4000.0, elementwise=3600.0, quantised_us=101.0):
    rows = [{"stage": "ceilings", "name": "copy of device memory", "what": "cudaMemcpyAsync", "us": 1.0, "gb_s": copy},
            {"stage": "ceilings", "name": "bf16 product, side 8192", "what": "cuBLAS", "us": 1.0, "tflops": library}]
    for direction in ("forward", "backward data", "backward weights"):
        rows.append({"stage": direction, "name": "layer2 128->256 at 16", "what": "own, weights ready", "us": 100.0, "tflops": convolution})
        rows.append({"stage": direction, "name": "layer2 128->256 at 16", "what": "cuDNN", "us": 80.0, "tflops": 500.0})
    rows.append({"stage": "forward", "name": "layer2 128->256 at 16", "what": "own, quantised before it", "us": quantised_us,
                 "tflops": convolution})
    rows += [{"stage": "passes", "name": name, "what": "own", "us": 1.0, "gb_s": elementwise}
             for name in ("relu", "batch norm and relu", "max pool 2x2", "batch norm, relu and max pool 2x2", "adam", "quantize")]
    return {"device": "pretended", "rows": rows}


class GpuCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)
        self.pretend("scnn", json.dumps(DOCTOR))
        self.pretend("test_gpu", "All tests passed (3 assertions in 2 test cases)")
        self.pretend("gpu_bench", json.dumps(speed_rows()))

    def pretend(self, name, output, code=0, sleep=0, folder=None):
        program = (folder or self.place) / name
        (self.place / f"{name}.out").write_text(output)
        program.write_text(textwrap.dedent(f"""\
            #!/bin/sh
            sleep {sleep}
            cat "{self.place}/{name}.out"
            exit {code}
            """))
        program.chmod(0o755)

    def check(self, code, *words, path="/usr/bin:/bin"):
        done = subprocess.run([sys.executable, TOOL, "--programs", self.place, "--out", self.place / "out", *words],
                              capture_output=True, text=True, env={**os.environ, "PATH": path})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        file = self.place / "out/check.json"
        return done, json.loads(file.read_text())["stages"] if file.exists() else None

    def test_a_good_machine_meets_its_gates(self):
        done, stages = self.check(0, "--stages", "kernels,parity,speed")
        self.assertTrue(stages["kernels"]["passed"])
        self.assertIn("| bf16 convolution, layer2, forward: share of cuBLAS's 8192^3 | 0.57 | 0.45 or more | yes |", done.stdout)
        self.assertIn("| fused quantisation over the convolution alone, layer2 | 1.0% | 2% or less | yes |", done.stdout)
        self.assertIn("| relu: share of copy bandwidth | 0.90 | 0.70 or more | yes |", done.stdout)
        self.assertIn("| a step of Page's network, ms | not run on a GPU | none |  |", done.stdout)
        self.assertEqual(done.stdout, (self.place / "out/README.md").read_text() + "\n")

    def test_each_missed_gate_is_seen(self):
        for change in ({"convolution": 300.0}, {"elementwise": 2700.0}, {"quantised_us": 103.0}):
            self.pretend("gpu_bench", json.dumps(speed_rows(**change)))
            done, _ = self.check(1, "--stages", "speed")
            self.assertIn("**no**", done.stdout, change)

    def test_a_failed_kernel_test_fails_the_check(self):
        self.pretend("test_gpu", "tests/cuda/ops.cpp:55: FAILED:\n  CHECK( 1 <= 0 )\ntest cases: 2 | 1 passed | 1 failed", 1)
        _, stages = self.check(1, "--stages", "kernels")
        self.assertEqual(stages["kernels"]["failures"], ["tests/cuda/ops.cpp:55"])

    def test_a_crash_is_a_failure_and_not_a_missing_gpu(self):
        self.pretend("gpu_bench", "an illegal memory access was encountered", 1)
        done, stages = self.check(1, "--stages", "speed")
        self.assertIn("| stage speed | failed: exit code 1", done.stdout)
        self.assertIn("exit code 1", stages["speed"]["failed"])
        self.pretend("gpu_bench", "no GPU", 5)
        _, stages = self.check(0, "--stages", "speed")
        self.assertIn("exit code 5", stages["speed"]["skipped"])

    def test_a_stage_out_of_time_is_cut_off_and_the_others_stay(self):
        self.check(0, "--stages", "speed")
        self.pretend("test_gpu", "", sleep=5)
        _, stages = self.check(0, "--stages", "kernels", "--limit", "0.5")
        self.assertIn("cut off", stages["kernels"]["skipped"])
        self.assertEqual(len(stages["speed"]["rows"]), 15)

    def test_without_the_libraries_the_kernels_are_measured_alone(self):
        own = [r for r in speed_rows()["rows"] if r["what"] not in ("cuBLAS", "cuDNN")]
        self.pretend("gpu_bench", json.dumps({"without_libraries_because": "libcublas.so.13 was not found", "rows": own}))
        done, stages = self.check(0, "--stages", "speed")
        self.assertEqual(stages["speed"]["note"], "without cuBLAS and cuDNN: libcublas.so.13 was not found")
        self.assertIn("| bf16 convolution, layer2, forward: share of cuBLAS's 8192^3 | not run on a GPU |", done.stdout)

    def test_the_sanitizer_is_judged_by_what_it_found_once_the_tests_have_ended(self):
        tools = self.place / "tools"
        tools.mkdir()
        ended, clean = "test cases: 3 | 2 passed | 1 failed\n", "========= ERROR SUMMARY: 0 errors\n"
        found = "========= ERROR SUMMARY: 2 errors\n"
        for output, code, passed in ((ended + clean, 1, True), (ended + found, 9, False), (ended + found, 0, False), (clean, 1, False),
                                     (ended, 0, False)):
            self.pretend("compute-sanitizer", output, code, folder=tools)
            _, stages = self.check(0 if passed else 1, "--stages", "sanitizer", path=f"{tools}:/usr/bin:/bin")
            self.assertEqual(stages["sanitizer"]["passed"], passed, output)
        self.pretend("compute-sanitizer", clean, 77, folder=tools)
        _, stages = self.check(0, "--stages", "sanitizer", path=f"{tools}:/usr/bin:/bin")
        self.assertIn("skipped", stages["sanitizer"])

    def test_no_gpu_is_5_and_the_table_says_so(self):
        self.pretend("scnn", json.dumps({"checks": [{"what": "CUDA", "ok": False, "found": "no NVIDIA driver"}]}))
        done, stages = self.check(5)
        self.assertIn("no NVIDIA driver", done.stderr)
        self.assertEqual(stages["kernels"], {"skipped": "not run on a GPU"})
        self.assertNotIn("yes", done.stdout)

    def test_unknown_stages_are_refused(self):
        done, stages = self.check(2, "--stages", "kernels,sped")
        self.assertIn("unknown stage 'sped'", done.stderr)
        self.assertIsNone(stages)


if __name__ == "__main__":
    unittest.main()
