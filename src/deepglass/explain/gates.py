"""Gates: what each gate of a recurrent layer said at every step, as a picture for each layer and as arrays.

A band of a picture is a gate, one row of it one number that the layer remembers, one column a step with what was read
there; blue is near 1, orange near -1, nothing is 0. i lets in, f keeps, o shows; g is what would be let in, c the
memory, h what is said (LSTM).
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of, visible
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import say
from deepglass.graph.gates import probe_gates
from deepglass.graph.probe import Probe
from deepglass.views.tracks import Tracks

MOST_STEPS, MOST_NUMBERS = 60, 32  # that are shown; the arrays hold all
SEQUENCES = ("text", "series", "sound")


def fits(bundle: Bundle) -> bool:
    """One input of unequal length, and a layer that can tell its gates."""
    return kind_of(bundle) in SEQUENCES and any(hasattr(module, "tell") for module in bundle.model.modules())


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """Every layer and direction of every recurrent part."""
    assert row is not None
    arrays: dict[str, np.ndarray] = {}
    views: dict[str, Tracks] = {}
    read = read_by(bundle, row)
    for part, calls in probe_gates(bundle.model, *row.inputs).items():
        for layer, letters in calls[0].items():
            name = f"{part}.{layer}"
            own = {letter: values[0].float().cpu().numpy() for letter, values in letters.items()}  # (T, H)
            arrays |= {f"{name}.{letter}": values for letter, values in own.items()}
            bands = {gate(letter): values[:MOST_STEPS, :MOST_NUMBERS].T for letter, values in own.items()}
            views[f"gates-{name}"] = Tracks(bands, read[part][:MOST_STEPS], say("explain.gates_title", layer=name))
    return Explanation({**views}, arrays, _words(arrays))


def gate(letter: str) -> str:
    """What the letter of a gate stands for, with the letter: "forget gate f"."""
    return say(f"explain.gate_{letter}")


def letters_of(model: nn.Module) -> str:
    """What the letters of its gates mean, in a sentence for each kind of layer."""
    kinds = dict.fromkeys(module.kind.split("_")[0] for module in model.modules() if hasattr(module, "tell"))  # pyright: ignore
    return say("explain.between").join(say(f"explain.letters_{kind}") for kind in kinds)


def read_by(bundle: Bundle, row: Row) -> dict[str, list[str]]:
    """The tokens that stand at each recurrent part's steps; none where its steps are not those of a text.

    A part that is handed what another was, turned round, reads from the end.
    """
    parts = [name for name, module in bundle.model.named_modules() if hasattr(module, "tell")]
    with Probe(bundle.model.eval(), parts, inputs=True) as probe:
        bundle.model(*row.inputs)
    handed = {name: probe[name].calls[0].input for name in parts if name in probe}  # (1, T, I) each
    found: dict[str, list[str]] = {}
    for place, (name, values) in enumerate(handed.items()):
        texts = [text for text in _texts(bundle, row) if len(text) == values.shape[1]]
        tokens = texts[min(place, len(texts) - 1)] if texts else []  # of two the reader has the first
        found[name] = tokens[::-1] if _turned(values, handed) else tokens
    return found


def _texts(bundle: Bundle, row: Row) -> list[list[str]]:
    """The tokens of each input of a network that reads texts."""
    if kind_of(bundle) != "text":
        return []
    task = bundle.task
    vocabularies = [task.facts.inputs.vocabulary, getattr(task, "target", None)]
    rows = [one.values[0].tolist() for one in row.inputs if isinstance(one, Padded)]
    return [visible(vocabulary, tokens) for vocabulary, tokens in zip(vocabularies, rows, strict=False)]


def _turned(values: Tensor, handed: Mapping[str, Tensor]) -> bool:
    others = [one for one in handed.values() if one is not values and one.shape == values.shape]
    earlier = others and next(iter(handed.values())) is not values
    return bool(earlier) and any(values.equal(one.flip(1)) and not values.equal(one) for one in others)


def _words(arrays: Mapping[str, np.ndarray]) -> str:
    steps, numbers = next(iter(arrays.values())).shape
    shown = {"steps": min(steps, MOST_STEPS), "of": steps, "numbers": min(numbers, MOST_NUMBERS), "all": numbers}
    cut = say("explain.gates_cut", **shown) if steps > MOST_STEPS or numbers > MOST_NUMBERS else ""
    layers = len({name.rpartition(".")[0] for name in arrays})
    said = say("explain.gates", layers=layers)
    return said + say("explain.between") + cut if cut else said


CATALOGUE = {"gates": Method(fits, explain, rank=5)}
