"""Two columns: the plane with every example of the counting part, and what the network answers where."""

from deepglass.explain.boundary import boundary as draw
from deepglass.explain.boundary import fits
from deepglass.foundation.words import say
from deepglass.report.case import COUNTING, Case
from deepglass.report.floor import why_straight_fails
from deepglass.report.section import Exhibit, Section, percent
from deepglass.views.view import number

MOST = 1200  # points in one drawing


def boundary(case: Case) -> Section | None:
    """The training part, from which the line was learned, and the part that counts."""
    found = case.classified()
    if found is None or not fits(case.run.bundle):
        return None
    exhibits, figures = [], {}
    for part in [part for part in ("train", *COUNTING[:2]) if part in ("train", case.part) and part in case.parts]:
        own = case.classified(part)
        assert own is not None
        taken = case.sample(part, MOST)
        points = case.material.store.columns["input"][own.rows[taken]]
        title = say("report.boundary_part", part=say(f"report.part_{part}"))
        view = draw(case.run.bundle, points, own.targets[taken].numpy(), title)
        right = float((own.predicted == own.targets).double().mean())
        exhibits.append(Exhibit(view, say("report.words_boundary", count=number(len(points)), right=percent(right))))
        figures[part] = right
    straight = why_straight_fails(case)
    return Section(
        "boundary",
        say("report.lead_boundary"),
        exhibits,
        notes=[straight] if straight else [],
        figures={"accuracy": figures, "straight_line_fails": straight is not None},
    )
