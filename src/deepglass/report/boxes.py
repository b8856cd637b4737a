"""Boxes: the pictures with most missed and wrong boxes, what is marked beside what was found, and every class alone."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from deepglass.data.example import Ragged, picked
from deepglass.data.source import Unreadable
from deepglass.explain.target import NUMBERED
from deepglass.foundation.words import say
from deepglass.metrics.average_precision import AveragePrecision, hits
from deepglass.report.case import Case
from deepglass.report.heat import heat_card
from deepglass.report.section import Card, Dial, Over, Overlay, Section, Switch
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.detect import Detect
from deepglass.views.boxes import Boxes, Mark
from deepglass.views.table import Table
from deepglass.views.view import number

WORST = 12
SIDE = 480  # pixels of a picture in the gallery
SEEN = 0.05  # confidence from which a box can be shown
RIGHT = 0.5  # overlap from which a found box is right
COLUMNS = ("class", "map50", "map", "right", "wrong", "missed")


class Judged(NamedTuple):
    """One picture of the part that counts, with its boxes judged: numbers of each class (K,)."""

    row: int  # of the source
    id: str
    found: Tensor  # (M, 6): corners, score, class; also those that are no answers
    marked: Tensor  # (M, 6): class, corners, crowd
    right: Tensor
    wrong: Tensor
    missed: Tensor
    first_wrong: int  # the surest wrong box, -1 where all are right

    @property
    def errors(self) -> int:
        """Wrong and missed boxes."""
        return int(self.wrong.sum() + self.missed.sum())


def boxes(case: Case) -> Section | None:
    """What a detector finds and does not find."""
    if not isinstance(case.task, Detect):
        return None
    judged, (whole, half) = _judged(case, case.task)
    totals = {name: torch.stack([getattr(one, name) for one in judged]).sum(0).tolist() for name in COLUMNS[3:]}
    worst = sorted((one for one in judged if one.errors), key=lambda one: (-one.errors, one.id))[:WORST]
    labels = case.task.facts.labels
    rows = [
        [name, half[kind], whole[kind], *(int(total[kind]) for total in totals.values())]
        for kind, name in enumerate(labels)
    ]
    figures: dict[str, Any] = {"classes": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}
    figures["worst"] = [{"id": one.id, "errors": one.errors} for one in worst]
    said = {name: number(sum(total)) for name, total in totals.items()}
    return Section(
        "boxes",
        say("report.lead_boxes", **said, confidence=f"{case.task.settings.confidence:g}", shown=len(worst)),
        overlay=_overlay([card for one in worst if (card := _card(case, one, labels))], case.task.settings.confidence),
        tables=[Table([say(f"report.boxes_{name}") for name in COLUMNS], rows)],
        figures=figures,
    )


def _judged(case: Case, task: Detect) -> tuple[list[Judged], tuple[list[float], list[float]]]:
    """Every picture, and the average precision of every class: over all overlaps, and at RIGHT."""
    count = len(task.facts.labels)
    predicted = case.results[case.part][1]["boxes"]
    rows = case.material.rows[case.part][: len(predicted.lengths)]
    column = case.material.targets["boxes"]
    assert isinstance(column, Ragged)
    truth = picked(column, torch.from_numpy(rows))
    assert isinstance(truth, Ragged)
    ids = [str(case.material.store.index.ids[row]) for row in rows.tolist()]
    metric = AveragePrecision("map", count)
    metric.update(ids, {"boxes": predicted}, truth)
    judged: list[Judged] = []
    for row, name, found, marked in zip(rows.tolist(), ids, predicted.each(), truth.each(), strict=True):
        sure = found[found[:, 4] >= task.settings.confidence]
        verdict = verdicts(sure, marked)
        kinds = sure[:, 5].long(), sure[:, 5].long(), marked[:, 0].long()
        right, wrong, missed = (_tally(kind[flags], count) for kind, flags in zip(kinds, verdict, strict=True))
        first = next((place for place, flag in enumerate(verdict.wrong.tolist()) if flag), -1)
        judged.append(Judged(row, name, found, marked, right, wrong, missed, first))
    return judged, (metric.per_class(), metric.per_class(RIGHT))


class Verdicts(NamedTuple):
    """Of found boxes which are right and which wrong, bool (M,); of marked ones which are missed, bool (N,)."""

    right: Tensor
    wrong: Tensor
    missed: Tensor


def verdicts(found: Tensor, marked: Tensor) -> Verdicts:
    """A box that finds nothing but lies in a crowd of its class, by half or more, is neither right nor wrong.

    found (M, 6): corners, score, class; marked (N, 6): class, corners, crowd
    """
    crowd = marked[:, 5] > 0
    right, seen = hits(found, marked[~crowd], RIGHT)
    low = torch.maximum(found[:, None, :2], marked[crowd][None, :, 1:3])
    high = torch.minimum(found[:, None, 2:4], marked[crowd][None, :, 3:5])
    shared, area = (high - low).clamp(min=0).prod(-1), (found[:, 2:4] - found[:, :2]).prod(-1)
    inside = (shared > 0) & (shared >= RIGHT * area[:, None]) & (found[:, 5, None] == marked[crowd][:, 0])
    missed = ~crowd
    missed[~crowd] = ~seen
    return Verdicts(right, ~right & ~inside.any(1), missed)


def _tally(kinds: Tensor, count: int) -> Tensor:
    return torch.bincount(kinds[kinds >= 0], minlength=count)


def _overlay(cards: list[Card], confidence: float) -> Overlay | None:
    switches = [Switch(name, say(f"report.over_{name}"), on=True) for name in ("true", "said")]
    return Overlay(cards, switches, Dial("score", say("report.dial_score"), confidence)) if cards else None


def _card(case: Case, one: Judged, labels: tuple[str, ...]) -> Card | None:
    """The picture with what is marked and found over it, and why its surest wrong box was; None where it is gone."""
    try:
        raw: Any = case.material.source.read(one.row)
    except (Unreadable, OSError):
        return None
    least = case.task.settings.confidence  # pyright: ignore
    true = [Mark(labels[int(kind)], ends, None, int(kind)) for kind, *ends, _ in one.marked.tolist() if kind >= 0]
    said = [Mark(labels[int(kind)], ends, score, int(kind)) for *ends, score, kind in one.found.tolist()]
    sure = [mark for mark in said if (mark.confidence or 0) >= least]
    views = {
        name: Boxes(raw.pixels, marks, size=raw.size)
        for name, marks in (("true", true), ("said", [mark for mark in said if (mark.confidence or 0) >= SEEN]))
    }
    over = tuple(Over(name, "", *view.shapes(SIDE, least)) for name, view in views.items())
    found = Boxes(raw.pixels, sure, size=raw.size).text()
    title = say("report.boxes_of", wrong=int(one.wrong.sum()), missed=int(one.missed.sum()))
    described = say("report.described_boxes", id=one.id, marked=views["true"].text(), found=found)
    asked = f"{NUMBERED}{one.first_wrong + 1}"
    whole = one.first_wrong >= 0 and not case.task.tiles  # pyright: ignore
    heat, line = heat_card(case, one.row, asked, SIDE) if whole else ((), ())
    return Card((thumbnail(raw.pixels, SIDE), *heat), described, title, (*line, one.id), over)
