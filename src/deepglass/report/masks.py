"""Masks: how well each class is found, and the pictures that went worst beside what is true of them."""

from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.data.readers.picture import inner
from deepglass.data.source import Unreadable
from deepglass.foundation.words import say
from deepglass.metrics.iou import Dice, MeanIou, unrolled_runs
from deepglass.report.case import Case
from deepglass.report.heat import heat_card
from deepglass.report.section import Card, Dial, Exhibit, Over, Overlay, Section, Switch, percent
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.segment import Segment
from deepglass.views.bars import Bars
from deepglass.views.mask import Mask, layer_png
from deepglass.views.picture import data_address
from deepglass.views.table import Table
from deepglass.views.view import finite, number

WORST = 8
SIDE = 480  # pixels of the longer side of a picture on the page, at most
COVER = 0.6  # of a picture by its mask, at first
WRONG = "#d55e00"


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
    classes = task.facts.classes
    ids = [str(case.material.store.index.ids[row]) for row in _rows(case).tolist()]
    iou, dice = MeanIou(len(classes)), Dice(len(classes))
    for metric in (iou, dice):
        metric.update(ids, {"mask": case.results[case.part][1]["mask"]}, _true(case))
    rows, judged = _by_class(classes, iou, dice), _judged(ids, iou.each().double())
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
        overlay=_overlay(case, worst),
        figures={"classes": rows, "worst": [{"id": one.id, "iou": one.iou, "right": one.right} for one in worst]},
    )


def _rows(case: Case) -> np.ndarray:
    """The rows of the source that were answered for."""
    return case.material.rows[case.part][: case.answered(case.part)]


def _true(case: Case) -> Any:
    """What is true: uint8 (N, h, w), or one mask after the other where pictures were looked at whole."""
    each = case.material.store.each("mask", _rows(case))
    if case.task.tiles:  # pyright: ignore
        return (torch.from_numpy(np.array(mask)) for mask in each)
    return torch.from_numpy(np.stack(each))


def _by_class(classes: tuple[str, ...], iou: MeanIou, dice: Dice) -> list[dict[str, Any]]:
    both, there, told = (part[0] for part in iou.counted(torch.ones(1, len(iou.each()), dtype=torch.float64)))
    columns = (iou.per_class(), dice.per_class(), both / told, both / there, there / there.sum())
    names = ("iou", "dice", "precision", "recall", "share")
    return [
        {"class": name, **dict(zip(names, map(finite, values), strict=True))}
        for name, values in zip(classes, torch.stack(columns).T.tolist(), strict=True)
    ]


def _judged(ids: list[str], counts: torch.Tensor) -> list[Judged]:
    """From the counts of every picture. float64 (N, K, K + 1)"""
    both, there = counts.diagonal(dim1=1, dim2=2), counts.sum(2)
    right = both.sum(1) / there.sum(1)
    iou = (both / (there + counts[:, :, :-1].sum(1) - both)).nanmean(1)
    columns = (range(len(ids)), ids, right.nan_to_num(1).tolist(), iou.nan_to_num(1).tolist())
    return [Judged(*row) for row in zip(*columns, strict=True)]


def _overlay(case: Case, worst: list[Judged]) -> Overlay | None:
    cards = [card for one in worst if (card := _card(case, one))]
    switches = [
        Switch(name, say(f"report.over_{name}"), on=name == "said") for name in ("photo", "true", "said", "wrong")
    ]
    legend = Mask(np.zeros((1, 1, 3)), np.zeros((1, 1), dtype=np.uint8), case.task.facts.classes).legend()
    dial = Dial("opacity", say("report.dial_opacity"), COVER)
    return Overlay(cards, switches, dial, one=True, legend=legend) if cards else None


def _card(case: Case, one: Judged) -> Card | None:
    """The picture with what is true, what was said and what is wrong over it, and why the most greedy class was."""
    found = _looked_at(case, one)
    if found is None:
        return None
    pixels, said, true = found
    classes = case.task.facts.classes
    views = {"true": Mask(pixels, true, classes), "said": Mask(pixels, said, classes)}
    wrong = ((said != true) & (true < len(classes))).astype(np.uint8)
    layers = {name: view.layer() for name, view in views.items()} | {"wrong": layer_png(wrong, ["", WRONG])}
    words = {name: view.text() for name, view in views.items()}
    lines = (
        say("report.mask_true", found=words["true"]),
        say("report.mask_said", found=words["said"]),
        say("report.mask_figures", iou=number(one.iou), right=percent(one.right)),
    )
    over = tuple(Over(name, data_address(png)) for name, png in layers.items())
    described = say("report.mask_described", id=one.id, found=words["said"])
    taken = classes[int(np.bincount(said[wrong > 0]).argmax())] if wrong.any() and not case.task.tiles else ""  # pyright: ignore
    heat, line = heat_card(case, int(_rows(case)[one.place]), taken, SIDE) if taken else ((), ())
    return Card((thumbnail(pixels, SIDE), *heat), described, one.id, (*lines, *line), over)


def _inside(case: Case, row: int) -> tuple[slice, slice]:
    """Where the picture lies in the network's frame: what stands beside it was put there, and is not to be seen."""
    inputs = case.task.facts.inputs  # pyright: ignore
    if case.task.settings.picture.fit != "pad":  # pyright: ignore
        return slice(None), slice(None)
    width, height = case.material.store.each("size", np.array([row]))[0].tolist()
    left, top, wide, tall = inner((int(width), int(height)), (inputs.width, inputs.height))
    return slice(top, top + tall), slice(left, left + wide)


def _looked_at(case: Case, one: Judged) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """A picture with what was said and what is true of it, all of one size; None where it cannot be read again."""
    row, told = int(_rows(case)[one.place]), case.results[case.part][1]["mask"]
    if not case.task.tiles:  # pyright: ignore
        pixels, inside = case.pixels(row), _inside(case, row)
        assert pixels is not None
        true = case.material.store.each("mask", np.array([row]))[0]
        return pixels[inside], np.asarray(told[one.place])[inside], true[inside]
    try:
        raw: Any = case.material.source.read(row)
    except (Unreadable, OSError):
        return None
    runs = told.rows(one.place, one.place + 1).values
    said = unrolled_runs(runs, raw.mask.size).view(raw.mask.shape).numpy()
    step = -(-max(raw.mask.shape) // SIDE)  # of what is larger every so many pixels
    return raw.pixels[::step, ::step], said[::step, ::step], raw.mask[::step, ::step]
