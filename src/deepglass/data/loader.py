"""Batches as functions of the step, and every example once for evaluation; only data/ makes batches."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from deepglass.data.cache import Store
from deepglass.data.example import Batch, Column
from deepglass.data.order import Order
from deepglass.foundation.seeds import row_keys


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
        rows = order.at(step)
        batch = make_batch(self.store, self.targets, rows, step, row_keys(self.seed, name, step, len(rows)))
        return replace(batch, visits=torch.from_numpy(order.visits(step)))


def make_batch(
    store: Store, targets: Mapping[str, Tensor], rows: np.ndarray, step: int = 0, keys: Tensor | None = None
) -> Batch:
    """These rows of the store as one batch, without draws unless keys are given."""
    columns: dict[str, Column] = store.gather(rows)
    place = torch.from_numpy(rows)
    columns |= {name: values[place] for name, values in targets.items()}
    ids, numbers = store.index.ids, list[int](rows.tolist())
    return Batch(
        tuple(ids[row] for row in numbers),
        columns,
        step,
        torch.zeros(len(rows), dtype=torch.int64) if keys is None else keys,
    )


def every_example(
    store: Store, targets: Mapping[str, Tensor], rows: np.ndarray, batch: int
) -> Callable[[], Iterator[Batch]]:
    """Every row once, in order; the last batch is as short as it is."""

    def batches() -> Iterator[Batch]:
        for start in range(0, len(rows), batch):
            yield make_batch(store, targets, rows[start : start + batch])

    return batches
