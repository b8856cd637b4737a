"""Masks: how well each class is found, and the pictures that went worst beside what is true of them."""

from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.foundation.words import say
from deepglass.metrics.iou import Dice, MeanIou, cells
from deepglass.report.case import Case
from deepglass.report.heat import heat_card
from deepglass.report.section import Card, Exhibit, Section, percent
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.segment import Segment
from deepglass.views.bars import Bars
from deepglass.views.mask import Mask
from deepglass.views.table import Table
from deepglass.views.view import finite, number

WORST = 8
SIDE = 288  # pixels of the longer side of a picture on the page


class Judged(NamedTuple):
    """One picture of the part that counts."""

    place: int  # in the part
    id: str
    right: float  # share of its known pixels
    iou: float  # mean over the classes that are there or were said to be


def masks(case: Case) -> Section | None:
    """Bars and a table by class, and cards of the worst."""
    task = case.task
    if not isinstance(task, Segment):
        return None
    said, true = _masks(case)
    classes = task.facts.classes
    ids = [str(case.material.store.index.ids[row]) for row in case.material.rows[case.part].tolist()]
    ids = ids[: len(said)]
    rows = _by_class(classes, ids, said, true)
    judged = _judged(ids, said, true, len(classes))
    worst = sorted(judged, key=lambda one: (one.iou, one.id))[:WORST]
    bars = Bars([row["class"] for row in rows], [row["iou"] or 0.0 for row in rows], say("report.iou_by_class"), "IoU")
    names = ("class", "iou", "dice", "precision", "recall", "share")
    table = Table([say(f"report.column_{name}") for name in names], [list(row.values()) for row in rows])
    seen = [row for row in rows if row["iou"] is not None]
    low, high = min(seen, key=lambda row: row["iou"]), max(seen, key=lambda row: row["iou"])
    values = {"hardest": low["class"], "low": number(low["iou"]), "easiest": high["class"], "high": number(high["iou"])}
    return Section(
        "masks",
        say("report.lead_masks", count=number(len(judged)), shown=len(worst)),
        exhibits=[Exhibit(bars, say("report.words_iou", **values), table)],
        cards=[_card(case, one, said[one.place], true[one.place]) for one in worst],
        figures={"classes": rows, "worst": [{"id": one.id, "iou": one.iou, "right": one.right} for one in worst]},
    )


def _masks(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """What was said and what is true, uint8 (N, h, w) each."""
    rows = case.material.rows[case.part]
    said = case.results[case.part][1]["mask"]
    return said, torch.from_numpy(case.material.store.values("mask", rows[: len(said)]))


def _by_class(classes: tuple[str, ...], ids: list[str], said: torch.Tensor, true: torch.Tensor) -> list[dict[str, Any]]:
    iou, dice = MeanIou(len(classes)), Dice(len(classes))
    for metric in (iou, dice):
        metric.update(ids, {"mask": said}, true)
    both, there, told = (part[0] for part in iou.counted(torch.ones(1, len(ids), dtype=torch.float64)))
    columns = (iou.per_class(), dice.per_class(), both / told, both / there, there / there.sum())
    names = ("iou", "dice", "precision", "recall", "share")
    return [
        {"class": name, **dict(zip(names, map(finite, values), strict=True))}
        for name, values in zip(classes, torch.stack(columns).T.tolist(), strict=True)
    ]


def _judged(ids: list[str], said: torch.Tensor, true: torch.Tensor, classes: int) -> list[Judged]:
    counts = cells(said, true, classes).double()
    both, there = counts.diagonal(dim1=1, dim2=2), counts.sum(2)
    right = both.sum(1) / there.sum(1)
    iou = (both / (there + counts[:, :, :classes].sum(1) - both)).nanmean(1)
    columns = (range(len(ids)), ids, right.nan_to_num(1).tolist(), iou.nan_to_num(1).tolist())
    return [Judged(*row) for row in zip(*columns, strict=True)]


def _card(case: Case, one: Judged, said: torch.Tensor, true: torch.Tensor) -> Card:
    """The picture with what is true, with what was said, and why the class that took most from others was."""
    row = int(case.material.rows[case.part][one.place])
    pixels = case.pixels(row)
    assert pixels is not None
    classes = case.task.facts.classes
    views = [Mask(pixels, np.asarray(mask), classes) for mask in (true, said)]
    pictures = tuple(thumbnail(view.overlay(), SIDE) for view in views)
    lines = (
        say("report.mask_true", found=views[0].text()),
        say("report.mask_said", found=views[1].text()),
        say("report.mask_figures", iou=number(one.iou), right=percent(one.right)),
    )
    wrong = np.asarray(said)[(np.asarray(said) != np.asarray(true)) & (np.asarray(true) < len(classes))]
    taken = classes[int(np.bincount(wrong).argmax())] if len(wrong) else ""
    heat, line = heat_card(case, row, taken, SIDE) if taken else ((), ())
    return Card((*pictures, *heat), say("report.mask_described", id=one.id), one.id, (*lines, *line))
