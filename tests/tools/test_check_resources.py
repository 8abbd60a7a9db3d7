"""tools/check_resources.py: the compiler's report is read, conflicts and spills are seen."""
import importlib.util
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("check_resources", ROOT / "tools/check_resources.py")
check_resources = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_resources)

REPORT = """ptxas info    : Compiling entry function '_Z9conv_gemmI9TileShapeILi128ELi64ELi64ELi32ELi32ELi3ELi2EEL9WeightUseE1EEvv' for 'sm_90'
ptxas info    : Function properties for _Z9conv_gemm
    8 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 111 registers, used 1 barriers
ptxas info    : Compiling entry function '_Z11weight_passv' for 'sm_80'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 32 registers
"""


class Resources(unittest.TestCase):
    def test_reads_the_report(self):
        first, second = check_resources.parse_report(REPORT)
        self.assertEqual(first[1:], (90, 111, 20))
        self.assertEqual(second[1:], (80, 32, 0))

    def test_describes_kernels(self):
        kernel = check_resources.parse_report(REPORT)[0][0]
        name, threads, shared = check_resources.described(kernel)
        self.assertEqual((name, threads), ("conv_gemm 128x64x64 backward data", 256))
        self.assertEqual(shared, 3 * (128 + 64) * 64 * 2 + 128 * 4 + 256 * 4)

    def test_blocks_of_a_multiprocessor(self):
        self.assertEqual(check_resources.blocks_of_sm(90, 256, 128, 100000), 2)
        self.assertEqual(check_resources.blocks_of_sm(80, 256, 128, 100000), 1)
        self.assertEqual(check_resources.blocks_of_sm(90, 256, 255, 0), 1)
        self.assertEqual(check_resources.blocks_of_sm(90, 1024, 32, 0), 2)

    def test_the_swizzle_has_no_conflicts_and_its_absence_has(self):
        self.assertEqual(check_resources.conflicts(), [])
        swizzled = check_resources.swizzled
        try:
            check_resources.swizzled = lambda row_chunks, row, chunk: row * row_chunks + chunk
            self.assertIn("ldmatrix, rows of 8 chunks, row 0, chunk 0", check_resources.conflicts())
        finally:
            check_resources.swizzled = swizzled


if __name__ == "__main__":
    unittest.main()
