"""Whether some people, places or devices fare worse: accuracy by group, the largest gap named."""

import numpy as np

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure, share
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Note, Section, percent
from deepglass.views.bars import Bars
from deepglass.views.table import Table

FEWEST = 5  # examples of a group before it is compared
MOST_BARS = 20


def groups(case: Case) -> Section | None:
    """Where the source has groups: figures of the counting part."""
    found, names = case.classified(), case.material.store.index.groups
    if found is None or not len(names):
        return None
    own = np.array([str(names[row]) for row in found.rows.tolist()])
    hit = (found.predicted == found.targets).numpy()[own != ""]  # of some nobody knows the group
    own = own[own != ""]
    if not 2 <= len(set(own.tolist())) < len(own):  # a group of a single example is no group
        return None
    figures = {name: share(int(hit[own == name].sum()), int((own == name).sum())) for name in sorted(set(own.tolist()))}
    ordered = sorted(figures, key=lambda name: figures[name].value)
    kept = ordered if len(ordered) <= MOST_BARS else ordered[: MOST_BARS // 2] + ordered[-MOST_BARS // 2 :]
    ends = [[getattr(figures[name], end) for name in kept] for end in ("value", "low", "high")]
    bars = Bars(kept, ends[0], say("report.by_group"), say("report.accuracy"), ends[1], ends[2])
    heads = [say(f"report.{name}") for name in ("column_group", "accuracy", "low", "high", "column_examples")]
    table = Table(heads, [[name, f.value, f.low, f.high, f.n] for name, f in figures.items()])
    note, gap = _gap({name: figure for name, figure in figures.items() if figure.n >= FEWEST})
    return Section(
        "groups",
        say("report.lead_groups"),
        [Exhibit(bars, bars.text(), table)],
        notes=[note] if note else [],
        figures={"groups": {name: to_json(figure._asdict()) for name, figure in figures.items()}, "gap": gap},
    )


def _gap(figures: dict[str, Figure]) -> tuple[Note | None, dict[str, object] | None]:
    """The best against the worst group; a warning only where their intervals do not meet."""
    if len(figures) < 2:
        return None, None
    worst = min(figures, key=lambda name: figures[name].value)
    best = max(figures, key=lambda name: figures[name].value)
    low, high = figures[worst], figures[best]
    clear = low.high < high.low
    points = f"{100 * (high.value - low.value):.3g}"
    values = {"worst": worst, "best": best, "points": points, "low": percent(low.value), "high": percent(high.value)}
    note = Note("warning" if clear else "note", say("report.gap_clear" if clear else "report.gap_unclear", **values))
    return note, {"worst": worst, "best": best, "difference": high.value - low.value, "clear": clear}
