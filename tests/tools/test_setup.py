"""tools/setup with stand-ins for dpkg-query, apt-get and sudo: nothing is installed."""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"
DPKG = """#!/bin/sh
for last; do :; done
case " $MISSING " in *" $last "*) exit 1 ;; esac
printf installed
"""
APT = """#!/bin/sh
echo "$DEBIAN_FRONTEND apt-get $*" >> "$CALLS"
[ "$1" = install ] && exit ${INSTALL_STATUS:-0}
exit ${UPDATE_STATUS:-0}
"""
# As `python3 -m venv DIR`, whose pip does nothing.
PYTHON = """#!/bin/sh
echo "python3 $*" >> "$CALLS"
[ -z "$VENV_STATUS" ] || exit $VENV_STATUS
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "pip $*" >> "$CALLS"\\nexit ${PIP_STATUS:-0}\\n' > "$3/bin/python"
chmod +x "$3/bin/python"
"""


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for tool in ("bash", "env", "cat"):
            (self.folder / tool).symlink_to(shutil.which(tool))
        self.calls = self.folder / "calls"
        self.calls.write_text("")
        self.stand_in("sudo", '#!/bin/sh\nexec "$@"\n')
        self.stand_in("dpkg-query", DPKG)
        self.stand_in("apt-get", APT)

        # A tree of its own: --with-onnx writes into it.
        (self.folder / "tree/tools").mkdir(parents=True)
        for name in ("setup", "requirements_onnx.txt"):
            shutil.copy(TOOLS / name, self.folder / "tree/tools" / name)

    def stand_in(self, name, text):
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def run_setup(self, *arguments, missing="", **environment):
        environment = {"PATH": str(self.folder), "MISSING": missing, "CALLS": str(self.calls), **environment}
        done = subprocess.run([str(self.folder / "tree/tools/setup"), *arguments], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_all_there(self):
        status, output = self.run_setup()
        self.assertEqual((status, self.calls.read_text()), (0, ""), output)
        self.assertIn("nothing to install", output)

    def test_installs_exactly_what_is_missing(self):
        status, output = self.run_setup(missing="libdnnl-dev catch2")
        calls = self.calls.read_text().splitlines()
        self.assertEqual(status, 0, output)
        self.assertTrue(calls[0].endswith("apt-get update -qq"), calls)
        self.assertEqual(calls[1:], ["noninteractive apt-get install -y --no-install-recommends libdnnl-dev catch2"])
        self.assertIn("apt-get install -y --no-install-recommends libdnnl-dev catch2", output)
        self.assertEqual(output.count("sudo"), 0 if os.geteuid() == 0 else 1)

    def test_print_installs_nothing(self):
        status, output = self.run_setup("--print", missing="ccache")
        self.assertEqual((status, self.calls.read_text()), (0, ""))
        self.assertIn("--no-install-recommends ccache", output)

    def test_torch_only_on_request(self):
        self.assertIn("nothing to install", self.run_setup("--print", missing="python3-torch")[1])
        self.assertIn("python3-torch", self.run_setup("--print", "--with-torch", missing="python3-torch")[1])
        self.assertIn("nothing to install", self.run_setup("--print", missing="libclang-rt-14-dev")[1])
        self.assertIn("libclang-rt-14-dev", self.run_setup("--print", "--full", missing="libclang-rt-14-dev")[1])

    def test_onnx_only_on_request_and_once(self):
        for tool in ("mkdir", "chmod"):
            (self.folder / tool).symlink_to(shutil.which(tool))
        self.stand_in("python3", PYTHON)
        self.assertIn("nothing to install", self.run_setup("--print", missing="python3-venv")[1])
        self.assertIn("python3-venv", self.run_setup("--print", "--with-onnx", missing="python3-venv")[1])
        status, output = self.run_setup("--print", "--with-onnx")
        self.assertEqual((status, self.calls.read_text()), (0, ""), output)
        self.assertIn("pip install", output)
        status, output = self.run_setup("--with-onnx", PIP_STATUS="1")
        self.assertEqual(status, 5, output)
        self.assertIn("PyPI", output)
        self.calls.write_text("")
        status, output = self.run_setup("--with-onnx")
        calls = self.calls.read_text().splitlines()
        self.assertEqual((status, len(calls)), (0, 2), output)
        self.assertTrue(calls[0].endswith("-m venv " + str(self.folder / "tree/.venv")), calls)
        self.assertTrue(calls[1].endswith("--requirement " + str(self.folder / "tree/tools/requirements_onnx.txt")), calls)
        self.assertIn("nothing to install", self.run_setup("--with-onnx")[1])
        self.assertEqual(len(self.calls.read_text().splitlines()), 2)

    def test_failed_update_still_tries(self):
        status, _ = self.run_setup(missing="ccache", UPDATE_STATUS="1")
        self.assertEqual((status, len(self.calls.read_text().splitlines())), (0, 2))

    def test_failed_install(self):
        status, output = self.run_setup(missing="ccache", INSTALL_STATUS="100")
        self.assertEqual(status, 5)
        self.assertIn("could not install", output)

    def test_other_systems_get_the_list(self):
        (self.folder / "apt-get").unlink()
        status, output = self.run_setup()
        self.assertEqual(status, 5)
        self.assertIn("oneDNN", output)

    def test_unknown_argument(self):
        self.assertEqual(self.run_setup("--all")[0], 2)


if __name__ == "__main__":
    unittest.main()
