"""tools/bench/compare with programs that only pretend: what it says and how it ends where they fail."""
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

COMPARE = Path(__file__).resolve().parent.parent.parent / "tools/bench/compare"

SCNN = '''
import json, sys
networks = [{"macs": 100, "macs_percent": 100.0, "step_ms": {"median": 10.0, "mean": 10.0}, "efficiency": 1.0, "replanning_percent_of_epoch": 0.0},
            {"macs": 50, "macs_percent": 50.0, "step_ms": {"median": 8.0, "mean": 8.0}, "efficiency": 0.625, "replanning_percent_of_epoch": 0.1}]
if "--dry-run" in sys.argv:
    print(json.dumps({"config": "", "name": "stub", "macs": 100}))
elif "--keep" in sys.argv:
    print(json.dumps({"networks": networks}))
else:
    print(json.dumps({"networks": networks[:1]}))
'''
TORCH = '''
import json, sys
if "-c" in sys.argv:
    sys.exit(1)
print(json.dumps({"framework": "torch 0", "threads": 1}), flush=True)
for number, line in enumerate(sys.stdin):
    if number >= LAST:
        sys.exit(0)
    print(json.dumps({"seconds": 0.03 * int(line)}), flush=True)
'''


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def program(self, name, text):
        path = Path(self.folder.name) / name
        path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def run_compare(self, *words, scnn=SCNN, torch=TORCH.replace("LAST", "99")):
        command = [sys.executable, COMPARE, "stub.yaml", *words, "--scnn", self.program("scnn", scnn), "--python", self.program("torch", torch)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def test_ratios_and_memory(self):
        done = self.run_compare("--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)[0]["rows"]
        self.assertEqual([round(row["times_scnn"]["median"], 6) for row in rows], [1, 3, 3])
        for row in rows:
            self.assertGreater(row["peak_mb"], 1)

    def test_efficiency_in_rounds(self):
        done = self.run_compare("--keep", "0.5", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(done.stdout)[0]["rows"]
        self.assertEqual([row["efficiency"]["median"] for row in rows], [1, 0.625])

    def test_shares_that_are_none(self):
        for words in ("", "abc", "7", "0.5,"):
            self.assertEqual(self.run_compare("--keep", words).returncode, 2, words)

    def test_pytorch_that_ends(self):
        done = self.run_compare(torch=TORCH.replace("LAST", "3"))
        self.assertEqual(done.returncode, 5)
        self.assertIn("PyTorch ended without an answer", done.stderr)

    def test_pytorch_that_is_not_there(self):
        done = self.run_compare(torch="import sys; sys.exit(1)")
        self.assertEqual(done.returncode, 5)
        self.assertIn("PyTorch did not start", done.stderr)

    def test_program_that_says_nothing(self):
        done = self.run_compare("--keep", "0.5", scnn="")
        self.assertEqual(done.returncode, 5)
        self.assertIn("no JSON came from", done.stderr)

    def test_a_program_of_another_version(self):
        done = self.run_compare(scnn=SCNN.replace('"step_ms"', '"step"'))
        self.assertEqual(done.returncode, 5)
        self.assertIn("lacks 'step_ms'", done.stderr)


if __name__ == "__main__":
    unittest.main()
