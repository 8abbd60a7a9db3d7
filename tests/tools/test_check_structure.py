"""Plants each violation in a small tree and expects tools/check_structure.py to name it."""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from check_structure import violations  # noqa: E402

IN_ORDER = {
    "include/scnn/core/shape.h": "#pragma once\n",
    "include/scnn/backend/backend.h": (
        '#include "scnn/core/shape.h"\nclass Backend {\n public:\n  virtual ~Backend() = default;\n'
        "  /// virtual void not_an_op() = 0;\n  virtual void fill(int x) = 0;\n"
        "  [[nodiscard]] virtual int size(int a,\n                         int b) const = 0;\n};\n"),
    "include/scnn/nn/graph.h": '#include "scnn/backend/backend.h"\n',
    "src/core/shape.cpp": '#include "scnn/core/shape.h"\n',
    "src/backend/cpu/fill.cpp": "void CpuBackend::fill(int x) {}\nint CpuBackend::size(int a, int b) const { return 0; }\n",
    "src/nn/graph.cpp": '#include "scnn/nn/graph.h"\n#include <vector>\n',
    "tests/core/shape.cpp": "",
    "tests/backend/cases.cpp": "void f(Backend& b) { b.fill(1); b.size(1, 2); }\n",
    "tests/nn/networks.cpp": '#include "scnn/nn/graph.h"\n',
    "README.md": "See `src/core/shape.cpp`, [tests](tests/nn), `src/backend/cpu/*`, `runs/x/latest`, <https://a.b/c>.\n",
}


