"""RESULTS.md, from results as they are in results.json. Pure: no clock, no file."""
import figures
import goals

HEAD = """# Results

Made by `tests/bench/run`; do not edit. Machine-readable: [results.json](results.json).

norm = CPU time of the proxy ÷ CPU time of load generator + origin in the same run, divided by nginx's own value in the same
round. Lower is better; nginx = 1.00. Figures are medians over the rounds; the spread is the smallest and the largest.
"""

METHOD = """## Method, and its limits

- Generator, proxy and origin share one core; the proxies take turns in a new order each round, all with the same number of requests.
  CPU time is the scheduler's own count for each process. A run counts only if there was no error, every status and every body byte
  was right, and the origin answered as many requests as the client made.
- Generators: h2load for requests on kept connections; [programs/load.cpp](programs/load.cpp) for the open loop (latency from when a
  request was due), connections and handshakes a request, chunked uploads, WebSocket messages and idle connections;
  [programs/idle_http2.cpp](programs/idle_http2.cpp) for idle HTTP/2 connections.
- Rows that begin with h2 (over TLS) or h2c (in clear text, known beforehand) are HTTP/2 from the client to the proxy, so many
  connections × so many streams at once on each; towards the origin everybody speaks HTTP/1.1 over kept connections, save for gRPC, which is HTTP/2 on both sides
  ([programs/grpc_origin.cpp](programs/grpc_origin.cpp)).
- Of HTTP/2, goals are held against CPU time a request as it is, in the same round, and not by way of the norm: what generator
  and origin need there depends on how a proxy gathers frames (behind Fairlead up to a third less than behind others), and
  that would be counted against the one that spares them.
- Every proxy has one worker, adds the same eight request headers, negotiates the same TLS, and is configured in [peers/](peers): a
  mistake there is a mistake in these figures.
- This is loopback on one virtual machine with few cores: no network card, no other machine, a kernel whose share is the same for
  all and most of the time. Ratios carry over to other machines better than the µs do; tail latencies least of all. The rows
  "kernel's share" are a program that reads nothing and passes bytes on: no proxy over sockets can need less. An origin that sends
  head and body in two segments (1 KB and more here) makes the kernel acknowledge within the proxy's read: 3 µs, the same for all.
- That a request on a kept connection allocates nothing is no figure but a test: tests/integration/allocations_test.cpp.
- Resident memory counts shared pages by share (PSS).
- The control plane reads an API server made for this ([programs/cluster.cpp](programs/cluster.cpp)); changes are timed from just
  before the event is written to the first byte of the first answer by the new rule, asked for every 0.2 ms. Fairlead waits 2 ms for
  other changes to join one (10 ms at the most); that is in these figures. Everything there shares the cores with the traffic.
- The row of Ingresses with two paths is a usual cluster: two endpoints a Service, and statuses that are watched and as they should be.
"""


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def everything(results):
    """Every result that stands for itself, by name; one that went wrong has "wrong"."""
    control = results.get("control_plane", {})
    parts = {name: results[name] for name in ("idle connections", "memory under traffic") if name in results}
    sizes = {f"control plane, {size} Ingresses": result for size, result in control.get("sizes", {}).items()}
    others = {f"control plane, {name}": result for name, result in control.items() if name not in ("sizes", "paths")}
    return {**results["cases"], **parts, **sizes, **others}


def page(results):
    sections = [HEAD, about(results["about"], results.get("absent", {})), goal_section(results), case_section(results["cases"])]
    sections += [section(results) for section in (call_section, idle_section, flat_section, control_section)]
    return "\n".join(filter(None, [*sections, METHOD]))


def about(facts, absent):
    versions = "; ".join(facts["versions"].values())
    lines = [f"{versions}.", f"{facts['machine']}, congestion control {facts['congestion_control']}. TLS: {facts.get('tls', '-')}.",
        f"{facts['rounds']} rounds of about {facts['seconds']} s each; {facts.get('minutes', '?')} minutes in all; "
        f"load before it began: {facts['load_before']:.2f}; commit {facts['commit']}."]
    if facts["quick"]:
        lines.insert(0, "**Made with --quick: these are no measurements.**")
    lines += [f"Absent: {name} ({why})." for name, why in sorted(absent.items())]
    return "\n".join(line + "  " for line in lines) + "\n"


def goal_section(results):
    rows = goals.rows(results)
    counted = {word: sum(1 for row in rows if row.verdict == word) for word in ("goal", "floor", "missed", "not measured")}
    summary = f"Of {len(rows)} rows: {counted['goal']} at the goal, {counted['floor']} between goal and floor, {counted['missed']} missed"
    summary += f", {counted['not measured']} not measured.\n" if counted["not measured"] else ".\n"
    marks = {"goal": "goal", "floor": "floor", "missed": "**missed**", "not measured": "not measured"}
    lines = [[row.name, row.text(row.value), row.text(row.goal), row.text(row.floor), marks[row.verdict]] for row in rows]
    return "## Goals\n\n" + summary + "\n" + table(["row", "measured", "goal ≤", "floor ≤", "verdict"], lines)


