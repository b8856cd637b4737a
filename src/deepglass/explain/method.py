"""The contract of a method: which networks it fits, and what it makes of one example.

A file of this room offers `CATALOGUE = {"grad_cam": Method(...)}`. The functions with the arithmetic work on batches of
presented inputs, so that the report can call them for many examples at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.data.vocabulary import Vocabulary
from deepglass.foundation.ports import Vector
from deepglass.views.view import View


class Row(NamedTuple):
    """One example to be explained."""

    id: str
    prepared: Tensor  # before standardising: uint8 (C, H, W) or float32 (F,)
    presented: Tensor  # as the network sees it, on its device, with a batch of one in front
    answer: dict[str, Any]  # as `predict` gives it
    number: int  # of the output that is explained
    inputs: tuple[Any, ...] = ()  # what the network is called with; of one that writes its own answer among them


class Explanation(NamedTuple):
    """What a method shows: views by name, the arrays behind them, and what is to be seen in one sentence."""

    views: dict[str, View]
    arrays: dict[str, np.ndarray]
    words: str


@dataclass(frozen=True)
class Method:
    """A way to ask why."""

    fits: Callable[[Bundle], bool]
    explain: Callable[[Bundle, Row | None], Explanation]
    rank: int  # of the methods that fit, the lowest is the default
    needs_row: bool = True  # False: it shows the network itself, an example is not needed


def stages(model: nn.Module) -> list[str]:
    """The names of a network's stages in the order of forward, without the head."""
    if hasattr(model, "stages"):
        return list(model.stages())  # pyright: ignore
    return [name for name, _ in model.named_children()][:-1]


def labels_of(bundle: Bundle) -> Sequence[str]:
    """The names of a classifier's classes; nothing for other tasks."""
    return getattr(bundle.task.facts, "labels", ())


def answers_a_number(bundle: Bundle) -> bool:
    """Whether the answer is one number: no classes, one output."""
    return not labels_of(bundle) and bundle.task.asks().gives == Vector(1)


def kind_of(bundle: Bundle) -> str:
    """ "picture", "vector", or nothing where inputs are of another kind"""
    return getattr(getattr(bundle.task.facts, "inputs", None), "kind", "")


def visible(vocabulary: Vocabulary, tokens: Sequence[int]) -> list[str]:
    """Tokens as they may stand in a picture: what has no ink gets a sign."""
    return [vocabulary.shown(token).replace("\n", "↵").strip() or "␣" for token in tokens]


def pixels_of(row: Row) -> np.ndarray:
    """A prepared picture as (H, W, C)."""
    return row.prepared.cpu().numpy().transpose(1, 2, 0)
