"""Number plates: pictures with most errors, the plate that went wrong made upright, kinds, and characters mistaken."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from deepglass.data.example import Ragged, picked
from deepglass.data.source import Unreadable
from deepglass.foundation.words import say
from deepglass.metrics.error_rate import error_table
from deepglass.metrics.plates import lines_of, matched
from deepglass.report.case import Case
from deepglass.report.section import Card, Section
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.read_plates import ReadPlates
from deepglass.views.boxes import Boxes, Mark
from deepglass.views.table import Table
from deepglass.views.view import number

WORST = 12
SIDE = 320  # pixels of a picture in the gallery
FREQUENT = 16
THERE, FOUND = 0, 1  # colours


class Judged(NamedTuple):
    """One picture of the part that counts."""

    row: int  # of the source
    id: str
    marked: Tensor  # (M, 10): kind, lines, corners
    written: list[str]
    corners: Tensor  # (N, 4, 2) of what was found
    lines: list[int]
    score: Tensor
    read: list[str]
    pairs: list[tuple[int, int]]  # found, marked or -1

    @property
    def wrong(self) -> list[tuple[int, int]]:
        """What was misread, found where nothing is, or (-1, marked) missed."""
        hit = {at for _, at in self.pairs}
        missed = [(-1, at) for at in range(len(self.marked)) if at not in hit]
        return missed + [(one, at) for one, at in self.pairs if at < 0 or self.read[one] != self.written[at]]


def plates(case: Case) -> Section | None:
    """What a reader of plates finds, misses and misreads."""
    if not isinstance(case.task, ReadPlates):
        return None
    judged = _judged(case, case.task)
    worst = sorted((one for one in judged if one.wrong), key=lambda one: (-len(one.wrong), one.id))[:WORST]
    kinds = _by_kind(case.task, judged)
    total = {name: sum(kind[name] for kind in kinds) for name in ("marked", "hit", "right")}
    false = sum(at < 0 for one in judged for _, at in one.pairs)
    said = {"marked": total["marked"], "right": total["right"], "misread": total["hit"] - total["right"]}
    said |= {"missed": total["marked"] - total["hit"], "false": false}
    errors = error_table(
        ((one.written[at], one.read[found]) for one in judged for found, at in one.pairs if at >= 0),
        "letters",
        FREQUENT,
    )
    frequent = [[edit.true or "–", edit.said or "–", times] for edit, times in errors.frequent]
    heads = [say(f"report.{name}") for name in ("line_true", "line_read", "column_times")]
    names = ("kind", "lines", "marked", "hit", "right")
    tables = [Table([say(f"report.plate_{name}") for name in names], [[row[name] for name in names] for row in kinds])]
    return Section(
        "plates",
        say("report.lead_plates", **{name: number(value) for name, value in said.items()}, shown=len(worst)),
        cards=[card for one in worst if (card := _card(case, case.task, one))],
        tables=tables + ([Table(heads, frequent, say("report.plate_confused"))] if frequent else []),
        figures={**said, "kinds": kinds, "worst": [{"id": one.id, "errors": _said(one)} for one in worst]},
    )


def _judged(case: Case, task: ReadPlates) -> list[Judged]:
    found = case.results[case.part][1]
    rows = case.material.rows[case.part][: len(found["score"].lengths)]
    places = torch.from_numpy(rows)
    column, text = (picked(case.material.targets[name], places) for name in ("plates", "text"))  # pyright: ignore
    assert isinstance(column, Ragged)
    columns = [found[name].each() for name in ("corners", "kind", "score", "boxes")]
    said = zip(*columns, lines_of(found["text"]), strict=True)
    judged: list[Judged] = []
    for row, marked, written, (corners, kind, score, boxes, read) in zip(
        rows.tolist(), column.each(), lines_of(text), said, strict=True
    ):
        true = marked[:, 2:].unflatten(1, (4, 2))
        around = torch.cat([true.amin(1), true.amax(1)], 1)
        pairs = matched(boxes[:, :4], score, task.settings.confidence, around)
        lines = [task.facts.lines[int(one)] for one in kind]
        name = str(case.material.store.index.ids[row])
        judged.append(Judged(row, name, marked, written, corners.view(-1, 4, 2), lines, score, read, pairs))
    return judged


def _by_kind(task: ReadPlates, judged: list[Judged]) -> list[dict[str, Any]]:
    table = [
        {"kind": kind or "–", "lines": lines, "marked": 0, "hit": 0, "right": 0}
        for kind, lines in zip(task.facts.kinds, task.facts.lines, strict=True)
    ]
    for one in judged:
        kinds = one.marked[:, 0].long().tolist()
        for kind in kinds:
            table[kind]["marked"] += 1
        for found, at in one.pairs:
            if at >= 0:
                table[kinds[at]]["hit"] += 1
                table[kinds[at]]["right"] += one.read[found] == one.written[at]
    return table


def _said(one: Judged) -> list[str]:
    """What went wrong in a picture, in words."""
    words: list[str] = []
    for found, at in one.wrong:
        true, read = one.written[at] if at >= 0 else "", one.read[found] if found >= 0 else ""
        key = "plate_missed" if found < 0 else "plate_false" if at < 0 else "plate_misread"
        values = {"true": true} if found < 0 else {"read": read} if at < 0 else {"true": true, "read": read}
        words.append(say(f"report.{key}", **values))
    return words


def _card(case: Case, task: ReadPlates, one: Judged) -> Card | None:
    """What is there and what was found, and the first plate that went wrong; None where it cannot be read again."""
    try:
        raw: Any = case.material.source.read(one.row)
    except (Unreadable, OSError):
        return None
    marks = [
        _mark(text, corners, None, THERE)
        for text, corners in zip(one.written, one.marked[:, 2:].view(-1, 4, 2).tolist(), strict=True)
    ]
    marks += [
        _mark(one.read[found], one.corners[found].tolist(), float(one.score[found]), FOUND) for found, _ in one.pairs
    ]
    view = Boxes(raw.pixels, marks, size=raw.size)
    found, at = one.wrong[0]
    corners = one.corners[found] if found >= 0 else one.marked[at, 2:].view(4, 2)
    lines = one.lines[found] if found >= 0 else int(one.marked[at, 1])
    (upright,) = task.upright(raw.pixels, corners[None], torch.tensor([lines]))
    pictures = thumbnail(view.drawn(SIDE).pixels, SIDE), thumbnail(upright, SIDE)
    described = say("report.described_plates", id=one.id, view=view.text())
    return Card(pictures, described, "; ".join(_said(one)), (one.id,))


def _mark(text: str, corners: list[list[float]], score: float | None, colour: int) -> Mark:
    across, down = zip(*corners, strict=True)
    return Mark(text, (min(across), min(down), max(across), max(down)), score, colour, corners)
