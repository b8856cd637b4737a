"""Transcripts: the worst utterances letter by letter, which errors come up most, and what was heard when."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch

from deepglass.data.example import Ragged, picked
from deepglass.data.source import Unreadable
from deepglass.foundation.words import say
from deepglass.metrics.error_rate import Edit, Unit, align, distance, error_table, texts
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Note, Passage, Section, percent
from deepglass.tasks.transcribe import Transcribe
from deepglass.views.bars import Bars
from deepglass.views.cells import columns, pad
from deepglass.views.table import Table
from deepglass.views.view import View, number

JUDGED = 400  # utterances, at most, that are aligned
WORST = 8
LONGEST = 400  # letters of an utterance that are shown
WIDE, SHORT = 72, 30  # cells of a line, and letters that half a line holds
FREQUENT = 12
SECONDS = 20.0  # a longer sound is no picture
TRIED = 8  # sounds that are read again to find one
MISSING, WRONG = "-", "^"


class Utterance(NamedTuple):
    """One utterance of the part that counts."""

    place: int  # in the part
    id: str
    true: str
    read: str
    wrong: int  # letters

    @property
    def share(self) -> float:
        """Wrong letters for each true one."""
        return self.wrong / max(1, len(self.true))

    def entry(self) -> dict[str, Any]:
        """What report.json holds."""
        return {"id": self.id, "true": self.true, "read": self.read, "wrong": self.wrong, "of": len(self.true)}


def transcripts(case: Case) -> Section | None:
    """The alignments of the worst, tables of errors, a good and a bad sound."""
    if not isinstance(case.task, Transcribe):
        return None
    judged = _judged(case)
    ordered = sorted(judged, key=lambda one: (-one.share, one.id))
    worst = [one for one in ordered if one.wrong][:WORST]
    right = sum(not one.wrong for one in judged)
    pairs = [(one.true, one.read) for one in judged]
    units: list[Unit] = ["letters", *(["words"] if any(" " in true for true, _ in pairs) else [])]  # pyright: ignore
    errors = {unit: error_table(pairs, unit, FREQUENT) for unit in units}
    figures: dict[str, Any] = {"right": right, "of": len(judged), "worst": [one.entry() for one in worst]}
    for unit, table in errors.items():
        frequent = [{"true": edit.true, "read": edit.said, "times": times} for edit, times in table.frequent]
        figures[unit] = {**table._asdict(), "frequent": frequent}
    bars = _kinds(errors["letters"]._asdict())
    heard = [*_heard(case, ordered[::-1], "good"), *(_heard(case, worst, "bad") if worst else [])]
    return Section(
        "transcripts",
        say("report.lead_transcripts", right=number(right), count=number(len(judged))),
        exhibits=[*heard, *([bars] if worst else [])],
        notes=[] if worst else [Note("note", say("report.no_transcript_errors"))],
        passages=[_passage(one) for one in worst],
        tables=[_frequent(unit, table.frequent) for unit, table in errors.items() if table.frequent],
        figures=figures,
    )


def aligned(true: str, read: str) -> str:
    """Both texts one above the other, letter by letter, with a sign under every letter that is wrong; cut into lines.

    >>> print(aligned("the cat", "th cart").replace(" ", "_"))
    true__the_ca-t
    read__th-_cart
    ________^___^
    """
    names = [say("report.line_true"), say("report.line_read"), ""]
    left = max(map(columns, names)) + 2
    blocks: list[str] = []
    for piece in _pieces(align(list(true[:LONGEST]), list(read[:LONGEST])), WIDE - left):
        rows = zip(*(_cells(edit) for edit in piece), strict=True)
        blocks.append(
            "\n".join((pad(name, left) + "".join(row)).rstrip() for name, row in zip(names, rows, strict=True))
        )
    return "\n\n".join(blocks)


def _cells(edit: Edit) -> tuple[str, str, str]:
    """A place of the alignment in three lines, each of the width of the widest."""
    parts = (edit.true or MISSING, edit.said or MISSING, " " if edit.kind == "right" else WRONG)
    wide = max(map(columns, parts))
    return tuple(pad(part, wide) for part in parts)  # pyright: ignore


def _pieces(edits: list[Edit], room: int) -> Iterable[list[Edit]]:
    """Stretches that fit a line, cut behind a blank where one is near the end."""
    while edits:
        cut = min(room, len(edits))
        if cut < len(edits):
            blanks = [place + 1 for place in range(cut - room // 3, cut) if edits[place] == Edit(" ", " ")]
            cut = blanks[-1] if blanks else cut
        yield edits[:cut]
        edits = edits[cut:]


def _judged(case: Case) -> list[Utterance]:
    predictions, rows = case.results[case.part][1], case.material.rows[case.part]
    places = case.sample(case.part, JUDGED)
    target = case.material.targets["target"]
    assert isinstance(target, Ragged)
    true = texts(picked(target, torch.from_numpy(rows[places])))
    read = texts(picked(predictions["text"], torch.from_numpy(places)))
    ids = [str(case.material.store.index.ids[row]) for row in rows[places].tolist()]
    columns = zip(places.tolist(), ids, true, read, strict=True)
    return [Utterance(*column, distance(column[2], column[3])) for column in columns]


def _passage(one: Utterance) -> Passage:
    title = say("report.utterance", id=one.id, wrong=number(one.wrong), of=number(len(one.true)))
    return Passage(title, aligned(one.true, one.read), even=True, wide=len(one.true) > SHORT)


def _kinds(counted: dict[str, Any]) -> Exhibit:
    """How many letters of each kind are wrong."""
    kinds = ("substitutions", "deletions", "insertions")
    counts = [int(counted[kind]) for kind in kinds]
    bars = Bars(
        [say(f"report.{kind}") for kind in kinds], counts, say("report.wrong_letters"), say("report.column_times")
    )
    total = counted["right"] + counts[0] + counts[1]
    return Exhibit(
        bars, say("report.words_wrong_letters", share=percent(sum(counts) / max(1, total)), count=number(total))
    )


def _frequent(unit: str, frequent: list[tuple[Edit, int]]) -> Table:
    heads = [say("report.line_true"), say("report.line_read"), say("report.column_error"), say("report.column_times")]
    rows = [[_shown(edit.true), _shown(edit.said), say(f"report.{edit.kind}"), times] for edit, times in frequent]
    return Table(heads, rows, say(f"report.frequent_{unit}"))


def _shown(unit: str) -> str:
    return "␣" if unit == " " else unit or "–"


def _heard(case: Case, candidates: list[Utterance], which: str) -> list[Exhibit]:
    """The first of these whose sound is short enough: what was heard at which moment, and the times of the words."""
    for one in [one for one in candidates if one.true][:TRIED]:
        try:
            raw = case.material.source.read(int(case.material.rows[case.part][one.place]))
        except (Unreadable, OSError):
            continue
        if raw.seconds > SECONDS:
            continue
        chosen = torch.tensor([one.place])
        predictions = {name: picked(column, chosen) for name, column in case.results[case.part][1].items()}
        views: list[View] = case.task.show(raw, case.task.answers(predictions)[0])
        table = next((view for view in views if isinstance(view, Table)), None)
        return [Exhibit(views[0], say(f"report.words_heard_{which}", id=one.id, true=one.true), table)]
    return []
