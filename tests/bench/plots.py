"""Two plots, as SVG files whose bytes follow from the results alone."""
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  (the back end must be chosen first)

import figures  # noqa: E402

matplotlib.rcParams.update({"svg.hashsalt": "fairlead", "svg.fonttype": "none", "font.family": "sans-serif", "axes.spines.top": False,
    "axes.spines.right": False})
COLOURS = {"fairlead": "#1b6e53", "nginx": "#8a9199", "haproxy": "#c8a24a", "envoy": "#a9577e"}


def save(figure, file):
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    plt.close(figure)


def draw(folder, results):
    draw_cpu(folder / "cpu.svg", results["cases"])
    draw_changes(folder / "changes.svg", results.get("control_plane", {}).get("sizes", {}))


def draw_cpu(file, cases):
    """CPU a request by case and proxy, nginx = 1."""
    rows = [(name, found) for name, found in cases.items() if "nginx" in found and "haproxy" in found]
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(8, 0.62 * len(rows) + 1))
    height = 0.8 / len(COLOURS)
    for place, (proxy, colour) in enumerate(COLOURS.items()):
        values = [(index, figures.median(figures.norms(found[proxy]["ratio"], found["nginx"]["ratio"])))
                  for index, (_, found) in enumerate(rows) if proxy in found]
        bars = axes.barh([index + (place - 1.5) * height for index, _ in values], [value for _, value in values], height, color=colour, label=proxy)
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=6)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1, color="#8a9199", linewidth=0.6)
    axes.set_xlabel("CPU of the proxy for the same work, nginx = 1 (less is better)")
    axes.legend(frameon=False, loc="lower right")
    save(figure, file)


def draw_changes(file, sizes):
    """From the event to the first answer by it, by the number of Ingresses."""
    found = {int(size): result for size, result in sizes.items() if "wrong" not in result}
    if not found:
        return
    figure, axes = plt.subplots(figsize=(8, 3.2))
    for kind, label, colour in (("ingress", "Ingress", "#1b6e53"), ("slice", "EndpointSlice", "#c8a24a")):
        for name, style in (("p50_ms", "-"), ("p99_ms", "--")):
            values = [result[kind][name] for result in found.values()]
            axes.plot(list(found), values, style, marker="o", color=colour, label=f"{label}, {name[:3]}")
    axes.set_xscale("log")
    axes.set_xticks(list(found), [f"{size:,}" for size in found])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Ingresses, ten paths each")
    axes.set_ylabel("ms until a change is served")
    axes.legend(frameon=False)
    save(figure, file)
