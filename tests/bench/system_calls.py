"""System calls a request, counted by strace over a fixed number of requests."""
import signal
import subprocess
import tempfile
import time
from pathlib import Path

REQUESTS = 20000


def traced(bench, case, proxy):
    """{name of the call: times} while REQUESTS requests were answered; None where tracing is not allowed."""
    with tempfile.NamedTemporaryFile("r") as table:
        attach = [argument for pid in proxy.pids() for argument in ("-p", str(pid))]
        strace = subprocess.Popen(["strace", "-c", "-f", "-o", table.name, *attach], stderr=subprocess.PIPE, text=True)
        if not attached(strace, proxy):
            return None
        bench.run(case, proxy, REQUESTS)
        strace.send_signal(signal.SIGINT)
        strace.wait()
        rows = [line.split() for line in table.read().splitlines()]
    return {row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"}


def attached(strace, proxy):
    """Waits until every thread of the proxy has a tracer."""
    while strace.poll() is None:
        states = [(task / "status").read_text() for pid in proxy.pids() for task in Path(f"/proc/{pid}/task").iterdir()]
        if all(f"TracerPid:\t{strace.pid}" in state for state in states):
            return True
        time.sleep(0.01)
    return False


def report(bench, cases):
    print("\n| case | proxy | system calls/request | the most frequent |\n|---|---|---|---|")
    for case in cases:
        for name, proxy in bench.proxies.items():
            calls = traced(bench, case, proxy)
            if calls is None:
                print(f"| {case.name} | {name} | tracing is not allowed here | |")
                continue
            most = sorted(calls.items(), key=lambda item: -item[1])[:5]
            detail = ", ".join(f"{call} {times / REQUESTS:.2f}" for call, times in most)
            print(f"| {case.name} | {name} | {sum(calls.values()) / REQUESTS:.2f} | {detail} |")
