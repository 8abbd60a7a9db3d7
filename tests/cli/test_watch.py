#!/usr/bin/env python3
"""`scnn watch` on a terminal (a pty) and without one: runs that go on, end, are cut back, damaged or absent.

usage: test_watch.py PROGRAM [unittest arguments]
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import program
from program import Case

ENTER, LEAVE, HOME = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H"


class Terminal:
    """A process on a pty of a given size."""

    def __init__(self, *words, columns=80, rows=24):
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.text = ""
        self.process = subprocess.Popen([program.PROGRAM, *map(str, words)], stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, env={**os.environ, "TERM": "xterm"})
        os.close(slave)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, until, seconds=60):
        """Reads on until `until(text)` or the end of the process; True for the former."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until(self.text):
                return True
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode()
                except OSError:  # closed: the process has ended
                    return until(self.text)
        return until(self.text)

    def end(self):
        self.read(lambda _: False, 0.1) if self.process.poll() is not None else self.read(lambda _: self.process.poll() is not None)
        self.read(lambda _: False, 0.3)
        os.close(self.master)
        return self.process.wait(timeout=60)


def frames(text):
    """The lines of each frame on the second screen, without control sequences."""
    inside = text.split(ENTER)[1].split(LEAVE)[0]
    return [re.sub(r"\x1b\[[0-9;]*[mKJ]|\r", "", frame).split("\n") for frame in inside.split(HOME)[1:]]


class Watch(Case):
    def live(self, name, state="running", process=None):
        """A copy of the finished run that says it is at work, in a process that lives."""
        folder = self.place / name
        shutil.copytree(self.run_folder, folder)
        info = json.loads((folder / "run.json").read_text())
        info.update(state=state, process=process or os.getpid(), ended=None)
        self.write_info(folder, info)
        return folder, info

    def write_info(self, folder, info):
        (folder / "run.new").write_text(json.dumps(info))
        (folder / "run.new").rename(folder / "run.json")

    def test_a_real_run_is_followed_to_its_end(self):
        folder = self.place / "real"
        run = subprocess.Popen([program.PROGRAM, "run", self.tiny, "--out", folder, "train.epochs=60"], cwd=self.place,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if (folder / "metrics.jsonl").exists():
                break
            time.sleep(0.05)
        terminal = Terminal("watch", folder)
        code = terminal.end()
        self.assertEqual((code, run.wait(timeout=120)), (0, 0), terminal.text)
        for wanted in [ENTER, "running", "ETA", "top-1", "conv1", LEAVE]:
            self.assertIn(wanted, terminal.text)
        self.assertIn("done", terminal.text.split(LEAVE)[1])
        self.assertIn("100%  step 420 of 420", terminal.text.split(LEAVE)[1])

    def test_ctrl_c_leaves_and_restores_the_cursor(self):
        folder, _ = self.live("going")
        terminal = Terminal("watch", folder)
        self.assertTrue(terminal.read(lambda text: text.count(HOME) >= 2))
        os.killpg(terminal.process.pid, signal.SIGINT)
        self.assertEqual(terminal.end(), 130, terminal.text)
        self.assertEqual((terminal.text.count(ENTER), terminal.text.count(LEAVE)), (1, 1))
        for lines in frames(terminal.text):
            self.assertLess(max(map(len, lines)), 80)
            self.assertLess(len(lines), 24)

    def test_a_smaller_window_gets_smaller_frames(self):
        folder, _ = self.live("resized")
        terminal = Terminal("watch", folder, columns=120, rows=30)
        self.assertTrue(terminal.read(lambda text: "fc" in text and text.endswith("\x1b[J")))
        seen = len(terminal.text)
        terminal.resize(40, 8)
        self.assertTrue(terminal.read(lambda text: text.count(HOME, seen) >= 3))
        os.killpg(terminal.process.pid, signal.SIGTERM)
        self.assertEqual(terminal.end(), 75)
        last = frames(terminal.text)[-1]
        self.assertLess(max(map(len, last)), 40)
        self.assertLessEqual(len(last), 8)

    def test_cut_back_logs_and_damaged_lines_are_survived(self):
        folder, info = self.live("cut")
        terminal = Terminal("watch", folder)
        self.assertTrue(terminal.read(lambda text: "epoch 6 of 6" in text))
        lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
        kept = [line for line in lines if json.loads(line)["step"] <= 14]
        (folder / "metrics.new").write_text("".join(kept) + "damaged\n")
        (folder / "metrics.new").rename(folder / "metrics.jsonl")
        self.assertTrue(terminal.read(lambda text: "epoch 2 of 6" in text and "1 damaged lines" in text))
        self.write_info(folder, {**info, "state": "failed", "message": "training failed: it was planted"})
        self.assertEqual(terminal.end(), 0)
        self.assertIn("it was planted", terminal.text.split(LEAVE)[1])

    def test_a_run_damaged_while_it_is_watched(self):
        folder, _ = self.live("damaged")
        terminal = Terminal("watch", folder)
        self.assertTrue(terminal.read(lambda text: HOME in text))
        (folder / "run.json").write_text("{")
        self.assertEqual(terminal.end(), 7)
        self.assertIn("is damaged", terminal.text.split(LEAVE)[1])

    def test_plain_lines_without_a_terminal(self):
        done = self.expect(0, "watch", self.run_folder)
        self.assertNotIn("\x1b", done.stdout)
        self.assertRegex(done.stdout, r"^done  100%  step 42 of 42  epoch 6 of 6")
        table = json.loads(self.expect(0, "watch", self.run_folder, "--json").stdout)
        self.assertEqual((table["state"], table["step"], table["total_steps"]), ("done", 42, 42))
        (self.place / "newest").mkdir()
        shutil.copytree(self.run_folder, self.place / "newest" / "below" / "it")
        self.assertIn("done", self.expect(0, "watch", self.place / "newest").stdout)

    def test_what_is_not_there_and_what_died(self):
        self.expect(2, "watch", self.place / "nowhere", says="does not exist")
        (self.place / "hollow").mkdir()
        self.expect(2, "watch", self.place / "hollow", says="no run in")
        self.expect(2, "watch", says="runs")
        gone = subprocess.Popen(["true"])
        gone.wait()
        folder, _ = self.live("dead", process=gone.pid)
        self.expect(0, "watch", folder, says=["cut off", "scnn resume"])


if __name__ == "__main__":
    program.main(__doc__)
