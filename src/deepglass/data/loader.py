"""Batches as functions of the step, and every example once for evaluation; only data/ makes batches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Batch, Column, Cut, Ragged, picked
from deepglass.data.order import Order
from deepglass.data.store import Store
from deepglass.foundation.seeds import Draws, step_keys

TOGETHER = 1 << 22  # bytes of small batches that are drawn together
MOST_TOGETHER = 64  # steps
LONGER = 2  # times the mean length: what rows that are evaluated together are padded to, at most
MOST_PADDED = 1 << 19  # steps of rows that are answered together, padded: of a sound each takes up to 4 kB
MOST_BYTES = 1 << 26  # of prepared rows that are answered together: a clip has many frames
MOST_EMPTY = 100  # batches in a row of which nothing can be read before it is given up


class Chosen(Sequence[str]):
    """Ids of some rows, looked up when they are read: a training step has no need of them."""

    def __init__(self, ids: Sequence[str], rows: np.ndarray):
        self.ids = ids
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> "Chosen": ...
    def __getitem__(self, place: Any) -> Any:
        return Chosen(self.ids, self.rows[place]) if isinstance(place, slice) else self.ids[int(self.rows[place])]


class Shared:
    """A target of which many rows share each value: a table of values and each row's place in it.

    It is indexed by rows, as a tensor of all rows would be, and takes a byte or two of memory for each. A place beyond
    the table has its last value.
    """

    def __init__(self, table: Tensor, places: np.ndarray):
        self.table = table
        self.places = places
        self.ndim, self.dtype = table.ndim, table.dtype
        self.shape = torch.Size([len(places), *table.shape[1:]])

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, rows: Any) -> Tensor:
        found = np.minimum(self.places[np.asarray(rows)], len(self.table) - 1)
        return self.table[torch.from_numpy(np.asarray(found, dtype=np.int64))]

    def is_floating_point(self) -> bool:
        """Whether its values are numbers and not classes."""
        return self.table.is_floating_point()


Target = Column | Shared


@dataclass
class Loader:
    """Draws the batch of any step from its streams; targets are coded labels by row of the source."""

    store: Store
    targets: Mapping[str, Target]
    orders: Mapping[str, Order]  # by stream, the main one first
    seed: int
    cut: Cut | None = None  # where rows are parts of larger ones
    _blocks: dict[str, tuple[int, list[Batch]]] = field(default_factory=dict)  # by stream: the first step, and on

    def batch(self, step: int) -> Batch:
        """The rows of `step`: the same whatever was drawn before."""
        main, *others = [self._stream(name, order, step) for name, order in self.orders.items()]
        return replace(main, streams=dict(zip(list(self.orders)[1:], others, strict=True))) if others else main

    def _stream(self, name: str, order: Order, step: int) -> Batch:
        """Small batches are cut out of a block of several steps, which takes little longer than one of them."""
        first, blocks = self._blocks.get(name, (0, []))
        if first <= step < first + len(blocks):
            found = blocks[step - first]  # copied, for a task may write into its batch
            return replace(found, columns={name: _copied(column) for name, column in found.columns.items()})
        one = self._one(name, order, step)
        count = min(MOST_TOGETHER, TOGETHER // max(1, sum(map(_bytes, one.columns.values()))))
        if count > 1 and self.store.whole:
            self._blocks[name] = step, self._several(name, order, range(step, step + count))
        return one

    def _several(self, name: str, order: Order, steps: range) -> list[Batch]:
        """The batches of these steps; as many as can be read whole."""
        drawn = [order.at(step) for step in steps]
        bad = next((place for place, rows in enumerate(drawn) if not self.store.readable(rows).all()), len(drawn))
        drawn, steps = drawn[:bad], steps[:bad]
        if not drawn:
            return []
        keys = step_keys(self.seed, name, steps, [len(rows) for rows in drawn])
        visits = np.concatenate([order.visits(step) for step in steps])
        rows = np.concatenate(drawn)
        block = make_batch(self.store, self.targets, rows, 0, keys, torch.from_numpy(visits), self.cut)
        ends = np.cumsum([len(rows) for rows in drawn]).tolist()
        starts = [0, *ends[:-1]]
        cuts = zip(steps, starts, ends, strict=True)
        return [replace(block.rows(start, end), step=step) for step, start, end in cuts]

    def _one(self, name: str, order: Order, step: int) -> Batch:
        drawn, rows = step, order.at(step)
        while not self.store.readable(rows).any() and drawn < step + MOST_EMPTY - 1:
            drawn += 1  # a batch of which nothing could be read has the next one's rows
            rows = order.at(drawn)
        visits = torch.from_numpy(order.visits(drawn))
        keys = step_keys(self.seed, name, range(step, step + 1), [len(rows)])
        return make_batch(self.store, self.targets, rows, step, keys, visits, self.cut)


class Ahead:
    """Draws the next step's batch in a thread while a GPU computes this one's; a batch is a function of its step."""

    def __init__(self, draw: Callable[[int], Batch]):
        self.draw = draw
        self._thread = ThreadPoolExecutor(1)
        self._coming: tuple[int, Future[Batch]] | None = None

    def __call__(self, step: int) -> Batch:
        """The batch of `step`, in memory that a GPU can fetch from."""
        begun = self._coming
        drawn = begun[1] if begun and begun[0] == step else self._begin(step)
        batch = drawn.result()
        self._coming = step + 1, self._begin(step + 1)
        return batch

    def _begin(self, step: int) -> Future[Batch]:
        return self._thread.submit(lambda: self.draw(step).pinned())


def make_batch(
    store: Store,
    targets: Mapping[str, Target],
    rows: np.ndarray,
    step: int = 0,
    keys: Tensor | None = None,
    visits: Tensor | None = None,
    cut: Cut | None = None,
) -> Batch:
    """These rows of the store as one batch, without draws unless keys are given; or what is cut out of them.

    A row that cannot be used is left out of its batch; the others keep their draws.
    """
    keys = torch.zeros(len(rows), dtype=torch.int64) if keys is None else keys
    if not (good := store.readable(rows)).all():
        rows, keys = rows[good], keys[torch.from_numpy(good)]
        visits = None if visits is None else visits[torch.from_numpy(good)]
    answers = _answers(targets, rows)
    if cut is None:
        columns = {**store.gather(rows), **answers}
    else:
        columns = cut({name: store.each(name, rows) for name in store.columns}, answers, Draws(keys, "cut", visits))
    return Batch(_ids(store, rows), columns, step, keys, visits=visits)


def answers_of(store: Store, targets: Mapping[str, Target], rows: np.ndarray) -> Batch:
    """These rows' ids and coded answers, without what goes into the network; where masks are the answers, the rows."""
    if not targets:
        return make_batch(store, targets, rows)
    return Batch(_ids(store, rows), _answers(targets, rows))


