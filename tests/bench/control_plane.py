"""The control plane at scale: a fake API server (bench_cluster) with thousands of Ingresses, and Fairlead that reads it.

Fairlead runs with one worker and without --manifests, as in a cluster; status and Events are not written, as nobody would
read them. All processes are free to run on every core.
"""
import http.client
import json
import re
import subprocess
import sys
import time

import figures
import peers
from load import finished
from servers import Server, Wrong, cpu_seconds, settled_memory_bytes

PORTS = {"api": 9301, "endpoints": 9302, "proxy": 9311, "admin": 9313}
SIZES = (100, 1_000, 10_000, 40_000)
STATUS = "192.0.2.10"
SILENT = ["--disable-leader-election", "--update-status=false", "--disable-sync-events"]
QUIET_GAP_MS = 20


class Cluster:
    """bench_cluster, told what to do line by line."""

    def __init__(self, programs, ingresses, proxy_port, admin_port, api_port=PORTS["api"], endpoint_port=PORTS["endpoints"], more=None):
        command = [programs / "bench_cluster", "--ingresses", ingresses, "--api-port", api_port, "--endpoint-port", endpoint_port,
            "--proxy-port", proxy_port, "--admin-port", admin_port, *(("--large-slices", min(40, ingresses // 10)) if more is None else more)]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Wrong("bench_cluster has ended")
        facts = json.loads(line)
        if "wrong" in facts:
            raise Wrong(facts["wrong"])
        return facts

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def ask(self, *words):
        self.tell(*words)
        return self.answer()

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


def kubeconfig(folder, api_port):
    file = folder / f"kubeconfig-{api_port}"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": f"http://127.0.0.1:{api_port}"}}], "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]}))
    return file


class Reader(Server):
    """Fairlead, reading a cluster that is started with it."""

    def __init__(self, folder, program, programs, ingresses, http, admin, api_port, endpoint_port, core=None, more=None,
                 flags=SILENT):
        command = peers.fairlead(program, ["--kubeconfig", kubeconfig(folder, api_port), *flags], "off", http, admin)
        super().__init__(f"fairlead-{ingresses}", command, [http, admin], core, folder)
        self.make_cluster = lambda: Cluster(programs, ingresses, http, admin, api_port, endpoint_port, more)
        self.cluster = None

    def start(self):
        if self.process:
            return
        self.cluster = self.make_cluster()
        super().start()
        self.loaded = self.cluster.ask("ready")

    def stop(self):
        super().stop()
        if self.cluster:
            self.cluster.end()
            self.cluster = None


def with_many(folder, core, programs, program, ingresses):
    """The proxy of the data plane's case: the first row's host beside so many others."""
    return Reader(folder, program, programs, ingresses, peers.PORTS["MANY"], peers.PORTS["MANY_ADMIN"], 9303, 9304, core,
                  ("--large-slices", min(40, ingresses // 10), "--first-host", f"{peers.HOST}:{peers.PORTS['ORIGIN']}"))


def latencies(facts):
    return {"p50_ms": figures.median(facts["ms"]), "p99_ms": figures.percentile(facts["ms"], 0.99), "max_ms": max(facts["ms"]),
        "changes": len(facts["ms"])}


def cpu_of_changes(server, count, rate):
    """CPU µs of one change that comes alone."""
    before = cpu_seconds(server.process.pid)
    facts = server.cluster.ask("edits", count, rate)
    return {"cpu_us": (cpu_seconds(server.process.pid) - before) / count * 1e6, "generations": facts["generations"], "changes": count}


class Traffic:
    """An open loop beside the changes."""

    def __init__(self, programs, port, host, path, rate, requests):
        command = [programs / "bench_load", "--port", port, "--host", host, "--path", path, "--rate", rate, "--requests", requests,
            "--connections", 50]
        self.requests = requests
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)

    def end(self):
        facts = json.loads(self.process.communicate()[0])
        return {"errors": facts["errors"] + self.requests - facts["good"] - facts["errors"], "closed": facts["closed"],
            "p50_us": facts["p50_us"], "p99_us": facts["p99_us"]}


def under_changes(server, programs, quick):
    """The same changes, timed, while 200 others a second and 2,000 requests a second go on."""
    seconds = 0.5 if quick else 10
    server.cluster.ask("background", 200)
    traffic = Traffic(programs, PORTS["proxy"], "app-1.bench.example.com", "/p0", 2000, int(2000 * seconds))
    count = 10 if quick else 200
    ingress = latencies(server.cluster.ask("ingress", count, QUIET_GAP_MS / 2))
    slices = latencies(server.cluster.ask("slice", count, QUIET_GAP_MS / 2))
    facts = traffic.end()
    server.cluster.ask("background", 0)
    return {"ingress": ingress, "slice": slices, "traffic": facts}


def during_edits(server, programs, quick):
    """Traffic without edits and during them, in turns; all edits together are 10,000."""
    rounds, each, rate = (1, 200, 400) if quick else (4, 2500, 1000)
    runs = {"without": [], "during": []}
    seconds = each / rate
    for _ in range(rounds):
        for kind in runs:
            traffic = Traffic(programs, PORTS["proxy"], "app-1.bench.example.com", "/p0", 2000, int(2000 * seconds))
            if kind == "during":
                server.cluster.ask("edits", each, rate)
            runs[kind].append(traffic.end())
    p99 = {kind: [run["p99_us"] for run in found] for kind, found in runs.items()}
    return {"edits": rounds * each, "errors": sum(run["errors"] for run in runs["during"]), "closed": sum(run["closed"] for run in runs["during"]),
        "p99_us": p99, "p99_ratio": figures.median(figures.norms(p99["during"], p99["without"]))}


def at_size(options, folder, programs, ingresses):
    """Everything that is measured with so many Ingresses from the API server."""
    quick = options.quick
    server = Reader(folder, options.fairlead, programs, ingresses, PORTS["proxy"], PORTS["admin"], PORTS["api"], PORTS["endpoints"])
    try:
        server.start()
        result = {"start": server.loaded, "rss_bytes": settled_memory_bytes(server.process.pid)}
        cluster = server.cluster
        count = 10 if quick else 300
        result["ingress"] = latencies(cluster.ask("ingress", count, QUIET_GAP_MS))
        result["slice"] = latencies(cluster.ask("slice", count, QUIET_GAP_MS))
        result["change"] = cpu_of_changes(server, 20 if quick else 300, 50)
        if ingresses == largest(quick):
            result["under changes"] = under_changes(server, programs, quick)
            before = settled_memory_bytes(server.process.pid)
            result["edits"] = during_edits(server, programs, quick)
            result["edits"]["rss_growth"] = settled_memory_bytes(server.process.pid) / before - 1
        return result
    finally:
        server.stop()


def large_service(options, folder, programs):
    server = Reader(folder, options.fairlead, programs, 100, PORTS["proxy"], PORTS["admin"], PORTS["api"], PORTS["endpoints"])
    try:
        server.start()
        server.cluster.ask("large", 2000 if options.quick else 100_000)
        return latencies(server.cluster.ask("large-change", 5 if options.quick else 50))
    finally:
        server.stop()


def from_manifests(options, folder, programs, ingresses):
    """A folder with a file an Ingress: time to ready and memory."""
    many = folder / f"manifests-{ingresses}"
    many.mkdir()
    subprocess.run([programs / "bench_cluster", "--ingresses", str(ingresses), "--endpoint-port", str(PORTS["endpoints"]), "--manifests", many],
                   check=True)
    command = peers.fairlead(options.fairlead, ["--manifests", many], "off", PORTS["proxy"], PORTS["admin"])
    server = Server(f"fairlead-manifests-{ingresses}", command, [PORTS["proxy"], PORTS["admin"]], None, folder)
    began = time.monotonic()
    try:
        server.start()
        ready = until_ready(PORTS["admin"])
        return {"ready_ms": (ready - began) * 1000, "rss_bytes": settled_memory_bytes(server.process.pid)}
    finally:
        server.stop()


def until_ready(port, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
        connection.close()
        if status == 200:
            return time.monotonic()
        time.sleep(0.005)
    raise Wrong("never ready")


def lookups(programs, quick):
    text, _ = finished([programs / "bench_lookup", "--benchmark_format=json", f"--benchmark_min_time={0.01 if quick else 1}"])
    facts = json.loads(text[text.index("{"):text.rindex("}") + 1])
    return {re.match(r"\w+", one["name"]).group(): one["cpu_time"] for one in facts["benchmarks"]}


def largest(quick):
    return 1_000 if quick else SIZES[-1]


def measure(options, folder, programs):
    sizes = (100, largest(True)) if options.quick else SIZES
    results = {"sizes": {}}
    steps = [(f"{size} Ingresses", results["sizes"], str(size), lambda size=size: at_size(options, folder, programs, size)) for size in sizes]
    steps.append(("a large Service", results, "large service", lambda: large_service(options, folder, programs)))
    few, many = (1, 200) if options.quick else (1, 10_000)
    for count in (few, many):
        steps.append((f"{count} Ingresses from manifests", results, f"manifests {'few' if count == few else 'many'}",
                     lambda count=count: from_manifests(options, folder, programs, count)))
    steps.append(("one Ingress from the API", results, "api few", lambda: at_rest(options, folder, programs, 2)))
    usual = ("--paths", 2, "--endpoints", 2, "--status-address", STATUS)
    watched = ["--disable-leader-election", f"--publish-status-address={STATUS}"]  # every status is as it should be
    steps.append(("Ingresses of two paths", results, "two paths",
                 lambda: at_rest(options, folder, programs, largest(options.quick), usual, watched)))
    steps.append(("lookups", results, "lookup", lambda: lookups(programs, options.quick)))
    results["paths"] = {"manifests": many * 10, "api": sizes[-1] * 10}
    for name, into, key, step in steps:
        print(f"  control plane: {name}", file=sys.stderr)
        try:
            into[key] = step()
        except (Wrong, subprocess.SubprocessError, OSError, ValueError) as problem:
            print(f"WRONG: {name}: {problem}", file=sys.stderr)
            into[key] = {"wrong": str(problem)}
    return results


def at_rest(options, folder, programs, ingresses, more=None, flags=SILENT):
    server = Reader(folder, options.fairlead, programs, ingresses, PORTS["proxy"], PORTS["admin"], PORTS["api"], PORTS["endpoints"],
                    more=more, flags=flags)
    try:
        server.start()
        return {"rss_bytes": settled_memory_bytes(server.process.pid)}
    finally:
        server.stop()
