"""Timelines: the videos told worst, what was found above what is true, frames of them, and every tag alone."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from deepglass.data.example import Ragged, picked
from deepglass.foundation.words import say
from deepglass.metrics.moments import OVERLAP, TagPrecision, matched
from deepglass.report.case import Case
from deepglass.report.heat import heat_card
from deepglass.report.section import Card, Exhibit, Section
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.tag_video import TagVideo
from deepglass.tasks.timeline import Found
from deepglass.views.table import Table
from deepglass.views.timeline import Band, Bands
from deepglass.views.view import finite, number

WORST, BEST = 4, 2
SIDE = 320  # pixels of a contact sheet
COLUMNS = ("tag", "average_precision", "right", "wrong", "missed", "threshold")


class Judged(NamedTuple):
    """One video of the part that counts: its moments, and how many of each tag are right, wrong and missed (K,)."""

    row: int  # of the source
    id: str
    seconds: float
    found: Tensor  # (M, 4): tag, start, end, share
    true: Tensor  # (M, 3): tag, start, end
    right: Tensor
    wrong: Tensor
    missed: Tensor

    @property
    def errors(self) -> int:
        """Wrong and missed moments."""
        return int(self.wrong.sum() + self.missed.sum())


def timelines(case: Case) -> Section | None:
    """What a network that tags videos tells, and does not tell."""
    if not isinstance(case.task, TagVideo):
        return None
    judged, precision = _judged(case, case.task)
    ordered = sorted(judged, key=lambda one: (-one.errors, one.id))
    worst = [one for one in ordered if one.errors][:WORST]
    best = [one for one in reversed(ordered) if len(one.true) and one not in worst][:BEST]
    labels, rules = case.task.facts.labels, case.task.rules
    totals = {name: torch.stack([getattr(one, name) for one in judged]).sum(0).tolist() for name in COLUMNS[2:5]}
    rows = [
        [name, precision[tag], *(int(total[tag]) for total in totals.values()), rules.thresholds[tag]]
        for tag, name in enumerate(labels)
    ]
    tags = [dict(zip(COLUMNS, [row[0], finite(row[1]), *row[2:]], strict=True)) for row in rows]
    figures: dict[str, Any] = {"tags": tags, "worst": [{"id": one.id, "errors": one.errors} for one in worst]}
    said = {name: number(sum(total)) for name, total in totals.items()}
    return Section(
        "timelines",
        say("report.lead_timelines", **said, overlap=number(100 * OVERLAP), shown=len(worst) + len(best)),
        exhibits=[_exhibit(case.task, one) for one in (*worst, *best)],
        cards=[card for one in (*worst, *best) if (card := _card(case, one))],
        tables=[Table([say(f"report.timeline_{name}") for name in COLUMNS], rows)],
        figures=figures,
    )


def _judged(case: Case, task: TagVideo) -> tuple[list[Judged], list[float]]:
    """Every video, and the average precision of every tag."""
    predictions = case.results[case.part][1]
    shares, moments = predictions["share"], predictions["moments"]
    rows = case.material.rows[case.part][: len(moments.lengths)]
    column = case.material.targets["moments"]
    assert isinstance(column, Ragged)
    truth = picked(column, torch.from_numpy(rows))
    assert isinstance(truth, Ragged)
    ids = [str(case.material.store.index.ids[row]) for row in rows.tolist()]
    metric = TagPrecision(task.settings.clip.rate)
    metric.update(ids, predictions, truth)
    count = len(task.facts.labels)
    judged: list[Judged] = []
    for row, name, length, found, true in zip(
        rows.tolist(), ids, shares.lengths.tolist(), moments.each(), truth.each(), strict=True
    ):
        pairs = matched(found, true, OVERLAP)
        seen, right = [place for place, _ in pairs], [at for _, at in pairs]
        wrong = [at for at in range(len(found)) if at not in right]
        missed = [place for place in range(len(true)) if place not in seen and int(true[place, 0]) >= 0]
        tallies = (_tally(found[right, 0], count), _tally(found[wrong, 0], count), _tally(true[missed, 0], count))
        judged.append(Judged(row, name, length / task.settings.clip.rate, found, true, *tallies))
    return judged, metric.per_tag() if any(len(one.true) for one in judged) else [float("nan")] * count


def _tally(tags: Tensor, count: int) -> Tensor:
    return torch.bincount(tags.long(), minlength=count)


def _exhibit(task: TagVideo, one: Judged) -> Exhibit:
    labels = task.facts.labels
    told = [task.told(Found(int(tag), *rest)) for tag, *rest in one.found.tolist()]
    found = [Band(a["label"], a["start"], a["end"], a["confidence"], labels.index(a["label"])) for a in told]
    true = [Band(labels[int(tag)], start, end, None, int(tag)) for tag, start, end in one.true.tolist() if tag >= 0]
    view = Bands(labels, found, one.seconds, true, one.id)
    heads = [say(f"report.timeline_{name}") for name in ("tag", "start", "end", "share")]
    table = Table(heads, [[band.label, band.start, band.end, band.confidence] for band in found])
    words = say("report.words_timeline", wrong=int(one.wrong.sum()), missed=int(one.missed.sum()))
    return Exhibit(view, words, table, wide=True)


def _card(case: Case, one: Judged) -> Card | None:
    pixels = case.pixels(one.row)
    if pixels is None:
        return None
    title = say("report.frames_of", id=one.id)
    heat, lines = heat_card(case, one.row, "", SIDE) if len(one.found) else ((), ())
    described = say("report.described_frames", id=one.id, seconds=number(one.seconds))
    return Card((thumbnail(pixels, SIDE), *heat), described, title, lines)
