"""Which example is for what: keyed by its id, stratified by its answer, groups kept together, given parts respected.

An example's place in the queue of its class is a hash of its id alone, so a new file moves at most one neighbour over
each border. Where several labels or groups are in play, the rarest label is dealt out first (iterative
stratification, Sechidis et al. 2011), a whole group at a time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepglass.data.annotation import names_of
from deepglass.data.column import NAMES, Coded, Parts, Texts, keys_of, pieces, where
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError
from deepglass.foundation.seeds import text_keys

FEWEST = 3  # a class of at least so many examples is seen in every part
BINS = 10  # quantiles by which numbers are stratified
TRAIN = NAMES.index("train")
FINE = 64  # rows of a class that stand together in its queue, on average, before any are put in order


def split(index: Index, settings: DataSettings) -> Parts:
    """ "train", "val" or "test" for each example. (N,)

    What the source names test or val stays so. A part that it does not name is drawn from the rest, training rows
    included, at the share that the settings ask for. What has no answer is in no figure, so it stays in training.
    """
    given = _given(index)
    parts = Parts(np.where(given.codes == 0, np.int8(TRAIN), given.codes))
    pool = parts == "train"
    if not any(index.groups):  # else people, patients, scenes are kept together, with or without an answer
        pool &= where(index.labels, lambda label: label is not None)
    shares = {
        part: share
        for part, share in (("test", settings.test), ("val", settings.val))
        if share and not (given == part).any()
    }
    if not shares or not pool.any():
        return parts
    if sum(shares.values()) >= 1:
        raise DataError("data.no_room_for_training", val=settings.val, test=settings.test)
    deal = _deal_classes if settings.split == "classes" else _deal
    dealt = deal(_those(index, pool), [1 - sum(shares.values()), *shares.values()], settings.split_seed)
    parts.codes[pool] = Parts.of(["train", *shares]).codes[dealt]
    return _reunited(index, given, parts)


def folds(index: Index, settings: DataSettings) -> np.ndarray:
    """The fold in which each example is held out; -1 for a test part that the source gives. int8 (N,)"""
    pool = _given(index) != "test"
    result = np.full(len(index), -1, dtype=np.int8)
    deal = _deal_classes if settings.split == "classes" else _deal
    result[pool] = deal(_those(index, pool), [1 / settings.folds] * settings.folds, settings.split_seed)
    return result


def parts_of(index: Index, settings: DataSettings) -> Parts:
    """What each example is to a run: its split; with folds all train but a given test part, as the refit is on all."""
    if settings.folds < 2:
        return split(index, settings)
    return Parts.of(["train", "test"])[(folds(index, settings) < 0).astype(np.int8)]


def _given(index: Index) -> Parts:
    return Parts.of(index.parts) if len(index.parts) else Parts.all("", len(index))


def _those(index: Index, pool: np.ndarray) -> Index:
    """The rows for which it holds; all of them as they are."""
    return index if pool.all() else index.take(np.flatnonzero(pool))


def _reunited(index: Index, given: Parts, parts: Parts) -> Parts:
    """A group of which the source has put a member into val or test goes there whole, as far as it was ours to deal."""
    if not len(index.groups):
        return parts
    fixed = {group: part for group, part in zip(index.groups, given, strict=True) if group and part in ("val", "test")}
    for row, group in enumerate(index.groups):
        if group in fixed and given[row] == "":
            parts.codes[row] = NAMES.index(fixed[group])
    return parts


def _deal(index: Index, shares: list[float], seed: int) -> np.ndarray:
    """The place in `shares` that each example is dealt to. int8 (N,)"""
    keys = keys_of(seed, index.ids)
    if isinstance(index.labels, Coded) and not any(index.groups):
        return _deal_rows(_ranks(index.labels), keys, shares)
    strata = strata_of(index.labels)
    if any(index.groups) or any(len(names) != 1 for names in strata):
        return _deal_units(strata, index.groups or [""] * len(index), keys, shares)
    return _deal_rows(np.array([names[0] for names in strata]), keys, shares)


def _deal_classes(index: Index, shares: list[float], seed: int) -> np.ndarray:
    """Whole classes, in an order of keys, at these shares of their number; what has no class is dealt to the first.

    A class's place is a hash of its name alone, so a new one moves at most one neighbour over each border. int8 (N,)
    """
    names = list(dict.fromkeys(str(label) for label in index.labels if label is not None))
    order = np.argsort(text_keys(seed, names), kind="stable").tolist()
    ends = np.rint(np.cumsum([*shares[1:], shares[0]]) * len(names)).astype(int)
    places = np.searchsorted(ends[:-1], np.arange(len(names)), side="right")  # the later parts come first, as above
    part = {names[name]: (place + 1) % len(shares) for name, place in zip(order, places.tolist(), strict=True)}
    return np.array([part.get(str(label), 0) if label is not None else 0 for label in index.labels], dtype=np.int8)


def strata_of(labels: Sequence[Any]) -> list[tuple[int, ...]]:
    """The answers as numbers to stratify by: a class's number, several labels' numbers, a number's quantile."""
    if isinstance(labels, Texts):
        return [(0,)] * len(labels)
    if any(isinstance(label, float) for label in labels):
        values = np.array([np.nan if label is None else label for label in labels], dtype=np.float64)
        bins = max(1, min(BINS, len(values) // (2 * FEWEST)))
        edges = np.nanquantile(values, np.arange(1, bins) / bins) if bins > 1 else np.zeros(0)
        return [(int(place),) for place in np.searchsorted(edges, values, side="right")]
    sets = [(None,) if label is None else names_of(label) for label in labels]
    numbers = {name: place for place, name in enumerate(sorted({name for names in sets for name in names}, key=str))}
    return [tuple(sorted({numbers[name] for name in names})) for names in sets]


def _ranks(labels: Coded) -> np.ndarray:
    """The place of each answer among all in their order, as `strata_of` numbers them."""
    names = sorted(range(len(labels.names)), key=lambda code: str(labels.names[code]))
    ranks = np.full(len(names) + 1, len(names), dtype=np.min_scalar_type(len(names)))
    ranks[names] = np.arange(len(names))
    return ranks[np.minimum(labels.codes, len(names))]


def _deal_rows(strata: np.ndarray, keys: np.ndarray, shares: list[float]) -> np.ndarray:
    """Each class's queue is cut at its quotas; parts after the first come first in the queue.

    A queue is never sorted: the first bits of the keys say how many stand before a row but for its near neighbours, and
    only neighbours with a border between them are put in order.
    """
    if not len(strata):
        return np.zeros(0, dtype=np.int8)
    top = int(strata.max()) + 1
    counts = sum(np.bincount(strata[piece], minlength=top) for piece in pieces(len(strata)))
    names = np.flatnonzero(counts)  # pyright: ignore
    counts = counts[names]  # pyright: ignore
    quotas = _even(counts, len(shares)) if len(set(shares)) == 1 else _quotas(counts, shares)
    numbers = np.zeros(top, dtype=np.uint64)
    numbers[names] = np.arange(len(names))
    return _cut(_Queues(strata, keys, numbers, counts), np.roll(quotas, -1, axis=1))


class _Queues:
    """The classes' queues end to end, cut into bins by the first bits of the keys."""

    def __init__(self, strata: np.ndarray, keys: np.ndarray, numbers: np.ndarray, counts: np.ndarray):
        self.strata, self.keys, self.numbers, self.counts = strata, keys, numbers, counts
        self.bits = max(1, (len(strata) // (FINE * len(counts))).bit_length())
        self.filled = np.zeros(len(counts) << self.bits, dtype=np.int64)
        for piece in pieces(len(strata)):
            self.filled += np.bincount(self.bins(piece), minlength=len(self.filled))
        self.before = np.cumsum(self.filled) - self.filled  # rows in the bins before each

    def bins(self, rows: slice | np.ndarray) -> np.ndarray:
        """The bin of each of these rows. int64 (n,)"""
        classes, shift = self.numbers[self.strata[rows]], np.uint64(64 - self.bits)
        return ((classes << np.uint64(self.bits)) | (self.keys[rows] >> shift)).astype(np.int64)


def _cut(queues: _Queues, quotas: np.ndarray) -> np.ndarray:
    """Which of the quotas each row falls under, the last of them being part 0. int8 (N,)"""
    parts = quotas.shape[1]
    starts = np.cumsum(queues.counts) - queues.counts
    borders = (starts[:, None] + np.cumsum(quotas, axis=1)[:, :-1]).ravel()

    def owner(bins: np.ndarray, places: np.ndarray) -> np.ndarray:
        passed = np.searchsorted(borders, places, side="right") - (bins >> queues.bits) * (parts - 1)
        return ((passed + 1) % parts).astype(np.int8)

    every = np.arange(len(queues.filled))
    owners = owner(every, queues.before)
    crossed = owners != owner(every, queues.before + np.maximum(queues.filled, 1) - 1)
    dealt = np.empty(len(queues.strata), dtype=np.int8)
    near: list[np.ndarray] = []
    for piece in pieces(len(dealt)):
        bins = queues.bins(piece)
        dealt[piece] = owners[bins]
        near.append(np.flatnonzero(crossed[bins]) + piece.start)
    rows = np.concatenate(near)
    bins = queues.bins(rows)
    order = np.lexsort((queues.keys[rows], bins))
    bins = bins[order]
    places = queues.before[bins] + np.arange(len(bins)) - np.searchsorted(bins, bins)
    dealt[rows[order]] = owner(bins, places)
    return dealt


def _quotas(counts: np.ndarray, shares: list[float]) -> np.ndarray:
    """How many of each class each part gets: the part's total by largest remainder over the classes. (K, parts)"""
    quotas = np.zeros((len(counts), len(shares)), dtype=np.int64)
    left = counts.astype(np.int64).copy()
    for part in range(len(shares) - 1, 0, -1):
        ideal = counts * shares[part]
        least = np.where(counts >= max(FEWEST, len(shares)), 1, 0)
        take = np.maximum(np.floor(ideal + 1e-9).astype(np.int64), least)
        missing = round(float(ideal.sum())) - int(take.sum())
        by_remainder = np.argsort(-(ideal - take), kind="stable")
        for place in by_remainder[: max(0, missing)]:
            take[place] += 1
        take = np.minimum(take, np.maximum(left - part, 0))  # at least one stays for each part still to come
        quotas[:, part] = take
        left -= take
    quotas[:, 0] = left
    return quotas


def _even(counts: np.ndarray, parts: int) -> np.ndarray:
    """Equal parts: what is left over of one class goes to the parts after those that the last class filled up."""
    quotas = np.repeat(counts[:, None] // parts, parts, axis=1)
    start = 0
    for name, left in enumerate((counts % parts).tolist()):
        quotas[name, (start + np.arange(left)) % parts] += 1
        start += left
    return quotas


def _deal_units(
    strata: list[tuple[int, ...]], groups: Sequence[str], keys: np.ndarray, shares: list[float]
) -> np.ndarray:
    """Iterative stratification over groups; a row without a group is a group of its own."""
    units: dict[Any, list[int]] = {}
    for row, group in enumerate(groups):
        units.setdefault(group or row, []).append(row)
    members = list(units.values())
    classes = max((max(names, default=0) for names in strata), default=0) + 1
    counts = np.zeros((len(members), classes))
    for place, rows in enumerate(members):
        for row in rows:
            counts[place, list(strata[row])] += 1
    sizes = np.array([len(rows) for rows in members])
    unit_keys = np.array([min(keys[row] for row in rows) for rows in members], dtype=np.uint64)
    owners = _iterate(counts, sizes, unit_keys, np.array(shares))
    dealt = np.zeros(len(strata), dtype=np.int64)
    for place, rows in enumerate(members):
        dealt[rows] = owners[place]
    return dealt


def _iterate(counts: np.ndarray, sizes: np.ndarray, keys: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The part of each unit: label by label from the rarest, each unit to the part that lacks that label most."""
    wanted = shares[:, None] * counts.sum(axis=0)  # (parts, K)
    room = shares * sizes.sum()
    owners = np.full(len(sizes), -1, dtype=np.int64)
    for label in [*np.argsort(counts.sum(axis=0), kind="stable"), None]:
        mine = owners < 0 if label is None else (owners < 0) & (counts[:, label] > 0)
        rows = np.flatnonzero(mine)
        for unit in rows[np.lexsort((keys[rows], -sizes[rows]))]:
            lack = room if label is None else wanted[:, label]
            best = np.flatnonzero(lack >= lack.max() - 1e-9)
            owner = best[np.argmax(room[best])]
            owners[unit] = owner
            wanted[owner] -= counts[unit]
            room[owner] -= sizes[unit]
    return owners
