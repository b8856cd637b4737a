"""Rows of numbers by the columns of a table, standardised column by column."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from torch import Tensor

from deepglass.data.example import Form
from deepglass.data.readers.vector import Numbers
from deepglass.data.source import Index
from deepglass.foundation.ports import Port, Vector
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.tasks.kinds.kind import Seen
from deepglass.tasks.kinds.standard import PIECE, constants, spread
from deepglass.views.table import Table
from deepglass.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorFacts:
    """What was learned of a table's columns from the training part."""

    kind: Literal["vector"] = "vector"
    columns: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class VectorKind:
    """float32 (F,) as it stands in the table; float (B, F) for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> VectorFacts:
        return VectorFacts(columns=tuple(index.columns))

    def form(self, facts: VectorFacts, settings: Any) -> Form:
        return Numbers(len(facts.columns))

    def depends(self, facts: VectorFacts, settings: Any) -> Any:
        return [facts.kind, list(facts.columns)]

    def settle(self, facts: VectorFacts, settings: Any, values: Any) -> VectorFacts:
        if facts.mean:
            return facts
        mean, std = _statistics(values)
        return replace(facts, mean=tuple(map(float, mean)), std=spread(std))

    def encoder(self, facts: VectorFacts, settings: Any) -> None:
        return None

    def port(self, facts: VectorFacts) -> Port:
        return Vector(len(facts.columns))

    def present(self, values: Any, facts: VectorFacts, settings: Any, draws: Draws | None) -> Tensor:
        mean, std = constants(facts.mean, facts.std, (-1,), values.device)
        return (values - mean) / std

    def show(self, raw: Any, facts: VectorFacts, caption: str) -> View:
        rows = [(name, float(value)) for name, value in zip(facts.columns, raw, strict=True)]
        return Table((say("tasks.column"), say("tasks.value")), rows, caption)


def _statistics(values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Per column, in two passes over pieces: the mean, then the spread around it."""
    pieces = range(0, len(values), PIECE)
    mean = sum(values[start : start + PIECE].sum(0, dtype=np.float64) for start in pieces) / len(values)
    apart = sum(np.square(values[start : start + PIECE] - mean).sum(0) for start in pieces)
    return mean, np.sqrt(apart / len(values))  # pyright: ignore


CATALOGUE = {"vector": VectorKind()}
