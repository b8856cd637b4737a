"""The worst mistakes: held-out examples of which the network was surest and wrong, with what it looked at.

Where an example may have several labels, its mistake is the label of which the network was surest and wrong.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from deepglass.explain.grad_cam import fits, grad_cam, logits_of
from deepglass.explain.maps import last_map
from deepglass.foundation.words import say
from deepglass.report.answers import several_labels
from deepglass.report.case import Case
from deepglass.report.heat import heat_card
from deepglass.report.section import Card, Section, percent, sentences
from deepglass.report.thumbnail import thumbnail
from deepglass.views.heat import Heat
from deepglass.views.table import Table
from deepglass.views.view import number

MOST = 12
SIDES = {"picture": 144, "clip": 320}  # pixels of the longer side of what is shown
MOST_COLUMNS = 6  # of a row of numbers
MOST_LETTERS = 200  # of a text


class Mistake(NamedTuple):
    """One wrong answer; what is true and what was said are a class, or a list of labels."""

    row: int  # of the source
    id: str
    true: Any
    predicted: Any
    confidence: float
    output: int  # that was wrongly high, or wrongly low
    name: str  # of that output

    def entry(self) -> dict[str, Any]:
        """What report.json holds."""
        return {"id": self.id, "true": self.true, "predicted": self.predicted, "confidence": self.confidence}

    def said(self) -> tuple[str, str]:
        """What is true and what was said, in words."""
        return _words(self.true), _words(self.predicted)


def mistakes(case: Case) -> Section | None:
    """Pictures with heat, or a table for rows of numbers."""
    found = _classes(case) or _several(case)
    if found is None or not case.kind:
        return None
    wrong, worst = found
    of = len(case.material.rows[case.part])
    figures = {"wrong": wrong, "of": of, "worst": [mistake.entry() for mistake in worst]}
    if not wrong:
        return Section("mistakes", say("report.no_mistakes", count=number(of)), figures=figures)
    pictures = case.kind in ("picture", "clip")
    lead = say("report.lead_mistakes", wrong=number(wrong), count=number(of), shown=len(worst))
    return Section(
        "mistakes",
        sentences(lead, say("report.lead_heat") if case.kind == "picture" and fits(case.run.bundle) else ""),
        cards=_cards(case, worst) if pictures else (),
        tables=() if pictures else [_table(case, worst)],
        figures=figures,
    )


def _classes(case: Case) -> tuple[int, list[Mistake]] | None:
    """How many answers are wrong, and the worst of them."""
    found = case.classified()
    if found is None:
        return None
    wrong = torch.nonzero(found.predicted != found.targets)[:, 0]
    sure = found.shares.max(1).values
    worst: list[Mistake] = []
    for place in wrong[sure[wrong].argsort(descending=True, stable=True)][:MOST].tolist():
        output = int(found.predicted[place])
        name, true = found.labels[output], found.name(int(found.targets[place]))
        row = int(found.rows[place])
        worst.append(Mistake(row, found.ids[place], true, name, float(sure[place]), output, name))
    return len(wrong), worst


def _several(case: Case) -> tuple[int, list[Mistake]] | None:
    """The same where an example may have several labels."""
    found = several_labels(case)
    if found is None or case.labels is None:
        return None
    true, shares = found
    said = shares > 0.5
    sure = torch.where(said != true, torch.maximum(shares, 1 - shares), 0.0)
    surest, output = sure.max(1)
    wrong = torch.nonzero(surest > 0)[:, 0]
    rows, labels = case.material.rows[case.part], np.array(case.labels, dtype=object)
    worst: list[Mistake] = []
    for place in wrong[surest[wrong].argsort(descending=True, stable=True)][:MOST].tolist():
        row, at = int(rows[place]), int(output[place])
        there, given = (labels[flags[place].numpy()].tolist() for flags in (true, said))
        name = str(case.material.store.index.ids[row])
        worst.append(Mistake(row, name, there, given, float(surest[place]), at, str(labels[at])))
    return len(wrong), worst


def _cards(case: Case, worst: list[Mistake]) -> list[Card]:
    cards: list[Card] = []
    for heat, mistake in zip(_heats(case, worst), worst, strict=True):
        pixels = case.pixels(mistake.row)
        assert pixels is not None
        seen, pictures = "", [thumbnail(pixels, SIDES[case.kind])]
        if heat is not None:
            view = Heat(pixels, heat, mistake.name)
            pictures.append(thumbnail(view.overlay().pixels))
            seen = view.text()
        lines: tuple[str, ...] = ()
        if case.kind == "clip":
            more, lines = heat_card(case, mistake.row, mistake.name, SIDES["clip"])
            pictures += more
        true, taken = mistake.said()
        title = say("report.taken_for", true=true, taken=taken)
        described = say("report.described_mistake", id=mistake.id, title=title, seen=seen)
        cards.append(Card(tuple(pictures), described, title, (_sure(mistake), mistake.id, *lines)))
    return cards


def _heats(case: Case, worst: list[Mistake]) -> list[np.ndarray | None]:
    if case.kind != "picture" or not fits(case.run.bundle):
        return [None] * len(worst)
    inputs = case.presented(np.array([mistake.row for mistake in worst]))
    stage = last_map(case.model, inputs[:1])
    assert stage is not None
    outputs = torch.tensor([mistake.output for mistake in worst], device=inputs.device)
    return list(grad_cam(case.model, inputs, logits_of(outputs), stage).cpu().numpy())


def _table(case: Case, worst: list[Mistake]) -> Table:
    names, shown = _looked_at(case)
    several = any(isinstance(mistake.true, list) for mistake in worst)
    sure = [_sure(mistake) if several else percent(mistake.confidence) for mistake in worst]
    rows = [[one.id, *one.said(), share, *shown(one.row)] for one, share in zip(worst, sure, strict=True)]
    heads = [say(f"report.column_{name}") for name in ("example", "true", "taken", "surest" if several else "sure")]
    return Table([*heads, *names], rows)


def _looked_at(case: Case) -> tuple[Sequence[str], Callable[[int], list[Any]]]:
    """What a table says of each example: a row's numbers by their columns, a text's beginning."""
    if case.kind == "vector":
        values = case.material.store.columns["input"]
        return case.inputs.columns[:MOST_COLUMNS], lambda row: [float(value) for value in values[row][:MOST_COLUMNS]]
    if case.kind == "text":
        return (say("report.column_text"),), lambda row: [_beginning(case.text(row))]
    return (), lambda row: []


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]} …"


def _sure(mistake: Mistake) -> str:
    share = percent(mistake.confidence)
    if not isinstance(mistake.true, list):
        return say("report.sure", share=share)
    missing = mistake.name in mistake.true
    return say("report.sure_without" if missing else "report.sure_of", label=mistake.name, share=share)


def _words(answer: Any) -> str:
    if not isinstance(answer, list):
        return str(answer)
    return ", ".join(answer) or say("tasks.no_label")
