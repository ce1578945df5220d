"""A process with a log file and a pid file, found again by another run of the program."""
import os
import signal
import subprocess
import time
from pathlib import Path


def runs(pid):
    """Whether there is such a process, and it is not dead already."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid):
    """The ids of the processes that it started, as long as it runs."""
    try:
        return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:
        return []


class Process:
    """Runs in `folder`, which is how a recycled process id is told from ours."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.log = folder / f"{name}.log"
        self._pid_file = folder / f"{name}.pid"
        self._child = None

    def start(self, *command, environment=None):
        home = {"HOME": str(self.folder), "PATH": os.environ["PATH"]}
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [str(part) for part in command], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env={**home, **(environment or {})})
        self._pid_file.write_text(str(self._child.pid))

    @property
    def pid(self):
        try:
            return int(self._pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def runs(self):
        if self._child is not None:
            return self._child.poll() is None
        try:
            state = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()[0]
            return state != "Z" and os.readlink(f"/proc/{self.pid}/cwd") == str(self.folder)
        except OSError:
            return False

    def send(self, number):
        if self.runs():
            os.kill(self.pid, number)

    def stop(self, number=signal.SIGKILL, seconds=30):
        """Ends it and returns its exit code (None when another program started it)."""
        self.send(number)
        end = time.monotonic() + seconds
        while self.runs():
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
                raise TimeoutError(f"{self.name} did not end within {seconds} s of signal {number}")
            time.sleep(0.01)
        self._pid_file.unlink(missing_ok=True)
        return self._child.returncode if self._child else None

    def last_lines(self, count=15):
        try:
            return "".join(f"  {self.name} | {line}\n" for line in self.log.read_text(errors="replace").splitlines()[-count:])
        except FileNotFoundError:
            return ""
