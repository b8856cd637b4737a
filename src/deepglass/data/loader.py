"""Batches as functions of the step, and every example once for evaluation; only data/ makes batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Batch
from deepglass.data.order import Order
from deepglass.data.store import Store
from deepglass.foundation.seeds import row_keys

MOST_EMPTY = 100  # batches in a row of which nothing can be read before it is given up


@dataclass
class Loader:
    """Draws the batch of any step from its streams; targets are coded labels by row of the source."""

    store: Store
    targets: Mapping[str, Tensor]
    orders: Mapping[str, Order]  # by stream, the main one first
    seed: int

    def batch(self, step: int) -> Batch:
        """The rows of `step`: the same whatever was drawn before."""
        main, *others = [self._stream(name, order, step) for name, order in self.orders.items()]
        return replace(main, streams=dict(zip(list(self.orders)[1:], others, strict=True))) if others else main

    def _stream(self, name: str, order: Order, step: int) -> Batch:
        drawn, last = step, step + MOST_EMPTY - 1
        while not self.store.readable(order.at(drawn)).any() and drawn < last:
            drawn += 1  # a batch of which nothing could be read has the next one's rows
        rows, visits = order.at(drawn), torch.from_numpy(order.visits(drawn))
        return make_batch(self.store, self.targets, rows, step, row_keys(self.seed, name, step, len(rows)), visits)


def make_batch(
    store: Store,
    targets: Mapping[str, Tensor],
    rows: np.ndarray,
    step: int = 0,
    keys: Tensor | None = None,
    visits: Tensor | None = None,
) -> Batch:
    """These rows of the store as one batch, without draws unless keys are given.

    A row that cannot be used is left out of its batch; the others keep their draws.
    """
    keys = torch.zeros(len(rows), dtype=torch.int64) if keys is None else keys
    if not (good := store.readable(rows)).all():
        rows, keys = rows[good], keys[torch.from_numpy(good)]
        visits = None if visits is None else visits[torch.from_numpy(good)]
    columns = {**store.gather(rows), **_answers(targets, rows)}
    return Batch(_ids(store, rows), columns, step, keys, visits=visits)


def answers_of(store: Store, targets: Mapping[str, Tensor], rows: np.ndarray) -> Batch:
    """These rows' ids and coded answers, without what goes into the network."""
    return Batch(_ids(store, rows), _answers(targets, rows))


def _ids(store: Store, rows: np.ndarray) -> tuple[str, ...]:
    return tuple(map(store.index.ids.__getitem__, rows.tolist()))


def _answers(targets: Mapping[str, Tensor], rows: np.ndarray) -> dict[str, Tensor]:
    place = torch.from_numpy(rows)
    return {name: values[place] for name, values in targets.items()}


def every_example(
    store: Store, targets: Mapping[str, Tensor], rows: np.ndarray, batch: int
) -> Callable[[], Iterator[Batch]]:
    """Every row once, in order; the last batch is as short as it is."""

    def batches() -> Iterator[Batch]:
        for start in range(0, len(rows), batch):
            yield make_batch(store, targets, rows[start : start + batch])

    return batches
