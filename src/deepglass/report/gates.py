"""What a recurrent network remembers: its gates over time for one example, and how far back its memory reaches."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from deepglass.data.example import Batch, Ragged
from deepglass.explain import memory
from deepglass.explain.answer import row_of
from deepglass.explain.gates import explain, fits, letters_of
from deepglass.explain.method import Row
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section, sentences
from deepglass.views.curve import Curve, Line
from deepglass.views.picture import Gallery

LOOKED = 20  # held-out examples of which one is chosen
STEPS = 60  # that a picture shows well: the example whose length is nearest
MOST_PICTURES = 12  # two layers of an LSTM
OPENINGS = "ifo", "rz"  # gates between shut, 0, and open, 1


def gates(case: Case) -> Section | None:
    """Pictures of the gates, how open they are on average, and the gradient of the end in what was remembered."""
    bundle = case.run.bundle
    if not fits(bundle):
        return None
    row = _example(case)
    shown, faded = explain(bundle, row), memory.explain(bundle, row)
    gallery = shown.views["gates"]
    assert isinstance(gallery, Gallery)
    view = replace(gallery, pictures=gallery.pictures[:MOST_PICTURES])
    opened = _openness(shown.arrays)
    exhibits = [
        *([opened] if opened else []),
        Exhibit(faded.views["memory"], faded.words),
        Exhibit(view, shown.words, wide=True),
    ]
    reach = {name: memory.left(norms) for name, norms in faded.arrays.items()}
    figures: dict[str, Any] = {"example": row.id}
    figures["memory"] = {name: {"steps": steps, "left": share} for name, (steps, share) in reach.items()}
    lead = sentences(say("report.lead_gates", id=row.id), letters_of(bundle.model))
    return Section("gates", lead, exhibits, figures=figures)


def _example(case: Case) -> Row:
    """A held-out example of a length that a picture can show."""
    store, rows = case.material.store, case.material.rows[case.part]
    rows = rows[case.sample(case.part, LOOKED)]
    lengths = store.lengths("input")[rows] if "input" in store.offsets else np.zeros(len(rows))
    row = rows[int(np.abs(lengths - STEPS).argmin())]
    columns = store.gather(np.array([row]))
    values = columns["input"]
    prepared = values.values if isinstance(values, Ragged) else values[0]
    return row_of(case.run.bundle, Batch((str(store.index.ids[row]),), columns), prepared)


def _openness(arrays: Mapping[str, np.ndarray]) -> Exhibit | None:
    """The first layer's gates, each as the mean over what is remembered; nothing for a layer without gates."""
    first = next(iter(arrays)).rpartition(".")[0]
    letters = next((letters for letters in OPENINGS if f"{first}.{letters[0]}" in arrays), "")
    if not letters:
        return None
    means = {letter: arrays[f"{first}.{letter}"].mean(1) for letter in letters}
    lines = [Line(letter, list(range(1, 1 + len(values))), values.tolist()) for letter, values in means.items()]
    view = Curve(lines, say("report.openness_title", layer=first), say("tasks.step"), say("report.openness"))
    most = max(means, key=lambda letter: float(means[letter].mean()))
    words = say("report.words_openness", letter=most, share=f"{100 * float(means[most].mean()):.0f}")
    return Exhibit(view, words)
