"""The counts that tools/summarize_tests.py takes out of ctest's JUnit file."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "tools"))

from summarize_tests import summarize  # noqa: E402


def suite(*entries):
    cases = "".join(f'<testcase name="{name}" status="{status}">{extra}<system-out>{output}</system-out></testcase>'
                    for name, status, output, extra in entries)
    return f'<?xml version="1.0"?><testsuite>{cases}</testsuite>'


class Summarize(unittest.TestCase):
    def expect(self, numbers, name, status, output, extra=""):
        total, failed = summarize(suite((name, status, output, extra)))
        self.assertEqual((total.passed, total.failed, total.skipped), numbers)
        self.assertEqual(failed, [name] if numbers[1] else [])
        return total

    def test_catch2_all_passed(self):
        self.expect((12, 0, 0), "core", "run", "====\nAll tests passed (3,000 assertions in 12 test cases)\n")
        self.expect((1, 0, 0), "core", "run", "All tests passed (1 assertion in 1 test case)\n")

    def test_catch2_failures(self):
        self.expect((2, 1, 0), "core", "fail", "test cases:  3 |  2 passed | 1 failed\nassertions: 9 | 8 passed | 1 failed\n")
        self.expect((0, 1, 0), "core", "fail", "test cases: 1 | 1 failed\nassertions: 1 | 1 failed\n")

    def test_catch2_three_skips(self):
        self.expect((1, 0, 1), "core", "run", "test cases: 2 | 1 passed | 1 skipped\n")

    def test_failed_as_expected_is_no_failure(self):
        self.expect((2, 0, 0), "core", "run", "test cases: 2 | 1 passed | 1 failed as expected\n")

    def test_skips_are_listed_once_and_not_passed(self):
        output = "skipped: no GPU\nAll tests passed (4 assertions in 5 test cases)\n\nskipped: no GPU\n"
        total = self.expect((4, 0, 1), "core", "run", output)
        self.assertEqual(total.reasons, ["no GPU"])

    def test_crash_and_timeout(self):
        self.expect((0, 1, 0), "core", "fail", "skipped: no GPU\nSIGSEGV")
        self.expect((0, 1, 0), "core", "fail", "")

    def test_failure_after_the_last_test_case(self):
        self.expect((2, 1, 0), "core", "fail", "All tests passed (4 assertions in 2 test cases)\nLeakSanitizer")

    def test_single_checks(self):
        self.expect((1, 0, 0), "structure", "run", "structure: in order")
        self.expect((0, 1, 0), "structure", "fail", "structure: 2 violations")

    def test_skipped_check(self):
        total = self.expect((0, 0, 1), "format", "notrun", "skipped: no clang-format 14",
                            '<skipped message="SKIP_RETURN_CODE=77"/>')
        self.assertEqual(total.reasons, ["no clang-format 14"])

    def test_program_that_was_not_built_is_a_failure(self):
        self.expect((0, 1, 0), "nn", "notrun", "", '<skipped message="Unable to find executable"/>')

    def test_unittest_program(self):
        self.expect((7, 0, 1), "tools", "run", "Ran 8 tests in 0.1s\n\nOK (skipped=1)\n")
        self.expect((5, 3, 0), "tools", "fail", "Ran 8 tests in 0.1s\n\nFAILED (failures=2, errors=1)\n")

    def test_sum(self):
        text = suite(("a", "run", "All tests passed (1 assertion in 1 test case)", ""), ("b", "fail", "", ""))
        total, failed = summarize(text)
        self.assertEqual((total.passed, total.failed, failed), (1, 1, ["b"]))


if __name__ == "__main__":
    unittest.main()