def _copied(column: Column) -> Column:
    return column._replace(values=column.values.clone()) if isinstance(column, Ragged) else column.clone()


def _bytes(column: Column) -> int:
    return column.values.nbytes if isinstance(column, Ragged) else column.nbytes


def _ids(store: Store, rows: np.ndarray) -> Sequence[str]:
    return Chosen(store.index.ids, rows)


def _answers(targets: Mapping[str, Target], rows: np.ndarray) -> dict[str, Column]:
    places = torch.from_numpy(rows)
    return {
        name: picked(values, places) if isinstance(values, Ragged) else values[places]
        for name, values in targets.items()
    }


def every_example(
    store: Store, targets: Mapping[str, Target], rows: np.ndarray, batch: int
) -> Callable[[], Iterator[Batch]]:
    """Every row once, in order; the last batch is as short as it is, and one with a long row has fewer rows."""

    def batches() -> Iterator[Batch]:
        for piece in _pieces(store, rows, batch):
            yield make_batch(store, targets, piece)

    return batches


def together(lengths: np.ndarray, batch: int, most: float = MOST_PADDED) -> Iterator[slice]:
    """Cuts of rows of these lengths, in their order: at most `batch` each, and at most so many steps when padded.

    A row that is longer than that comes alone. int64 (N,)
    """
    start = 0
    while start < len(lengths):
        here = lengths[start : start + batch]
        padded = np.maximum.accumulate(here) * np.arange(1, len(here) + 1)
        stop = start + max(1, int(np.searchsorted(padded, most, side="right")))
        yield slice(start, stop)
        start = stop


def _largest(store: Store, rows: np.ndarray) -> int:
    """Bytes of the mean row of the largest column."""
    sizes = [0]
    for name, values in store.columns.items():
        each = values.nbytes // max(1, len(values))
        sizes.append(int(each * store.lengths(name)[rows].mean()) if name in store.offsets and len(rows) else each)
    return max(sizes)


def _pieces(store: Store, rows: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    """At most `batch` rows each; of unequal ones no more than fit into LONGER times their mean length.

    One recording of a minute among many of a second would make a minute of each of them.
    """
    batch = max(1, min(batch, MOST_BYTES // max(1, _largest(store, rows))))
    if not store.offsets:
        yield from (rows[start : start + batch] for start in range(0, len(rows), batch))
        return
    lengths = np.maximum(1, np.max([store.lengths(name)[rows] for name in store.offsets], axis=0))
    most = min(MOST_PADDED, LONGER * batch * lengths.mean()) if len(rows) else 0
    yield from (rows[cut] for cut in together(lengths, batch, most))
