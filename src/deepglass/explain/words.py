"""Words: what is lost of the answer's score where one word is not read; the words that speak for it and against it.

effect(t) = z_c(x) - z_c(x with token t unknown), z the network's output for the class that is explained
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of, labels_of
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Vector
from deepglass.foundation.words import say
from deepglass.views.bars import Bars

BATCH = 64
MOST = 20  # words that are shown
LONGEST = 512  # tokens from the start that are tried


@torch.no_grad()
def effects(outputs: Callable[[Padded], Tensor], text: Padded, number: int) -> Tensor:
    """The effect of each token of one text on output `number` of (B, K). Padded (1, T) -> (T,)"""
    before = outputs(text)[0, number]
    length = min(LONGEST, int(text.lengths[0]))
    found: list[Tensor] = []
    for start in range(0, length, BATCH):
        places = torch.arange(start, min(length, start + BATCH), device=text.values.device)
        hidden = text.values.repeat(len(places), 1)
        hidden[torch.arange(len(places), device=hidden.device), places] = 0
        found.append(before - outputs(Padded(hidden, text.lengths.repeat(len(places))))[:, number])
    return torch.cat(found).float().cpu()


def fits(bundle: Bundle) -> bool:
    """Texts, and one score for each answer."""
    return kind_of(bundle) == "text" and isinstance(bundle.task.asks().gives, Vector)


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The words that move the score most, the same word's places added up."""
    assert row is not None
    text: Padded = row.presented  # pyright: ignore
    found = effects(bundle.model.eval(), text, row.number).numpy()
    vocabulary = bundle.task.facts.inputs.vocabulary
    together: dict[str, float] = {}
    for token, effect in zip(text.values[0].tolist(), found.tolist(), strict=False):
        if token:
            word = vocabulary.shown(token)
            together[word] = together.get(word, 0.0) + effect
    kept = sorted(sorted(together, key=lambda word: -abs(together[word]))[:MOST], key=lambda word: -together[word])
    labels = labels_of(bundle)
    name = str(labels[row.number]) if labels else say("explain.the_answer")
    view = Bars(kept, [together[word] for word in kept], say("explain.words_title", name=name), say("explain.effect"))
    speaks = ", ".join(kept[:3]) or "-"
    words = say("explain.words", name=name, speaks=speaks)
    return Explanation({"words": view}, {"effect": found.astype(np.float32)}, words)


CATALOGUE = {"words": Method(fits, explain, rank=1)}
