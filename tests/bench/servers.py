"""A process that is measured: pinned to a core, with its CPU time and memory."""
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

SECONDS_TO_START = 30


class Wrong(Exception):
    """A run that did other work than was asked for, or could not be made, is no measurement."""


class Server:
    """One server process (with its children). h2c_port: where HTTP/2 in clear text is spoken, if not where HTTP/1.1 is."""

    def __init__(self, name, command, ports, core, folder, environment=None, h2c_port=None):
        self.name = name
        pinned = ["taskset", "-c", str(core), "chrt", "-b", "0"] if core is not None else []
        self.command = [*pinned, *map(str, command)]
        self.ports = ports
        self.plain_port = ports[0]
        self.tls_port = ports[1] if len(ports) > 1 else None
        self.h2c_port = h2c_port or self.plain_port
        self.log = folder / f"{name}.out"
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self):
        """Until every port answers. Does nothing when it runs already."""
        if self.process:
            return
        for port in self.ports:
            if answers(port):
                raise Wrong(f"port {port} is in use: whatever listens there would share the load")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        end = time.monotonic() + SECONDS_TO_START
        while not all(answers(port) for port in self.ports):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Wrong(f"{self.name} does not answer:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def pids(self):
        """The process and its children (nginx's worker)."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def cpu_seconds(self):
        return sum(map(cpu_seconds, self.pids()))

    def memory_bytes(self):
        """Resident, with shared pages divided among those who share them."""
        return sum(map(memory_bytes, self.pids()))


def cpu_seconds(pid):
    """Time on a CPU of every thread, by the scheduler's own nanosecond clock."""
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def memory_bytes(pid):
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def settled_memory_bytes(pid, seconds=10):
    """Once it has stayed the same for a while: what a start has used up is given back soon after it."""
    before, same = memory_bytes(pid), 0
    end = time.monotonic() + seconds
    while same < 5 and time.monotonic() < end:
        time.sleep(0.1)
        now = memory_bytes(pid)
        same = same + 1 if abs(now - before) < before / 200 else 0
        before = now
    return before


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
