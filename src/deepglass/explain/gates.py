"""Gates: what each gate of a recurrent layer said at every step, as pictures and as arrays.

One row of a picture is one number that the layer remembers, one column is one step; blue is near 1, orange near -1,
white is 0. i lets in, f keeps, o shows; g is what would be let in, c the memory, h what is said (LSTM).
"""

import numpy as np
from torch import nn

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of
from deepglass.explain.weights import signed
from deepglass.foundation.words import say
from deepglass.graph.gates import probe_gates
from deepglass.views.picture import Gallery, Picture

MOST_STEPS, MOST_NUMBERS = 200, 64  # that are shown; the arrays hold all
MOST_ACROSS = 6  # pictures beside each other: all letters of an LSTM
SEQUENCES = ("text", "series", "sound")


def fits(bundle: Bundle) -> bool:
    """One input of unequal length, and a layer that can tell its gates."""
    return kind_of(bundle) in SEQUENCES and any(hasattr(module, "tell") for module in bundle.model.modules())


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """Every layer and direction of every recurrent part."""
    assert row is not None
    pictures: list[Picture] = []
    arrays: dict[str, np.ndarray] = {}
    for part, calls in probe_gates(bundle.model, *row.inputs).items():
        for layer, letters in calls[0].items():
            for letter, values in letters.items():
                name = f"{part}.{layer}.{letter}"
                arrays[name] = values[0].float().cpu().numpy()  # (T, H)
                shown = signed(np.clip(arrays[name][:MOST_STEPS, :MOST_NUMBERS].T, -1, 1))
                pictures.append(Picture(shown, name))
    view = Gallery(pictures, say("explain.gates_title"), across=MOST_ACROSS)
    return Explanation({"gates": view}, arrays, say("explain.gates", layers=len({p.caption[:-2] for p in pictures})))


def letters_of(model: nn.Module) -> str:
    """What the letters of its gates mean, in a sentence for each kind of layer."""
    kinds = dict.fromkeys(module.kind.split("_")[0] for module in model.modules() if hasattr(module, "tell"))  # pyright: ignore
    return say("explain.between").join(say(f"explain.letters_{kind}") for kind in kinds)


CATALOGUE = {"gates": Method(fits, explain, rank=5)}
