"""One run of a load generator against one proxy, and the proof that it did what was asked for."""
import json
import os
import re
import socket
import subprocess
from dataclasses import dataclass

import peers
from cases import GRPC, KERNEL, KERNEL_OF_STREAMS, MESSAGE
from servers import Wrong


@dataclass
class Run:
    requests: int
    seconds: float
    proxy_cpu: float
    other_cpu: float  # load generator + origin
    p50_us: float = 0  # of an open loop: from when a request was due
    p99_us: float = 0

    def ratio(self):
        return self.proxy_cpu / self.other_cpu


class Bench:
    def __init__(self, folder, core, programs, origins, proxies):
        self.folder, self.core, self.programs, self.origins, self.proxies = folder, core, programs, origins, proxies

    def proxy(self, case, name):
        """The server that goes by this name in the tables."""
        return self.proxies[KERNEL_OF_STREAMS if name == KERNEL and case.origin == "streams" else name]

    def run(self, case, name, requests):
        proxy, origin = self.proxy(case, name), self.origins[case.origin]
        answered = requests_answered(case.origin)
        before = proxy.cpu_seconds(), origin.cpu_seconds()
        tool = h2load if uses_h2load(case) else own_load
        text, generator_cpu = finished(pinned(self.core, tool(case, proxy, requests, self)))
        proxy_cpu, origin_cpu = proxy.cpu_seconds() - before[0], origin.cpu_seconds() - before[1]
        answered = requests_answered(case.origin) - answered
        facts = (h2load_facts if uses_h2load(case) else own_facts)(text)
        wrong = differences(wanted(case, requests), {**facts, "requests at the origin": answered})
        if wrong:
            raise Wrong(f"{case.name}, {name}: {wrong}\n{text[-2000:]}")
        return Run(requests, facts["seconds"], proxy_cpu, origin_cpu + generator_cpu, facts.get("p50_us", 0), facts.get("p99_us", 0))


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "-m", "10", *map(str, arguments)], capture_output=True, text=True).stdout


def refuses_grpc(proxy, folder):
    """Why this proxy does not do it; None: it does."""
    message = folder / upload_file(folder, MESSAGE, True)
    port = proxy.h2c_port
    status = curl("--http2-prior-knowledge", "--resolve", f"{peers.HOST}:{port}:127.0.0.1", "-H", "content-type: application/grpc", "-H",
                  "te: trailers", "--data-binary", f"@{message}", "-o", "/dev/null", "-w", "%{http_code} %{size_download}",
                  f"http://{peers.HOST}:{port}{GRPC}Unary")
    return None if status == f"200 {MESSAGE}" else f"{proxy.name} does not speak gRPC to services: {status}"


def uses_h2load(case):
    return not case.options and not case.rate


def pinned(core, command):
    return ["taskset", "-c", str(core), "chrt", "-b", "0", *map(str, command)]


def finished(command):
    """(its output, its CPU seconds)"""
    load = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        text = load.stdout.read()
    except BaseException:
        load.kill()
        raise
    _, status, usage = os.wait4(load.pid, 0)
    load.returncode = os.waitstatus_to_exitcode(status)
    return text, usage.ru_utime + usage.ru_stime


def h2load(case, proxy, requests, bench):
    scheme, port = ("https", proxy.tls_port) if case.tls else ("http", proxy.h2c_port if case.streams else proxy.plain_port)
    protocol = ["--npn-list=h2", "-p", "h2c", "-m", case.streams] if case.streams else ["--h1"]
    headers = [word for header in case.headers for word in ("-H", header)]
    upload = ["-d", bench.folder / upload_file(bench.folder, case.upload, case.grpc)] if case.upload else []
    return ["h2load", *protocol, "-t", "1", "-c", min(case.connections, requests), "-n", requests, *headers, *upload, "--connect-to",
        f"127.0.0.1:{port}", f"{scheme}://{peers.HOST}:{port}{case.path}"]


def upload_file(folder, size, grpc):
    """grpc: one message, with the prefix that says how long it is."""
    file = folder / (f"message-{size}" if grpc else f"upload-{size}")
    if not file.exists():
        file.write_bytes((b"\0" + (size - 5).to_bytes(4) if grpc else b"").ljust(size, b"u"))
    return file.name


def own_load(case, proxy, requests, bench):
    command = [bench.programs / "bench_load", "--port", proxy.tls_port if case.tls else proxy.plain_port, "--host", peers.HOST, "--path",
        case.path, "--connections", case.connections, "--requests", requests, *case.options]
    command += ["--upload", case.upload] if case.upload else []
    command += ["--rate", case.rate] if case.rate else []
    return command + (["--tls"] if case.tls else [])


def h2load_facts(text):
    found = {
        "good": re.search(r"(\d+) succeeded", text),
        "2xx": re.search(r"status codes: (\d+) 2xx", text),
        "body bytes": re.search(r"\((\d+)\) data", text),
        "seconds": re.search(r"finished in .*?, ([\d.]+) req/s", text),
    }
    facts = {name: float(match.group(1)) if match else 0 for name, match in found.items()}
    facts["seconds"] = facts["good"] / facts["seconds"] if facts["seconds"] else 0
    protocol = re.search(r"Application protocol: (\S+)", text)
    return {**facts, "protocol": protocol.group(1) if protocol else None}


def own_facts(text):
    facts = json.loads(text.splitlines()[-1]) if text.strip() else {}
    return {**facts, "2xx": facts.get("good"), "body bytes": facts.get("body_bytes")}


def wanted(case, requests):
    """What a right run says, of what its generator can say: exactly, or the least of it."""
    facts = {"good": requests, "2xx": requests, "body bytes": requests * case.body, "requests at the origin": requests}
    if uses_h2load(case):
        facts["protocol"] = ("h2" if case.tls else "h2c") if case.streams else "http/1.1"
    else:
        facts |= {"errors": 0, "closed": 0}
    if "--close" in case.options:
        facts["connected"] = requests
    if "--websocket" in case.options:  # requests upgrade; the messages are proven by what came back
        facts["requests at the origin"] = case.connections
    if case.tls and "--close" in case.options and "--resume" not in case.options:
        facts["resumed"] = 0
    if "--resume" in case.options:  # all but those that began before the first ticket came
        facts["resumed"] = range(requests - case.connections, requests + 1)
    return facts


def differences(expected, found):
    """The facts that are not as expected, in words; empty: all are."""
    def right(value, wanted_value):
        return value in wanted_value if isinstance(wanted_value, range) else value == wanted_value
    wrong = [f"{name}: {found.get(name)} instead of {value}" for name, value in expected.items() if not right(found.get(name), value)]
    return "; ".join(wrong)


def requests_answered(origin):
    """What this origin has counted so far, these questions left out."""
    if origin == "grpc":
        text = curl("--http2-prior-knowledge", f"http://127.0.0.1:{peers.PORTS['GRPC']}/status")
        return int(re.search(r"requests (\d+)", text).group(1))
    with socket.create_connection(("127.0.0.1", peers.PORTS[origin.upper()])) as connection:
        if origin == "streams":
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: origin\r\n\r\n")
            return int(re.search(rb"requests (\d+)", connection.recv(4096)).group(1))
        connection.sendall(b"GET /status HTTP/1.0\r\n\r\n")
        text = connection.makefile().read()
    global asked
    asked += 1  # nginx counts the question too
    return int(re.search(r"requests\s+\d+ \d+ (\d+)", text).group(1)) - asked


asked = 0
