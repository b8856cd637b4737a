"""The worst mistakes: held-out examples of which the network was surest and wrong, with what it looked at."""

import numpy as np
import torch

from deepglass.explain.grad_cam import fits, grad_cam, last_map
from deepglass.foundation.words import say
from deepglass.report.case import Case, Classified
from deepglass.report.section import Card, Section, percent, sentences
from deepglass.report.thumbnail import thumbnail
from deepglass.views.heat import Heat
from deepglass.views.table import Table
from deepglass.views.view import number

MOST = 12
MOST_COLUMNS = 6  # of a row of numbers


def mistakes(case: Case) -> Section | None:
    """Pictures with heat, or a table for rows of numbers."""
    found = case.classified()
    if found is None or case.inputs is None:
        return None
    wrong = torch.nonzero(found.predicted != found.targets)[:, 0]
    sure = found.shares.max(1).values
    worst = wrong[sure[wrong].argsort(descending=True, stable=True)][:MOST]
    figures = {
        "wrong": len(wrong),
        "of": len(found.targets),
        "worst": [_entry(found, place) for place in worst.tolist()],
    }
    if not len(wrong):
        return Section("mistakes", say("report.no_mistakes", count=number(len(found.targets))), figures=figures)
    pictures = case.inputs.kind == "picture"
    lead = say("report.lead_mistakes", wrong=number(len(wrong)), count=number(len(found.targets)), shown=len(worst))
    return Section(
        "mistakes",
        sentences(lead, say("report.lead_heat") if pictures and fits(case.run.bundle) else ""),
        cards=_cards(case, found, worst) if pictures else (),
        tables=() if pictures else [_table(case, found, worst.tolist())],
        figures=figures,
    )


def _entry(found: Classified, place: int) -> dict[str, object]:
    predicted, true = int(found.predicted[place]), int(found.targets[place])
    return {
        "id": found.ids[place],
        "true": found.name(true),
        "predicted": found.labels[predicted],
        "confidence": float(found.shares[place, predicted]),
    }


def _cards(case: Case, found: Classified, worst: torch.Tensor) -> list[Card]:
    heats = _heats(case, found, worst)
    cards: list[Card] = []
    for heat, place in zip(heats, worst.tolist(), strict=True):
        pixels, entry = case.pixels(int(found.rows[place])), _entry(found, place)
        assert pixels is not None
        seen, pictures = "", [thumbnail(pixels)]
        if heat is not None:
            view = Heat(pixels, heat, str(entry["predicted"]))
            pictures.append(thumbnail(view.overlay().pixels))
            seen = view.text()
        title = say("report.taken_for", true=entry["true"], taken=entry["predicted"])
        sure = say("report.sure", share=percent(float(entry["confidence"])))  # pyright: ignore
        described = say("report.described_mistake", id=entry["id"], title=title, seen=seen)
        cards.append(Card(tuple(pictures), described, title, (sure, str(entry["id"]))))
    return cards


def _heats(case: Case, found: Classified, worst: torch.Tensor) -> list[np.ndarray | None]:
    if not fits(case.run.bundle):
        return [None] * len(worst)
    inputs = case.presented(found.rows[worst.numpy()])
    stage = last_map(case.model, inputs[:1])
    assert stage is not None
    return list(grad_cam(case.model, inputs, found.predicted[worst].to(inputs.device), stage).cpu().numpy())


def _table(case: Case, found: Classified, worst: list[int]) -> Table:
    names = case.inputs.columns[:MOST_COLUMNS]
    values = case.material.store.columns["input"]
    rows = []
    for place in worst:
        entry = _entry(found, place)
        numbers = [float(value) for value in values[found.rows[place]][:MOST_COLUMNS]]
        rows.append([entry["id"], entry["true"], entry["predicted"], percent(float(entry["confidence"])), *numbers])  # pyright: ignore
    heads = [say(f"report.column_{name}") for name in ("example", "true", "taken", "sure")]
    return Table([*heads, *names], rows)
