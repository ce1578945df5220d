"""The suite's arithmetic. Pure: lists of numbers in, numbers and words out."""
import statistics


def median(values):
    return statistics.median(values)


def spread(values):
    """(smallest, largest)"""
    return min(values), max(values)


def percentile(values, share):
    """The value that this share of them does not exceed: nearest rank."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * share // 1))  # rounded up
    return ordered[int(rank) - 1]


def norms(ratios, reference):
    """Round by round: what the proxy needs, by what the reference needs in the same round. Both: proxy CPU / CPU of load
    generator and origin."""
    return [own / other for own, other in zip(ratios, reference, strict=True)]


def better(*series):
    """Round by round the smallest."""
    return [min(values) for values in zip(*series, strict=True)]


def quotient(figures, own, against, peers=("nginx", "haproxy"), best_of=("nginx", "haproxy", "envoy")):
    """Median over the rounds of what `own` needs divided by what `against` needs: the name of one, "better" (of nginx and
    HAProxy) or "best" (of nginx, HAProxy and Envoy). figures: {name: one value a round}. None: one of them was not measured."""
    if against == "better":
        names = [name for name in peers if figures.get(name)]
        complete = len(names) == len(peers)
    elif against == "best":
        names = [name for name in figures if name in best_of and figures[name]]
        complete = bool(names)
    else:
        names, complete = [against], bool(figures.get(against))
    if not complete or not figures.get(own):
        return None
    return median(norms(figures[own], better(*(figures[name] for name in names))))


def verdict(value, goal, floor):
    if value is None:
        return "not measured"
    if value <= goal:
        return "goal"
    return "floor" if value <= floor else "missed"


def flat(values, tolerance):
    """Whether the second half of a series of sizes is no larger than the first by more than this share."""
    half = len(values) // 2
    return median(values[half:]) <= median(values[:half]) * (1 + tolerance)
