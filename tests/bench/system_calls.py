"""System calls a request, counted by strace over a fixed number of requests."""
import signal
import subprocess
import tempfile
import time
from pathlib import Path


def traced(bench, case, name, requests):
    """{name of the call: times a request}; None where tracing is not allowed."""
    proxy = bench.proxies[name]
    with tempfile.NamedTemporaryFile("r") as table:
        attach = [argument for pid in proxy.pids() for argument in ("-p", str(pid))]
        strace = subprocess.Popen(["strace", "-c", "-f", "-o", table.name, *attach], stderr=subprocess.DEVNULL)
        if not attached(strace, proxy):
            return None
        bench.run(case, name, requests)
        strace.send_signal(signal.SIGINT)
        strace.wait()
        return {call: times / requests for call, times in calls(table.read()).items()}


def calls(table):
    """{call: times} in what strace -c prints: % time, seconds, usecs/call, calls, [errors,] syscall."""
    rows = [line.split() for line in table.splitlines()]
    return {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"}


def attached(strace, proxy):
    """Waits until every thread of the proxy has a tracer."""
    while strace.poll() is None:
        states = [(task / "status").read_text() for pid in proxy.pids() for task in Path(f"/proc/{pid}/task").iterdir()]
        if all(f"TracerPid:\t{strace.pid}" in state for state in states):
            return True
        time.sleep(0.01)
    return False
