"""Puts the parts together: what is measured in which order, and where the results go."""
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cases
import control_plane
import data_plane
import memory
import peers
import report
from load import Bench
from servers import Wrong

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS = ROOT / "build/release/tests/bench"
QUICK_CONNECTIONS = 100  # of a case, at the most
IDLE, FLAT, CONTROL = "idle connections", "memory under traffic", "control plane"


def names():
    return [*(case.name for case in cases.CASES), IDLE, FLAT, CONTROL]


def wants(options, part):
    """Parts beside the table of cases: all of them, or those that --case names."""
    return not options.case or any(word.lower() in part for word in options.case)


def require_names(options):
    for word in options.case:
        if not any(word.lower() in name.lower() for name in names()):
            raise SystemExit(f"run: no case is called {word}; see --list")


def effort(options):
    quick = options.quick
    return data_plane.Effort(rounds=options.rounds or (1 if quick else 5), seconds=options.seconds or (0 if quick else 1),
                         traced_requests=0 if quick else 5000)


def about(options, congestion_control):
    """What was measured, where."""
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        return ((done.stdout + done.stderr).strip().splitlines() or ["?"])[0]
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "?")
    return {
        "versions": {"fairlead": first_line(options.fairlead, "--version"), "nginx": first_line("nginx", "-v"),
                     "haproxy": first_line("haproxy", "-v"), "envoy": f"Envoy {peers.ENVOY_VERSION}", "h2load": first_line("h2load", "--version")},
        "commit": first_line("git", "-C", ROOT, "describe", "--always", "--dirty", "--exclude=*"),
        "machine": f"{os.cpu_count()} × {model}, Linux {platform.release()}",
        "congestion_control": congestion_control,
        "load_before": os.getloadavg()[0],
        "quick": options.quick, "rounds": effort(options).rounds, "seconds": effort(options).seconds,
    }


def run_cases(options, bench, chosen, results):
    for case in chosen:
        if options.quick:
            case = dataclasses.replace(case, connections=min(case.connections, QUICK_CONNECTIONS))
        results["cases"][case.name] = data_plane.measure(bench, case, effort(options))
        for name in set(case.proxies) - set(cases.PROXIES):  # those that only one case needs
            if name in bench.proxies:
                bench.proxy(case, name).stop()


def run_parts(options, bench, results, real):
    parts = {
        IDLE: lambda: memory.idle(bench, real, 200 if options.quick else 8000),
        FLAT: lambda: memory.flat(bench, 20_000 if options.quick else 10_000_000, 2_000 if options.quick else 100_000, (0, bench.core)),
    }
    for name, measure in parts.items():
        if not wants(options, name):
            continue
        print(f"  {name}", file=sys.stderr)
        try:
            results[name] = measure()
        except (Wrong, OSError, ValueError) as problem:
            print(f"WRONG: {problem}", file=sys.stderr)
            results[name] = {"wrong": str(problem)}


def run_all(options, results, folder):
    against = [name for name in options.against.split(",") if name]
    envoy, why = peers.envoy_program() if "envoy" in against else (None, "not asked for")
    origins, proxies = peers.prepare(folder, options.core, PROGRAMS, options.fairlead, envoy)
    proxies[cases.MANY] = control_plane.with_many(folder, options.core, PROGRAMS, options.fairlead, 1000 if options.quick else 40_000)
    kept = {name: proxy for name, proxy in proxies.items() if name not in ("nginx", "haproxy") or name in against}
    results["absent"] = {"envoy": why} if not envoy else {}
    results["absent"] |= {name: "not asked for" for name in ("nginx", "haproxy") if name not in against}
    bench = Bench(folder, options.core, PROGRAMS, origins, kept)
    real = [name for name in cases.PROXIES if name in kept]
    try:
        for server in [*origins.values(), *(kept[name] for name in real)]:
            server.start()
        results["about"]["tls"] = peers.check_same_work({name: kept[name] for name in real}, folder)
        run_cases(options, bench, cases.chosen(options.case), results)
        run_parts(options, bench, results, real)
    finally:
        for server in [*kept.values(), *origins.values()]:
            server.stop()


def output_folder(options):
    whole = not options.quick and not options.case and options.against == "nginx,haproxy,envoy"
    folder = options.output or (HERE if whole else ROOT / "build/bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(options, congestion_control):
    require_names(options)
    started = time.monotonic()
    results = {"about": about(options, congestion_control), "absent": {}, "cases": {}}
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's worker is another user
        try:
            run_all(options, results, folder)
        except Wrong as problem:
            raise SystemExit(f"run: {problem}") from problem
        if wants(options, CONTROL):
            results["control_plane"] = control_plane.measure(options, folder, PROGRAMS)
    results["about"]["minutes"] = round((time.monotonic() - started) / 60, 1)
    write(output_folder(options), results)
    wrong = [name for name, result in report.everything(results).items() if "wrong" in result]
    if wrong:
        raise SystemExit(f"run: did other work than was asked for: {', '.join(wrong)}")


def write(folder, results):
    import plots
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    (folder / "RESULTS.md").write_text(report.page(results))
    plots.draw(folder, results)
    print(f"run: {folder / 'RESULTS.md'}")
