"""The contract of a method: which networks it fits, and what it makes of one example.

A file of this room offers `CATALOGUE = {"grad_cam": Method(...)}`. The functions with the arithmetic work on batches of
presented inputs, so that the report can call them for many examples at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from torch import Tensor

from deepglass.bundle import Bundle
from deepglass.data.example import Batch
from deepglass.data.vocabulary import Vocabulary
from deepglass.foundation.ports import Vector
from deepglass.foundation.words import say
from deepglass.views.boxes import Mark
from deepglass.views.view import View

Inner = tuple[int, int, int, int]


class Target(NamedTuple):
    """The one number of an answer that is explained; explain/target.py chooses it."""

    kind: Literal["class", "number", "box", "pixels", "likeness"]
    name: str  # "cat", "cat 91 %", "the answer"
    score: Callable[[Any], Tensor]  # of what the network gives for (B, ...): (B,), and slopes go through it
    share: Callable[[Any], Tensor]  # the same as people read it: a probability, or the answer in its own unit
    output: int = 0  # the number of the class among the outputs
    marks: tuple[Mark, ...] = ()  # the box, in pixels of the network's frame
    region: np.ndarray | None = None  # the pixels, bool (h, w) of the frame
    level: int | None = None  # which of the network's levels said it
    remark: str = ""  # a sentence of its own, or nothing
    figures: Mapping[str, Any] = {}  # what explanation.json holds of it

    @property
    def local(self) -> bool:
        """Whether it is said of a part of the picture."""
        return self.kind in ("box", "pixels")


class Row(NamedTuple):
    """One example to be explained."""

    id: str
    prepared: Tensor  # before standardising: uint8 (C, H, W) or float32 (F,)
    presented: Any  # Tensor or Padded, as the network sees it, on its device, with a batch of one in front
    answer: dict[str, Any]  # as `predict` gives it
    inputs: tuple[Any, ...] = ()  # what the network is called with; of one that writes its own answer among them
    target: Target | None = None  # None for answers that are no single number
    batch: Batch | None = None  # as it is presented: the input with what lies beside it
    inner: Inner | None = None  # where in the network's frame the picture lies: left, top, width, height

    @property
    def number(self) -> int:
        """Of the output that is explained."""
        return self.target.output if self.target else 0


class Explanation(NamedTuple):
    """What a method shows: views by name, the arrays behind them, and what is to be seen in one sentence."""

    views: dict[str, View]
    arrays: dict[str, np.ndarray]
    words: str
    figures: Mapping[str, Any] = {}  # what explanation.json holds besides


@dataclass(frozen=True)
class Method:
    """A way to ask why."""

    fits: Callable[[Bundle], bool]
    explain: Callable[[Bundle, Row | None], Explanation]
    rank: int  # of the methods that fit, the lowest is the default
    needs_row: bool = True  # False: it shows the network itself, an example is not needed
    check: Callable[[], None] | None = None  # of an extra: raises MachineError where it is not installed


def labels_of(bundle: Bundle) -> Sequence[str]:
    """The names of a classifier's classes; nothing for other tasks."""
    return getattr(bundle.task.facts, "labels", ())


def answers_a_number(bundle: Bundle) -> bool:
    """Whether the answer is one number: no classes, one output."""
    return not labels_of(bundle) and bundle.task.asks().gives == Vector(1)


def kind_of(bundle: Bundle) -> str:
    """ "picture", "vector", or nothing where inputs are of another kind"""
    return getattr(getattr(bundle.task.facts, "inputs", None), "kind", "")


def sentences(*parts: str) -> str:
    """Sentences one after the other, as the language in force sets them."""
    return say("explain.between").join(part for part in parts if part)


def visible(vocabulary: Vocabulary, tokens: Sequence[int]) -> list[str]:
    """Tokens as they may stand in a picture: what has no ink gets a sign."""
    return [vocabulary.shown(token).replace("\n", "↵").strip() or "␣" for token in tokens]
