"""Faces turned: people as they came, each beside itself at other angles, and what that does for knowing them."""

from collections.abc import Mapping

from torch import Tensor

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section, percent
from deepglass.tasks.turn_faces import TurnFaces
from deepglass.views.bars import Bars
from deepglass.views.picture import Gallery, Picture
from deepglass.views.table import Table

PEOPLE = 8  # rows of the strip, one picture of each person
COMPARED = ("one_shot_plain", "one_shot")


def turned(case: Case) -> Section | None:
    """A strip for some people of the part that counts, and both figures of recognition side by side."""
    if not isinstance(case.task, TurnFaces):
        return None
    figures, predictions = case.results[case.part]
    rows = case.material.rows[case.part][: case.answered(case.part)]
    targets = case.material.targets["target"]
    assert isinstance(targets, Tensor)
    places = _one_of_each(targets[rows].tolist())
    strips = predictions["strip"]
    each: list[Picture] = []
    for place in places:
        name = str(case.material.store.index.labels[int(rows[place])])
        came = case.pixels(int(rows[place]))
        assert came is not None
        each.append(Picture(came, name))
        each += [Picture(pixels, "") for pixels in strips[place].cpu().numpy().transpose(0, 2, 3, 1)]
    gallery = Gallery(each, across=1 + strips.shape[1])
    exhibits = [Exhibit(gallery, say("report.words_turned", count=strips.shape[1]), wide=True), _known(figures)]
    told = {name: to_json(figures[name]._asdict()) for name in COMPARED}
    return Section("turned", say("report.lead_turned", people=len(places)), exhibits, figures=told)


def _one_of_each(people: list[int]) -> list[int]:
    """The place of the first picture of each person, of at most so many."""
    first: dict[int, int] = {}
    for place, person in enumerate(people):
        first.setdefault(person, place)
    return list(first.values())[:PEOPLE]


def _known(figures: Mapping[str, Figure]) -> Exhibit:
    """How many are known from one picture, alone and with its angles."""
    names = [say(f"tasks.metric_{name}") for name in COMPARED]
    plain, helped = (figures[name] for name in COMPARED)
    values, low, high = ([getattr(one, end) for one in (plain, helped)] for end in ("value", "low", "high"))
    bars = Bars(names, values, say("report.turned_known"), say("report.turned_share"), low, high)
    rows = [list(row) for row in zip(names, values, strict=True)]
    heads = [say("report.column_figure"), say("report.column_value")]
    said = say("report.words_turned_known", plain=percent(plain.value), helped=percent(helped.value))
    return Exhibit(bars, said, Table(heads, rows))
