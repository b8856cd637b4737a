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
        streams = dict(zip(list(self.orders)[1:], others, strict=True))
        return replace(main, streams=streams)

    def _stream(self, name: str, order: Order, step: int) -> Batch:
        rows, good, drawn = order.at(step), np.zeros(0, dtype=bool), step
        for drawn in range(step, step + MOST_EMPTY):  # a batch of which nothing could be read has the next one's rows
            rows = order.at(drawn)
            if (good := self.store.readable(rows)).any():
                break
        keys = row_keys(self.seed, name, step, len(rows))[torch.from_numpy(good)]
        batch = make_batch(self.store, self.targets, rows[good], step, keys)
        return replace(batch, visits=torch.from_numpy(order.visits(drawn)[good]))


def make_batch(
    store: Store, targets: Mapping[str, Tensor], rows: np.ndarray, step: int = 0, keys: Tensor | None = None
) -> Batch:
    """These rows of the store as one batch, without draws unless keys are given.

    A row that cannot be used is left out of its batch; the others keep their draws.
    """
    keys = torch.zeros(len(rows), dtype=torch.int64) if keys is None else keys
    if not (good := store.readable(rows)).all():
        rows, keys = rows[good], keys[torch.from_numpy(good)]
    batch = answers_of(store, targets, rows)
    return replace(batch, columns={**store.gather(rows), **batch.columns}, step=step, keys=keys)


def answers_of(store: Store, targets: Mapping[str, Tensor], rows: np.ndarray) -> Batch:
    """These rows' ids and coded answers, without what goes into the network."""
    ids, numbers, place = store.index.ids, list[int](rows.tolist()), torch.from_numpy(rows)
    return Batch(tuple(ids[row] for row in numbers), {name: values[place] for name, values in targets.items()})


def every_example(
    store: Store, targets: Mapping[str, Tensor], rows: np.ndarray, batch: int
) -> Callable[[], Iterator[Batch]]:
    """Every row once, in order; the last batch is as short as it is."""

    def batches() -> Iterator[Batch]:
        for start in range(0, len(rows), batch):
            yield make_batch(store, targets, rows[start : start + batch])

    return batches
