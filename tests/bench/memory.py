"""How much memory an idle connection costs each proxy, and whether Fairlead's stays flat under traffic."""
import json
import subprocess

import figures
import peers
from load import finished, pinned
from servers import Wrong, memory_bytes

WARM_CONNECTIONS = 20
KINDS = {
    "plain": ("bench_load", "--idle", "--requests", "COUNT"),
    "TLS": ("bench_load", "--idle", "--requests", "COUNT", "--tls"),
    "h2 TLS": ("bench_idle_http2",),
}


class IdleConnections:
    """Connections on which one request was answered, then nothing. kind: of KINDS."""

    def __init__(self, bench, proxy, count, kind):
        program, *options = KINDS[kind]
        port = proxy.plain_port if kind == "plain" else proxy.tls_port
        options = [str(count) if option == "COUNT" else option for option in options]
        command = [bench.programs / program, "--port", port, "--host", peers.HOST, "--path", "/128", "--connections", count, *options]
        self.process = subprocess.Popen(pinned(bench.core, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise Wrong(f"{proxy.name}: {count} connections do not stand")

    def end(self, proxy, count):
        facts = json.loads(self.process.communicate()[0])
        if facts["good"] != count or facts["errors"] or facts["closed"]:
            raise Wrong(f"{proxy.name}: idle connections were lost: {facts}")


def bytes_a_connection(bench, name, count, kind):
    """From a fresh process that has answered a few requests."""
    proxy = bench.proxies[name]
    proxy.stop()
    proxy.start()
    few = IdleConnections(bench, proxy, WARM_CONNECTIONS, kind)
    before = proxy.memory_bytes()
    many = IdleConnections(bench, proxy, count, kind)
    each = (proxy.memory_bytes() - before) / count
    many.end(proxy, count)
    few.end(proxy, WARM_CONNECTIONS)
    return each


def idle(bench, names, count):
    """{one of KINDS: {proxy: bytes a connection}}"""
    for origin in bench.origins.values():
        origin.start()
    return {kind: {name: bytes_a_connection(bench, name, count, kind) for name in names} for kind in KINDS}


def flat(bench, requests, connections, cores):
    """Fairlead's memory while it answers so many requests, then opens so many connections: sizes along the way, and whether
    they are flat. Generator and origin run on a core of their own if there is one."""
    proxy = bench.proxies["fairlead"]
    bench.origins["streams"].start()
    proxy.stop()
    proxy.start()
    subprocess.run(["taskset", "-a", "-p", "-c", str(cores[0]), str(bench.origins["streams"].process.pid)], check=True, capture_output=True)
    command = [bench.programs / "bench_load", "--port", proxy.plain_port, "--host", peers.HOST, "--path", "/fixed/128"]
    steps = []
    for options in ([["--requests", requests // 10]] * 10 + [["--requests", connections // 10, "--close"]] * 10):
        text, _ = finished(pinned(cores[0], [*command, *options]))
        facts = json.loads(text)
        if facts["good"] != options[1] or facts["errors"]:
            raise Wrong(f"memory: {text}")
        steps.append(memory_bytes(proxy.process.pid))
    subprocess.run(["taskset", "-a", "-p", "-c", str(bench.core), str(bench.origins["streams"].process.pid)], check=True, capture_output=True)
    return {"requests": requests, "connections": connections, "bytes": steps, "growth": steps[-1] / steps[0] - 1,
        "flat": figures.flat(steps, 0.02)}
