"""The cases, side by side: rounds in which the proxies take turns in a new order each time."""
import random
import sys
from dataclasses import dataclass

import cases
import figures
import system_calls
from load import refuses_grpc, uses_h2load
from servers import Wrong

WARM_UP = 200  # requests, and the least of a run


@dataclass(frozen=True)
class Effort:
    rounds: int
    seconds: float  # about how long each run takes; 0: as few requests as can be, and no warm-up
    traced_requests: int


def fewest(case):
    """Whole turns of all connections and streams; one turn where a request takes long."""
    if case.rate:
        return WARM_UP
    return case.at_once * (1 if case.slow else max(1, WARM_UP // case.at_once))


def requests_of(case, rate, seconds):
    """Fills the time, in whole turns of all connections and streams."""
    if case.rate:
        return max(WARM_UP, int(case.rate * seconds))
    return max(case.turns, round(rate * seconds / case.at_once)) * case.at_once


def warm_up(bench, case, names):
    """Also tells how many requests a second are answered: the median, so that all do the same work."""
    rates = []
    for name in names:
        for requests in (fewest(case),) if case.slow or case.rate else (fewest(case), 10 * fewest(case)):
            run = bench.run(case, name, requests)
        rates.append(run.requests / max(run.seconds, 1e-6))
    return figures.median(rates)


def measure(bench, case, effort):
    """{proxy: {ratio, cpu_us, rate, p50_us, p99_us: a value a round; rss_bytes; system_calls}}, or {"wrong": why}, or
    {"skipped": why}."""
    names = [name for name in case.proxies if name in bench.proxies]
    try:
        for server in (*bench.origins.values(), *(bench.proxy(case, name) for name in names)):
            server.start()
        if case.grpc and (why := refuses_grpc(bench.proxies[case.own], bench.folder)):
            return {"skipped": why}
        requests = requests_of(case, warm_up(bench, case, names), effort.seconds) if effort.seconds else fewest(case)
        runs = {name: [] for name in names}
        for number in range(effort.rounds):
            order = random.sample(names, len(names))
            for name in order:
                runs[name].append(bench.run(case, name, requests))
            print(f"  {case.name}: round {number + 1} of {effort.rounds}", file=sys.stderr)
        result = {name: summary(runs[name], bench.proxy(case, name)) for name in names}
        if case.traced and effort.traced_requests:
            count_calls(bench, case, names, effort.traced_requests, result)
    except (Wrong, OSError, ValueError) as problem:  # the others: a process has ended, an answer is not what it should be
        print(f"WRONG: {case.name}: {problem}", file=sys.stderr)
        return {"wrong": str(problem).splitlines()[0]}
    return result


def summary(runs, proxy):
    result = {
        "ratio": [run.ratio() for run in runs],
        "cpu_us": [run.proxy_cpu / run.requests * 1e6 for run in runs],
        "rate": [run.requests / run.seconds for run in runs],
        "requests": runs[0].requests,
        "rss_bytes": proxy.memory_bytes(),
    }
    if runs[0].p99_us:
        result["p50_us"] = [run.p50_us for run in runs]
        result["p99_us"] = [run.p99_us for run in runs]
    return result


def count_calls(bench, case, names, requests, result):
    for name in names:
        if name == cases.KERNEL or not uses_h2load(case):
            continue
        calls = system_calls.traced(bench, case, name, requests)
        if calls is not None:
            result[name]["system_calls"] = calls
