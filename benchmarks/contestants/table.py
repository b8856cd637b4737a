"""From results to a Markdown table: medians, ratios, memory, time to the first step."""

import statistics
from typing import Any

from field import DOCUMENTED, OURS
from rows import ROWS

Results = dict[str, Any]


def medians(session: Results) -> dict[str, dict[str, float]]:
    """Of one session: each contestant's median speed, spread, memory and times; nothing of those that failed."""
    found: dict[str, dict[str, float]] = {}
    for contestant, runs in session["runs"].items():
        good = [run for run in runs if "speed" in run]
        if not good:
            continue
        speeds = [run["speed"] for run in good]
        starts = [run["first_step"] for run in good]
        found[contestant] = {
            "speed": statistics.median(speeds),
            "low": min(speeds),
            "high": max(speeds),
            "n": len(speeds),
            "memory": statistics.median(run["memory"] for run in good),
            "first": starts[0],  # the machine had nothing compiled or packed yet
            "later": statistics.median(starts[1:] or starts),
            "compile": compiling(good[0]),
        }
    return found


def compiling(run: Results) -> float:
    """Seconds from the built network to the end of the first step, less one steady step: compiling, where there is any.

    deepglass compiles while it plans, before the network counts as built; its own is the time from reading to then.
    """
    step = run["seconds"] / run["steps"]
    return max(0.0, run["first_step"] - run["marks"].get("built", run["first_step"]) - step)


def newest(results: Results, row: str, members: set[str]) -> Results | None:
    """The last alternating run of this row in which ours met contestants of this group."""
    found = [one for one in results["sessions"] if one["row"] == row and OURS in one["runs"]]
    return next((one for one in reversed(found) if members & set(one["runs"])), None)


def best(found: dict[str, dict[str, float]], members: set[str]) -> tuple[str, float]:
    """The fastest of these and its speed."""
    speeds = {name: one["speed"] for name, one in found.items() if name in members}
    name = max(speeds, key=lambda one: speeds[one], default="")
    return name, speeds.get(name, 0.0)


def summary(results: Results) -> str:
    """One line a row: ours, and the best of each group, each compared within one alternating run."""
    lines = [
        "| row | deepglass | best as documented | ratio | best tuned by hand | ratio | peak memory, ours to theirs |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in ROWS.items():
        cells = [f"{row.title}, batch {row.batch}"]
        speeds, memory = [], ""
        for members in (set(DOCUMENTED), _tuned(results, name)):
            session = newest(results, name, members)
            found = medians(session) if session else {}
            rival, speed = best(found, set(found) - {OURS} if members != set(DOCUMENTED) else members)
            if not rival or OURS not in found:
                cells += ["", ""]
                continue
            ours = found[OURS]
            speeds.append(ours["speed"])
            cells += [f"{rival} {_number(speed)}", f"{ours['speed'] / speed:.2f}"]
            memory = memory or f"{ours['memory'] / 1e9:.2f} to {found[rival]['memory'] / 1e9:.2f} GB"
        cells.insert(1, " / ".join(map(_number, speeds)))
        if speeds:
            lines.append("| " + " | ".join([*cells, memory]) + " |")
    return "\n".join(lines) + "\n"


def details(session: Results) -> str:
    """Every contestant of one alternating run."""
    lines = [
        "| contestant | examples/s: median (lowest to highest, n) | peak memory, GB "
        "| first step, s: first start, later ones | of the first: compiling, s |",
        "|---|---|---|---|---|",
    ]
    found = medians(session)
    for name, one in sorted(found.items(), key=lambda item: -item[1]["speed"]):
        speed = f"{_number(one['speed'])} ({_number(one['low'])} to {_number(one['high'])}, {one['n']:.0f})"
        start = f"{one['first']:.1f}, {one['later']:.1f}"
        lines.append(f"| {name} | {speed} | {one['memory'] / 1e9:.2f} | {start} | {one['compile']:.1f} |")
    for name in session["runs"]:
        if name not in found:
            why = session["runs"][name][-1]["failed"] if session["runs"][name] else "not run yet"
            lines.append(f"| {name} | {why} | | | |")
    return "\n".join(lines) + "\n"


def whole(results: Results) -> str:
    """The summary, then the last alternating run of each row and group, then the losses."""
    pieces = ["## Summary\n", summary(results)]
    for name, row in ROWS.items():
        shown: list[int] = []
        for members in (set(DOCUMENTED), _tuned(results, name)):
            session = newest(results, name, members)
            if session and id(session) not in shown:
                shown.append(id(session))
                pieces += [f"\n## {row.title}, batch {row.batch} ({session['date']})\n", details(session)]
        if name in results.get("learned", {}):
            pieces += [f"\nMean loss of each epoch, {row.title}:\n", losses(results["learned"][name])]
        if trials := results.get("trials", {}).get(name):
            tried = ", ".join(f"{one} {_number(speed)}" for one, speed in sorted(trials.items(), key=lambda x: -x[1]))
            pieces += [f"\nTried by hand, one round: {tried}.\n"]
    if peak := results.get("peak"):
        pieces += ["\n## Share of the machine's convolution peak\n", share(results, peak)]
    return "\n".join(pieces)


def losses(found: dict[str, list[float]]) -> str:
    """A contestant a line."""
    return "".join(f"- {name}: {', '.join(f'{loss:.3f}' for loss in means)}\n" for name, means in found.items())


def share(results: Results, peak: Results) -> str:
    """Peak, and how much of it ours reached: 3 passes (forward, and backward to inputs and to weights) of 2 per MAC."""
    lines = [f"Peak: {peak['fp32']:.0f} GFLOP/s in fp32, {peak['bf16']:.0f} in bf16.\n"]
    for name, row in ROWS.items():
        session = newest(results, name, set(DOCUMENTED)) or newest(results, name, _tuned(results, name))
        if session and OURS in (found := medians(session)):
            run = next(run for run in session["runs"][OURS] if "speed" in run)
            reached = found[OURS]["speed"] * 6 * run["macs"] / 1e9
            precision = run["plan"]["precision"]
            lines.append(
                f"- {row.title}: {reached:.0f} GFLOP/s in {precision}, {reached / peak[precision]:.0%} of its peak"
            )
    return "\n".join(lines) + "\n"


def _tuned(results: Results, row: str) -> set[str]:
    """Everybody with flags who ever ran in this row, but for those that stand as documented."""
    names = {name for session in results["sessions"] if session["row"] == row for name in session["runs"]}
    return {name for name in names if "+" in name} - set(DOCUMENTED)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
