"""What the project wants of each figure, and whether it is so. Every row of the tables is here; what was not measured says
so. Pure."""
from dataclasses import dataclass

import cases
import figures

AGAINST = {"better": "of the better of nginx and HAProxy", "best": "of the best peer", "nginx": "of nginx", "haproxy": "of HAProxy",
    "fairlead": "of its own plain figure"}
SERIES = {"cpu": "ratio", "own cpu": "cpu_us", "p50": "p50_us", "p99": "p99_us"}


@dataclass(frozen=True)
class Row:
    name: str
    value: float | None
    goal: float
    floor: float
    unit: str = ""

    @property
    def verdict(self):
        return figures.verdict(self.value, self.goal, self.floor)

    def text(self, value):
        if value is None:
            return "-"
        if self.unit == "%":
            return f"{value * 100:+.1f} %"
        digits = 0 if self.unit in ("", "B", "ns") and (float(value).is_integer() or abs(value) >= 20) else 2
        return f"{value:,.{digits}f} {self.unit}".strip()


def rows(results):
    return [*case_rows(results), *memory_rows(results), *control_rows(results.get("control_plane", {}))]


def case_rows(results):
    found = []
    for case in cases.CASES:
        measured = results["cases"].get(case.name, {})
        for goal in case.goals:
            word = {"cpu": "CPU", "own cpu": "CPU", "p50": "p50", "p99": "p99"}[goal.figure]
            found.append(Row(f"{case.name}: {word} {AGAINST[goal.against]}", case_value(measured, case, goal), goal.goal, goal.floor))
    return found


def case_value(measured, case, goal):
    if "wrong" in measured or "skipped" in measured:
        return None
    series = {name: result[SERIES[goal.figure]] for name, result in measured.items() if SERIES[goal.figure] in result}
    return figures.quotient(series, case.own, goal.against)


def at(results, *path):
    """The figure at this path, or None where something on the way is missing."""
    for name in path:
        if not isinstance(results, dict) or name not in results:
            return None
        results = results[name]
    return results


def memory_rows(results):
    calls = at(results, "cases", "GET 128 B", "fairlead", "system_calls")
    idle = {kind: at(results, "idle connections", kind, "fairlead") for kind in ("plain", "TLS", "h2 TLS")}
    kb = {kind: None if size is None else size / 1024 for kind, size in idle.items()}
    return [
        Row("system calls a request, GET 128 B", sum(calls.values()) if calls else None, 4.2, 4.2),
        Row("memory of an idle connection, plain", kb["plain"], 0.6, 0.6, "KB"),
        Row("memory of an idle connection, TLS", kb["TLS"], 15, 15, "KB"),
        Row("memory of an idle connection, h2 over TLS", kb["h2 TLS"], 24, 24, "KB"),
        Row("memory after 10,000,000 requests and 100,000 connections, against the first tenth", at(results, "memory under traffic", "growth"),
            0.02, 0.05, "%"),
    ]


def quotient(above, below):
    return None if above is None or not below else above / below


def bytes_a_path(control, many, few, paths):
    sizes = at(control, *many, "rss_bytes"), at(control, *few, "rss_bytes")
    return None if None in sizes or not paths else (sizes[0] - sizes[1]) / paths


def megabytes(size):
    return None if size is None else size / 1e6


def control_rows(control):
    def one(*path):
        return at(control, *path)
    top = ("sizes", "40000")
    return [
        Row("an Ingress changed, 40,000: p99, idle", one(*top, "ingress", "p99_ms"), 10, 30, "ms"),
        Row("an Ingress changed, 40,000: p99, during 200 changes/s with traffic", one(*top, "under changes", "ingress", "p99_ms"), 10, 30, "ms"),
        Row("an EndpointSlice changed, 40,000: p99, idle", one(*top, "slice", "p99_ms"), 5, 15, "ms"),
        Row("an EndpointSlice changed, 40,000: p99, during 200 changes/s with traffic", one(*top, "under changes", "slice", "p99_ms"), 5, 15, "ms"),
        Row("CPU of a change at 40,000 ÷ at 100", quotient(one(*top, "change", "cpu_us"), one("sizes", "100", "change", "cpu_us")), 1.5, 3),
        Row("10,000 edits under traffic: errors", one(*top, "edits", "errors"), 0, 0),
        Row("10,000 edits under traffic: connections closed", one(*top, "edits", "closed"), 0, 0),
        Row("10,000 edits under traffic: p99 ÷ without edits", one(*top, "edits", "p99_ratio"), 1.2, 1.5),
        Row("start with 10,000 Ingresses × 10 paths: ready after the list", one("sizes", "10000", "start", "ready_ms"), 1000, 2000, "ms"),
        Row("memory a path, from the API server", bytes_a_path(control, top, ("api few",), one("paths", "api")), 500, 1024, "B"),
        Row("memory a path, from manifests", bytes_a_path(control, ("manifests many",), ("manifests few",), one("paths", "manifests")), 500, 1024, "B"),
        Row("memory with 40,000 Ingresses of two paths, Services and EndpointSlices", megabytes(one("two paths", "rss_bytes")), 200, 200, "MB"),
        Row("memory after 10,000 edits against before", one(*top, "edits", "rss_growth"), 0.01, 0.05, "%"),
        Row("lookup among 1,000,000 paths, hot", one("lookup", "hot"), 100, 150, "ns"),
        Row("lookup among 1,000,000 paths, cold", one("lookup", "cold"), 700, 1000, "ns"),
        Row("one of 100,000 endpoints of a Service changes: median", one("large service", "p50_ms"), 20, 50, "ms"),
    ]