def case_section(cases):
    lines = []
    for name, result in cases.items():
        if "wrong" in result:
            lines.append([name, "-", "did other work than was asked for: " + result["wrong"].replace("|", "/"), *["-"] * 6])
            continue
        if "skipped" in result:
            lines.append([name, "-", "skipped: " + result["skipped"].replace("|", "/"), *["-"] * 6])
            continue
        for proxy, found in result.items():
            lines.append([name, proxy, *case_columns(found, result.get("nginx"))])
    head = ["case", "proxy", "norm", "spread", "CPU µs/request", "requests/s per core", "p50 µs", "p99 µs", "memory MB"]
    return "## Data plane\n\n" + table(head, lines) if lines else ""


def case_columns(found, nginx):
    norm = spread = "-"
    if nginx:
        norms = figures.norms(found["ratio"], nginx["ratio"])
        norm, spread = f"**{figures.median(norms):.2f}**", "{:.2f}-{:.2f}".format(*figures.spread(norms))
    cpu = figures.median(found["cpu_us"])
    latency = [f"{figures.median(found[name]):,.0f}" if name in found else "-" for name in ("p50_us", "p99_us")]
    return [norm, spread, f"{cpu:,.1f}", f"{1e6 / cpu:,.0f}", *latency, f"{found['rss_bytes'] / 1e6:.1f}"]


def call_section(results):
    lines = []
    for case, result in results["cases"].items():
        for proxy, found in result.items() if not {"wrong", "skipped"} & set(result) else ():
            if calls := found.get("system_calls"):
                most = sorted(calls.items(), key=lambda item: -item[1])[:5]
                lines.append([case, proxy, f"{sum(calls.values()):.2f}", ", ".join(f"{name} {times:.2f}" for name, times in most)])
    return "## System calls a request\n\n" + table(["case", "proxy", "calls", "the most frequent"], lines) if lines else ""


def idle_section(results):
    found = results.get("idle connections")
    if not found or "wrong" in found:
        return ""
    lines = [[kind, proxy, f"{size / 1024:.2f}"] for kind, sizes in found.items() for proxy, size in sizes.items()]
    return ("## Idle connections\n\nAfter one request each. nginx takes the table of its worker_connections when it starts: 0.4 KB a "
            "connection that is not in these figures.\n\n" + table(["connections", "proxy", "KB each"], lines))


def flat_section(results):
    found = results.get("memory under traffic")
    if not found or "wrong" in found:
        return ""
    sizes = ", ".join(f"{size / 1e6:.1f}" for size in found["bytes"])
    return (f"## Memory under traffic\n\nFairlead's memory in MB after each tenth of {found['requests']:,} requests, then of "
            f"{found['connections']:,} connections: {sizes}.\n")


def control_section(results):
    control = results.get("control_plane")
    if not control:
        return ""
    lines = [[f"{int(size):,}", *size_columns(found)] for size, found in control["sizes"].items() if "wrong" not in found]
    head = ["Ingresses × 10 paths", "Ingress changed: p50, p99 ms", "EndpointSlice changed: p50, p99 ms", "CPU µs a change", "ready after list ms",
        "memory MB"]
    text = "## Control plane\n\n" + table(head, lines)
    large = control.get("large service", {})
    if "p50_ms" in large:
        text += f"\nOne endpoint of a Service with 100,000 changes: {large['p50_ms']:.1f} ms (p99 {large['p99_ms']:.1f} ms) until it is served.\n"
    return text + edits_text(control)


def size_columns(found):
    pairs = [f"{found[kind]['p50_ms']:.1f}, {found[kind]['p99_ms']:.1f}" for kind in ("ingress", "slice")]
    return [*pairs, f"{found['change']['cpu_us']:,.0f}", f"{found['start']['ready_ms']:,.0f}", f"{found['rss_bytes'] / 1e6:,.0f}"]


def edits_text(control):
    text = ""
    for size, found in control["sizes"].items():
        if edits := found.get("edits"):
            during, without = (figures.median(edits["p99_us"][kind]) for kind in ("during", "without"))
            text += (f"\nTraffic of 2,000 requests/s during {edits['edits']:,} edits at {int(size):,} Ingresses: {edits['errors']} errors, "
                     f"{edits['closed']} connections closed, p99 {during:,.0f} µs ({without:,.0f} µs without edits).\n")
    return text
