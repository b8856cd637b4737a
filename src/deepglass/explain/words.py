"""Words: what is lost of the answer's score where one word is not read; the words that speak for it and against it.

effect(t) = y(x) - y(x with token t unknown), y the score of the class that is explained, or the number that is answered
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.explain.method import Explanation, Method, Row, kind_of, sentences
from deepglass.explain.target import has_target
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import say
from deepglass.views.bars import Bars

BATCH = 64
MOST = 20  # words that are shown
LONGEST = 512  # tokens from the start that are tried


@torch.no_grad()
def effects(score: Callable[[Padded], Tensor], text: Padded) -> Tensor:
    """The effect of each token of one text on its score, (B, T) -> (B,). Padded (1, T) -> (T,)"""
    before = score(text)[0]
    length = min(LONGEST, int(text.lengths[0]))
    found: list[Tensor] = []
    for start in range(0, length, BATCH):
        places = torch.arange(start, min(length, start + BATCH), device=text.values.device)
        hidden = text.values.repeat(len(places), 1)
        hidden[torch.arange(len(places), device=hidden.device), places] = 0
        found.append(before - score(Padded(hidden, text.lengths.repeat(len(places)))))
    return torch.cat(found).float().cpu()


def fits(bundle: Bundle) -> bool:
    """Texts, and one number to be explained."""
    return kind_of(bundle) == "text" and has_target(bundle)


def explain(bundle: Bundle, row: Row | None) -> Explanation:
    """The words that move the score most, the same word's places added up."""
    assert row is not None and row.target is not None
    text: Padded = row.presented
    model, target = bundle.model.eval(), row.target
    found = effects(lambda texts: target.score(model(texts)), text).numpy()
    view, speaks = bars_of(bundle, row, found, say("explain.effect"))
    words = sentences(speaks, say("explain.words"))
    return Explanation({"words": view}, {"effect": found.astype(np.float32)}, words)


def bars_of(bundle: Bundle, row: Row, effect: np.ndarray, label: str) -> tuple[Bars, str]:
    """The words whose places move the score most together (T,), and the first of them in a sentence."""
    assert row.target is not None
    vocabulary = bundle.task.facts.inputs.vocabulary
    together: dict[str, float] = {}
    for token, one in zip(row.presented.values[0].tolist(), effect.tolist(), strict=False):
        if token:
            word = vocabulary.shown(token)
            together[word] = together.get(word, 0.0) + one
    kept = sorted(sorted(together, key=lambda word: -abs(together[word]))[:MOST], key=lambda word: -together[word])
    title = say("explain.words_title", name=row.target.name)
    speaks = say("views.list_mark").join([word for word in kept if together[word] > 0][:3]) or "–"
    return Bars(kept, [together[word] for word in kept], title, label), say(
        "explain.speaks", name=row.target.name, speaks=speaks
    )


CATALOGUE = {"words": Method(fits, explain, rank=1)}
