"""tools/portable on a copy of the tree's scripts with stand-ins for CMake and strip: what it packs, and that this is enough."""
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CMAKE = '#!/bin/sh\n'
# Programs of the build: one that links a library of the system beside the C library.
PROGRAM = shutil.which("xz")
STRIP = '#!/bin/sh\ncp "$3" "$2"\n[ -z "$GROW" ] || head -c "$GROW" /dev/urandom >> "$2"\n'


@unittest.skipUnless(PROGRAM, "xz is not installed")
class Portable(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "tree"
        for name in ("tools", "experiments"):
            shutil.copytree(ROOT / name, self.root / name)
        self.build = self.root / "build/cuda-portable"
        (self.build / "bin").mkdir(parents=True)
        for name in ("scnn", "test_gpu", "gpu_bench"):
            shutil.copy(PROGRAM, self.build / "bin" / name)
        self.stand_ins = Path(folder.name) / "bin"
        self.stand_ins.mkdir()
        for name, text in (("cmake", CMAKE), ("strip", STRIP)):
            (self.stand_ins / name).write_text(text)
            (self.stand_ins / name).chmod(0o755)

    def portable(self, code, *words, **environment):
        path = f"{self.stand_ins}:{os.environ['PATH']}"
        done = subprocess.run([self.root / "tools/portable", *words], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": path, "GROW": "", **environment})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def packed(self):
        folder = self.build / "scnn-portable"
        return folder, {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    def test_packs_programs_libraries_experiments_and_the_check(self):
        self.portable(0)
        folder, files = self.packed()
        self.assertLessEqual({"bin/scnn", "bin/test_gpu", "bin/gpu_bench", "tools/gpu_check"}, files)
        self.assertTrue(any(name.startswith("lib/liblzma.so") for name in files), files)
        # The C library belongs to the machine, NVIDIA's to its driver; results belong to this one.
        self.assertFalse([name for name in files if re.search(r"lib/(libc|libm|libcu\w*|libnv\w*|ld-linux.*)\.so|results", name)])
        experiments = {str(p.relative_to(ROOT)) for p in (ROOT / "experiments").glob("*.yaml")}
        self.assertLessEqual(experiments, files)
        with tarfile.open(self.build / "scnn-portable.tar.xz") as archive:
            names = {name.removeprefix("scnn-portable/") for name in archive.getnames() if archive.getmember(name).isfile()}
        self.assertEqual(names, files)

        # What the check and its benchmark refer to is there, and both start.
        check = (folder / "tools/gpu_check").read_text()
        for name in re.findall(r'"((?:experiments|tools)/[\w./]+\.\w+)"', check):
            self.assertIn(name, files)
        for program in re.findall(r'self\.program\("(\w+)"\)', check):
            self.assertIn(f"bin/{program}", files)
        done = subprocess.run([sys.executable, folder / "tools/gpu_check", "--help"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        for script in (folder / "tools/bench").glob("*.py"):
            for module in re.findall(r"^(?:from|import) (torch_\w+)", script.read_text(), re.M):
                self.assertIn(f"tools/bench/{module}.py", files)

    def test_too_much_to_carry_is_refused_with_the_largest_files(self):
        output = self.portable(1, GROW="11M")
        self.assertIn("at most 30720", output)
        self.assertIn("KiB build/cuda-portable/scnn-portable/bin/", output)

    def test_unknown_arguments_are_refused(self):
        self.assertIn("unknown argument '--with-date' (known: --with-data)", self.portable(2, "--with-date"))


if __name__ == "__main__":
    unittest.main()