class CheckStructure(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in IN_ORDER.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def expect(self, place, words):
        found = violations(self.root)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place + ":"), found)
        self.assertIn(words, found[0])

    def test_in_order(self):
        self.assertEqual(violations(self.root), [])

    def test_stranger_at_the_top(self):
        self.write("scripts/x.py", "")
        self.expect("scripts:1", "does not belong at the top")

    def test_include_upwards(self):
        self.write("include/scnn/core/shape.h", '#pragma once\n#include "scnn/nn/graph.h"\n')
        self.expect("include/scnn/core/shape.h:2", "core includes scnn/nn/graph.h")

    def test_circle_of_includes(self):
        self.write("include/scnn/core/shape.h", '#pragma once\n#include "scnn/core/dtype.h"\n')
        self.write("include/scnn/core/dtype.h", '#pragma once\n#include "scnn/core/shape.h"\n')
        self.expect("include/scnn/core/dtype.h:1", "includes itself: include/scnn/core/dtype.h -> include/scnn/core/shape.h")

    def test_every_circle_is_named(self):
        for room in ("core", "nn"):
            self.write(f"src/{room}/a.h", f'#include "{room}/b.h"\n')
            self.write(f"src/{room}/b.h", f'#include "{room}/a.h"\n')
        self.assertEqual([line.split(" ")[0] for line in violations(self.root)], ["src/core/a.h:1:", "src/nn/a.h:1:"])

    def test_circle_of_rooms(self):
        self.write("cuda/a.h", '#include "backend/b.h"\n')
        self.write("cuda/c.h", "")
        self.write("src/backend/b.h", "")
        self.assertEqual(violations(self.root), [])
        self.write("src/backend/d.h", '#include "cuda/c.h"\n')
        self.expect("src/backend/d.h:1", "rooms include each other: src/backend/d.h includes cuda/c.h, cuda/a.h includes src/backend/b.h")

    def test_include_that_hides_its_layer(self):
        self.write("src/core/x.h", '#include "../nn/y.h"\n')
        self.write("src/nn/y.h", "")
        self.expect("src/core/x.h:1", "includes ../nn/y.h")

    def test_public_header_that_includes_a_private_one(self):
        self.write("src/nn/edges.h", "#pragma once\n")
        self.write("include/scnn/nn/graph.h", '#include "scnn/backend/backend.h"\n#include "nn/edges.h"\n')
        self.expect("include/scnn/nn/graph.h:2", "a public header includes nn/edges.h")

    def test_long_folder_readme(self):
        self.write("src/nn/README.md", "line\n" * 40)
        self.assertEqual(violations(self.root), [])
        self.write("src/nn/README.md", "line\n" * 41)
        self.expect("src/nn/README.md:41", "41 lines, at most 40")

    def test_large_room(self):
        for i in range(30):
            self.write(f"tests/core/shape_{i}.cpp", "// line\n" * 300)
        self.assertEqual(violations(self.root), [])
        for i in range(8):
            self.write(f"include/scnn/nn/part_{i}.h", "// line\n" * 300)
        self.expect("src/nn:1", "of the code, at most 13%")

    def test_private_include_upwards(self):
        self.write("src/core/shape.cpp", '#include "nn/graph.h"\n')
        self.expect("src/core/shape.cpp:1", "core includes nn/graph.h")

    def test_unknown_layer(self):
        self.write("include/scnn/misc/x.h", "")
        self.expect("include/scnn/misc/x.h", "'misc' is not a layer")

    def test_length(self):
        self.write("src/core/shape.cpp", "\n" * 400)
        self.assertEqual(violations(self.root), [])
        self.write("src/core/shape.cpp", "\n" * 401)
        self.expect("src/core/shape.cpp", "401 lines")

    def test_op_missing_on_the_cpu(self):
        self.write("src/backend/cpu/fill.cpp", "void CpuBackend::fill(int x) {}\nvoid f() { size(1, 2); }\n")
        self.expect("include/scnn/backend/backend.h", "op 'size' is missing in the CPU backend")

    def test_fused_op_needs_no_override(self):
        self.write("include/scnn/backend/backend.h",
                   "class Backend {\n public:\n  virtual void fill(int x) = 0;\n  virtual void both(int x);\n"
                   "  virtual int size(int a, int b) const = 0;\n};\n")
        self.assertEqual(violations(self.root), [])

    def test_op_missing_on_cuda(self):
        self.write("cuda/fill.cu", "void CudaBackend::fill(int x) {}\n")
        self.expect("include/scnn/backend/backend.h", "op 'size' is missing in the CUDA backend")

    def test_cuda_source_without_test(self):
        self.write("cuda/fill.cu", '#include "cuda/tile.h"\nvoid C::fill(int) {}\nint C::size(int, int) const {}\n')
        self.write("cuda/tile.h", "")
        self.write("cuda/tile.cu", '#include "cuda/tile.h"\n')
        self.assertEqual(violations(self.root), [])  # a tested source uses it
        self.write("cuda/other.h", "")
        self.write("cuda/other.cu", '#include "cuda/other.h"\n')
        self.expect("cuda/other.cu", "no test")
        self.write("tests/cuda/other.cpp", "")
        self.assertEqual(violations(self.root), [])

    def test_cuda_includes_upwards(self):
        self.write("cuda/fill.cu", '#include "scnn/nn/graph.h"\nvoid C::fill(int) {}\nint C::size(int, int) const {}\n')
        self.expect("cuda/fill.cu:1", "backend includes scnn/nn/graph.h")

    def test_source_without_test(self):
        self.write("src/nn/layer.cpp", "")
        self.expect("src/nn/layer.cpp", "no test")

    def test_kernel_without_case(self):
        self.write("tests/backend/cases.cpp", "void f(Backend& b) { b.fill(1); }\n")
        self.expect("src/backend/cpu/fill.cpp", "no test")

    def test_private_helper_of_a_tested_source(self):
        self.write("src/nn/order.h", "")
        self.write("src/nn/order.cpp", '#include "nn/order.h"\n')
        self.expect("src/nn/order.cpp", "no test")
        self.write("src/nn/graph.cpp", '#include "scnn/nn/graph.h"\n#include "nn/order.h"\n')
        self.assertEqual(violations(self.root), [])

    def test_verb_that_no_script_runs(self):
        self.write("src/cli/run.cpp", "")
        self.write("tests/cli/test_commands.py", 'program("eval")\n')
        self.expect("src/cli/run.cpp", "no test")
        self.write("tests/cli/test_commands.py", 'program("run")\n')
        self.assertEqual(violations(self.root), [])

    def test_public_header_needs_a_test_of_its_own(self):
        self.write("include/scnn/nn/layer.h", "")
        self.write("src/nn/layer.cpp", '#include "scnn/nn/layer.h"\n')
        self.write("src/nn/graph.cpp", '#include "scnn/nn/graph.h"\n#include "scnn/nn/layer.h"\n')
        self.expect("src/nn/layer.cpp", "no test")

    def test_heavy_header_below_cuda(self):
        self.write("include/scnn/core/shape.h", "#include <fmt/format.h>\n")
        self.expect("include/scnn/core/shape.h:1", "fmt/format.h")

    def test_heavy_header_reached_from_cuda(self):
        self.write("cuda/all.cu", '#include "backend/tile.h"\nvoid C::fill(int) {}\nint C::size(int, int) const {}\n')
        self.write("src/backend/tile.h", "")
        self.assertEqual(violations(self.root), [])
        self.write("src/backend/tile.h", "#include <nlohmann/json.hpp>\n")
        self.expect("src/backend/tile.h:1", "nlohmann/json.hpp")

    def test_document_names_absent_path(self):
        self.write("src/README.md", "fine: `core/shape.cpp`, `src/nn`\nnot: `src/nn/absent.cpp`\n")
        self.expect("src/README.md:2", "src/nn/absent.cpp")

    def test_document_links_absent_path(self):
        self.write("README.md", "[x](docs/absent.md)\n")
        self.expect("README.md:1", "docs/absent.md")

    def test_path_of_one_machine(self):
        self.write("src/core/shape.cpp", "// /wo" + "rk/main\n")
        self.expect("src/core/shape.cpp:1", "a path of one machine")

    def test_temporary_paths_only_in_tests(self):
        self.write("tests/core/shape.cpp", "// /tm" + "p/x\n")
        self.assertEqual(violations(self.root), [])
        self.write("src/core/shape.cpp", "// /tm" + "p/x\n")
        self.expect("src/core/shape.cpp:1", "a path of one machine")


if __name__ == "__main__":
    unittest.main()
