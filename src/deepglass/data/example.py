"""An example is one row with named inputs and targets; a batch is many of them with their keyed draws.

Letters: B rows of a batch, T steps of a row, N examples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import Draws

NOTHING: Mapping[str, Tensor] = MappingProxyType({})


Form = Callable[[Any], np.ndarray]  # how one raw input becomes one array: a picture's Fit, a row's Numbers
Encoder = Callable[[Mapping[str, Sequence[np.ndarray]]], Mapping[str, Sequence[np.ndarray]]]


class Ragged(NamedTuple):
    """Rows of unequal length, end to end: values (ΣT, ...), lengths (B,)."""

    values: Tensor
    lengths: Tensor

    def padded(self) -> Padded:
        """The rows side by side as a network takes them, zeros behind their ends; only data/ pads. (B, T, ...)"""
        return Padded(torch.nn.utils.rnn.pad_sequence(list(self.each()), batch_first=True), self.lengths)

    def rows(self, start: int, stop: int) -> "Ragged":
        """Rows start..stop of it."""
        first, last = int(self.lengths[:start].sum()), int(self.lengths[:stop].sum())
        return Ragged(self.values[first:last], self.lengths[start:stop])

    def each(self) -> tuple[Tensor, ...]:
        """The rows one by one. (T_b, ...)"""
        return torch.split(self.values, self.lengths.tolist())


Column = Tensor | Ragged
# What training cuts out of larger rows: inputs as they are kept, answers and draws -> the batch's columns.
Cut = Callable[[Mapping[str, Sequence[np.ndarray]], Mapping[str, Column], Draws], dict[str, Column]]


def ragged(rows: Sequence[Tensor]) -> Ragged:
    """Rows of unequal length, at least one of them, end to end; one alone, which may be large, is not copied."""
    return Ragged(rows[0] if len(rows) == 1 else torch.cat(list(rows)), torch.tensor([len(row) for row in rows]))


def columns_of(rows: Sequence[Mapping[str, Tensor]], encoder: Encoder | None = None) -> dict[str, Column]:
    """Prepared rows, at least one of them, as columns: encoded by an encoder, ragged where lengths differ."""
    each = {name: [row[name] for row in rows] for name in rows[0]}
    if encoder:
        found = encoder({name: [values.numpy() for values in column] for name, column in each.items()})
        return {name: ragged([torch.from_numpy(values) for values in column]) for name, column in found.items()}
    same = {name: len({values.shape for values in column}) == 1 for name, column in each.items()}
    return {name: _stacked(column) if same[name] else ragged(column) for name, column in each.items()}


def _stacked(rows: Sequence[Tensor]) -> Tensor:
    """Rows of one shape; one alone, which may be large, is not copied."""
    return rows[0][None] if len(rows) == 1 else torch.stack(list(rows))


def concatenated(columns: Sequence[Column]) -> Column:
    """The rows of several columns of one kind, one column's after the other's."""
    if isinstance(columns[0], Ragged):
        return Ragged(*(torch.cat(parts) for parts in zip(*columns, strict=True)))
    return torch.cat([column for column in columns if isinstance(column, Tensor)])


def padded(column: Column) -> Padded:
    """The rows side by side; where all are of one length they lie so already. (B, T, ...)"""
    if isinstance(column, Ragged):
        return column.padded()
    return Padded(column, torch.full((len(column),), column.shape[1], device=column.device))


def picked(column: Column, rows: Tensor) -> Column:
    """These rows of a column, in this order."""
    if not isinstance(column, Ragged):
        return column[rows]
    if not len(rows):
        return Ragged(column.values[:0], column.lengths[:0])
    ends = column.lengths.cumsum(0)
    starts = ends - column.lengths
    return ragged([column.values[starts[row] : ends[row]] for row in rows.tolist()])


class Example(NamedTuple):
    """One prepared row: fixed-size arrays as tensors; `targets` is empty where the answer is not known."""

    inputs: dict[str, Tensor]
    targets: Mapping[str, Column] = {}


@dataclass(frozen=True)
class Batch:
    """Rows drawn together: named columns, what each row remembers, and the rows' own draws.

    A step that draws from several streams (labelled and unlabelled, A and B) has the first stream's rows here and the
    others by name in `streams`.
    """

    ids: Sequence[str]
    columns: Mapping[str, Column]
    step: int = 0
    keys: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))  # (B,): one key a row
    carry: Mapping[str, Tensor] = field(default_factory=lambda: NOTHING)
    streams: Mapping[str, "Batch"] = field(default_factory=dict)
    visits: Tensor | None = None  # int64 (B,): `visit_keys` of the rows, where they were drawn in an order
    of: int = 0  # rows of the step, where these are a shard of it

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def whole(self) -> int:
        """How many rows the step has, in all its shards together."""
        return self.of or len(self)

    def draws(self, purpose: str) -> Draws:
        """The rows' keyed draws for one purpose ("augment", "latent"): functions of (seed, purpose, step, slot)."""
        return Draws(self.keys, purpose, self.visits)

    def with_columns(self, **columns: Column) -> "Batch":
        """The same rows with some columns replaced or added."""
        return replace(self, columns={**self.columns, **columns})

    def rows(self, start: int, stop: int) -> "Batch":
        """Rows start..stop as a batch of their own; their draws stay what they were."""
        columns = {
            name: column.rows(start, stop) if isinstance(column, Ragged) else column[start:stop]
            for name, column in self.columns.items()
        }
        carry = {name: values[start:stop] for name, values in self.carry.items()}
        visits = None if self.visits is None else self.visits[start:stop]
        ids, keys = self.ids[start:stop], self.keys[start:stop]
        return replace(self, ids=ids, columns=columns, keys=keys, carry=carry, visits=visits)

    def shard(self, index: int, count: int) -> "Batch":
        """Part `index` of `count` near-equal parts, of this stream and of every other."""
        if count == 1:
            return self
        start, stop = len(self) * index // count, len(self) * (index + 1) // count
        streams = {name: stream.shard(index, count) for name, stream in self.streams.items()}
        return replace(self.rows(start, stop), streams=streams, of=len(self))

    def to(self, device: torch.device) -> "Batch":
        """The batch with its tensors on `device`; a batch is all in one place."""
        if self.keys.device == device:
            return self

        def move(column: Column) -> Column:
            if isinstance(column, Ragged):
                return Ragged(*(part.to(device, non_blocking=True) for part in column))
            return column.to(device, non_blocking=True)

        return self._map(move, lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "Batch":
        """The batch in memory that a GPU can fetch from by itself."""

        def pin(column: Column) -> Column:
            return (
                Ragged(*(part.pin_memory() for part in column)) if isinstance(column, Ragged) else column.pin_memory()
            )

        return self._map(pin, lambda tensor: tensor.pin_memory())

    def _map(self, on_column: Callable[[Column], Column], on_tensor: Callable[[Tensor], Tensor]) -> "Batch":
        return replace(
            self,
            columns={name: on_column(column) for name, column in self.columns.items()},
            keys=on_tensor(self.keys),
            visits=None if self.visits is None else on_tensor(self.visits),
            carry={name: on_tensor(values) for name, values in self.carry.items()},
            streams={name: stream._map(on_column, on_tensor) for name, stream in self.streams.items()},
        )
