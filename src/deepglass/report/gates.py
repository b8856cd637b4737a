"""What a recurrent network remembers: its gates over time for one example, and how far back its memory reaches."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepglass.data.example import Batch, Ragged
from deepglass.explain import memory
from deepglass.explain.answer import row_of
from deepglass.explain.gates import MOST_STEPS, explain, fits, gate, letters_of
from deepglass.explain.method import Row
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section, sentences
from deepglass.tasks.generate_series import GenerateSeries
from deepglass.views.curve import Curve, Line
from deepglass.views.tracks import Tracks

LOOKED = 20  # held-out examples of which one is chosen
MOST_LAYERS = 4  # layers and directions that are shown
OPENINGS = "ifo", "rz"  # gates between shut, 0, and open, 1


def gates(case: Case) -> Section | None:
    """How open the gates of each layer were, the gates themselves, and the gradient of the end in what was known."""
    bundle = case.run.bundle
    if not fits(bundle) or isinstance(bundle.task, GenerateSeries):  # whose network reads no example
        return None
    row = _example(case)
    shown, faded = explain(bundle, row), memory.explain(bundle, row)
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in shown.arrays))
    exhibits = [Exhibit(faded.views["memory"], faded.words)]
    for layer in layers[:MOST_LAYERS]:
        tracks = shown.views[f"gates-{layer}"]
        assert isinstance(tracks, Tracks)
        opened = _openness(layer, shown.arrays, tracks.read)
        exhibits += [*([opened] if opened else []), Exhibit(tracks, shown.words, wide=True)]
    reach = {name: {"of": len(norms) - 1, "steps": memory.reach(norms)} for name, norms in faded.arrays.items()}
    figures: dict[str, Any] = {"example": row.id, "memory": reach}
    some = say("report.some_gates", shown=MOST_LAYERS, of=len(layers)) if len(layers) > MOST_LAYERS else ""
    lead = sentences(say("report.lead_gates", id=row.id), letters_of(bundle.model), some)
    return Section("gates", lead, exhibits, figures=figures)


def _example(case: Case) -> Row:
    """A held-out example of a length that a picture can show."""
    store, rows = case.material.store, case.material.rows[case.part]
    rows = rows[case.sample(case.part, LOOKED)]
    lengths = store.lengths("input")[rows] if "input" in store.offsets else np.zeros(len(rows))
    row = rows[int(np.abs(lengths - MOST_STEPS).argmin())]
    columns = store.gather(np.array([row]))
    values = columns["input"]
    prepared = values.values if isinstance(values, Ragged) else values[0]
    return row_of(case.run.bundle, Batch((str(store.index.ids[row]),), columns), prepared)


def _openness(layer: str, arrays: Mapping[str, np.ndarray], read: Sequence[str]) -> Exhibit | None:
    """A layer's gates, each as the mean over what is remembered; nothing for a layer without gates."""
    letters = next((letters for letters in OPENINGS if f"{layer}.{letters[0]}" in arrays), "")
    if not letters:
        return None
    means = {letter: arrays[f"{layer}.{letter}"][:MOST_STEPS].mean(1) for letter in letters}
    lines = [Line(gate(letter), list(range(1, 1 + len(values))), values.tolist()) for letter, values in means.items()]
    labels = say("views.read_tokens") if read else say("tasks.step"), say("report.openness")
    view = Curve(lines, say("report.openness_title", layer=layer), *labels, read=read)
    most = max(means, key=lambda letter: float(means[letter].mean()))
    words = say("report.words_openness", gate=gate(most), share=f"{100 * float(means[most].mean()):.0f}")
    return Exhibit(view, words, wide=bool(read))
