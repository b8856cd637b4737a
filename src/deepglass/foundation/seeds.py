"""Randomness is a function, never a state: every draw is a hash of (seed, purpose, step, slot, name).

Draws come from an integer hash over a whole batch at once (splitmix64's finaliser, Steele et al. 2014), so they do not
depend on neighbours, on a generator's history, on the number of workers or on the device.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15
FIRST = 0xBF58476D1CE4E5B9
SECOND = 0x94D049BB133111EB
MASK = (1 << 64) - 1
SORTED = 256  # size up to which a permutation is sorted


def key(*parts: int | str) -> int:
    """One 64-bit key out of numbers and names; the order of the parts matters.

    >>> key(7, "split") == key(7, "split"), key(7, "split") == key("split", 7)
    (True, False)
    """
    state = 0
    for part in parts:
        number = _name_key(part) if isinstance(part, str) else part & MASK
        state = _mix((state * GOLDEN + number + GOLDEN) & MASK)
    return state


def keys_of(numbers: np.ndarray, *parts: int | str) -> np.ndarray:
    """`key(*parts, number)` for each number. int64 (N,) -> uint64 (N,)"""
    start = (key(*parts) * GOLDEN + GOLDEN) & MASK
    with np.errstate(over="ignore"):
        return _mix_array(numbers.astype(np.uint64) + np.uint64(start))


def text_keys(seed: int, texts: list[str]) -> np.ndarray:
    """One uint64 key for each text; a row's key does not depend on the others (N texts -> (N,))."""
    names = b"".join([hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts])
    start = (key(seed) * GOLDEN + GOLDEN) & MASK  # what `key` adds a name to
    with np.errstate(over="ignore"):
        return _mix_array(np.frombuffer(names, dtype="<u8").astype(np.uint64) + np.uint64(start))


def numbered_keys(seed: int, name: str, numbers: np.ndarray) -> np.ndarray:
    """One uint64 key for each number under a name; a key does not depend on the others. (N,)"""
    start = np.uint64(key(seed, name))
    return _mix_array(_mix_array(numbers.astype(np.uint64) + start) + np.uint64(GOLDEN))


def seed_torch(*parts: int | str) -> None:
    """Seed torch's own generators (dropout) by the parts; hashed first, because CPU generators keep only 32 bits.

    `torch.manual_seed` does the same, but formats a traceback for every device that is not in use: 0.5 ms a step.
    """
    seed = key(*parts) >> 32
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


def row_keys(seed: int, stream: str, step: int, slots: int) -> Tensor:
    """One int64 key for each slot of the batch at `step`. (B,)"""
    with np.errstate(over="ignore"):  # numpy, because over one batch torch's calls take three times as long
        numbers = np.arange(slots, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(key(seed, stream, step))
    return torch.from_numpy(_mix_array(numbers).view(np.int64))


def step_keys(seed: int, stream: str, steps: range, counts: Sequence[int]) -> Tensor:
    """`row_keys` of several steps with so many slots each, one after the other, in little more than one's time."""
    ends = np.cumsum(counts)
    slots = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
    begun = np.repeat(keys_of(np.arange(steps.start, steps.stop), seed, stream), counts)
    with np.errstate(over="ignore"):
        return torch.from_numpy(_mix_array(slots.astype(np.uint64) * np.uint64(GOLDEN) + begun).view(np.int64))


def visit_keys(seed: int, examples: np.ndarray, visits: np.ndarray | np.int64) -> np.ndarray:
    """A keyed number for each example, one more on each of its visits: the lowest bit alternates. int64 (N,)"""
    with np.errstate(over="ignore"):
        mixed = _mix_array(examples.astype(np.uint64) * np.uint64(GOLDEN) + np.uint64(key(seed, "visits")))
    return mixed.view(np.int64) + visits


class Draws:
    """The keyed draws of a batch's rows: `draws.uniform("flip")` is (B,), `draws.normal("latent", 128)` is (B, 128).

    The same rows, name and step give the same numbers, whatever else was drawn before.
    """

    def __init__(self, rows: Tensor, purpose: str = "", visits: Tensor | None = None):
        self._rows = rows
        self._purpose = purpose
        self.visits = visits  # int64 (B,): `visit_keys`, where the rows were drawn in an order
        self._hashed: Tensor | None = None if purpose else rows

    @property
    def rows(self) -> Tensor:
        """One int64 key a row, hashed when the first draw is made: most steps of most runs draw nothing. (B,)"""
        if self._hashed is None:  # no cached_property: the compiler cannot follow its lock
            self._hashed = _hash(self._rows, _name_key(self._purpose))
        return self._hashed

    def for_purpose(self, purpose: str) -> "Draws":
        """The same rows' draws for another purpose, unrelated to these."""
        return Draws(self.rows, purpose, self.visits)

    def alternates(self) -> Tensor:
        """True on every other visit of a row's example, the first by a coin that is the example's own. (B,)

        Rows that were drawn in no order have no earlier visits, and a coin is thrown for each.
        """
        return self.chance("alternates", 0.5) if self.visits is None else (self.visits & 1).bool()

    def uniform(self, name: str, *shape: int) -> Tensor:
        """Float32 in [0, 1). (B, *shape)"""
        bits = (self._bits(name, *shape) >> 40) & 0xFFFFFF  # 24 bits: every float32 of the grid is hit exactly
        return bits.to(torch.float32) * (1.0 / (1 << 24))

    def between(self, name: str, low: float, high: float, *shape: int) -> Tensor:
        """Float32 in [low, high). (B, *shape)"""
        return low + (high - low) * self.uniform(name, *shape)

    def normal(self, name: str, *shape: int) -> Tensor:
        """Standard normal by Box and Muller. (B, *shape)"""
        radius = (-2.0 * torch.log1p(-self.uniform(name + "/radius", *shape))).sqrt()
        return radius * torch.cos(2 * math.pi * self.uniform(name + "/angle", *shape))

    def integers(self, name: str, low: int, high: int, *shape: int) -> Tensor:
        """Int64 in [low, high). (B, *shape)"""
        bits = (self._bits(name, *shape) >> 32) & 0x7FFFFFFF
        return low + (bits * (high - low) >> 31)

    def chance(self, name: str, probability: float, *shape: int) -> Tensor:
        """True with that probability. (B, *shape)"""
        return self.uniform(name, *shape) < probability

    def beta(self, name: str, alpha: float) -> Tensor:
        """Beta(alpha, alpha), the mixing share of mixup and cutmix, read off a table of 4096 quantiles. (B,)"""
        table = _beta_quantiles(alpha).to(self.rows.device)
        place = self.uniform(name) * (len(table) - 1)
        low = place.floor().long()
        return torch.lerp(table[low], table[(low + 1).clamp(max=len(table) - 1)], place - low)

    def _bits(self, name: str, *shape: int) -> Tensor:
        count = math.prod(shape)
        rows = _hash(self.rows, _name_key(name))
        if not shape:
            return rows
        places = torch.arange(count, dtype=torch.int64, device=rows.device) * _signed(GOLDEN)
        return _finalise(rows[:, None] + places).reshape(len(rows), *shape)


def permutations(size: int, keys: np.ndarray) -> np.ndarray:
    """For each key a permutation of range(size), sorted by keyed hashes. uint64 (N,) -> int64 (N, size)"""
    with np.errstate(over="ignore"):
        hashed = _mix_array(np.arange(1, size + 1, dtype=np.uint64) * np.uint64(GOLDEN) + keys[:, None])
    return np.argsort(hashed, axis=1, kind="stable")


class Permutation:
    """A keyed permutation of range(size) that answers for any place in O(1) memory (a Feistel network that walks).

    Four rounds over 2k bits, cycles walked until the result is in range (Black & Rogaway 2002): at most four steps on
    average at any size. Over a few bits such a network is uneven, so a small size is sorted by keyed hashes instead.
    """

    def __init__(self, size: int, *key_parts: int | str):
        self.size = size
        self._table: np.ndarray | None = None
        if size <= SORTED:
            self._table = permutations(size, np.array([key(*key_parts)], dtype=np.uint64))[0]
            return
        self._half = max(1, math.ceil(math.log2(max(size, 2)) / 2))
        self._keys = [np.uint64(key(*key_parts, round_)) for round_ in range(4)]

    def __call__(self, places: np.ndarray) -> np.ndarray:
        """Where each place goes. int64 (N,) -> int64 (N,)"""
        if self._table is not None:
            return self._table[places]
        result = self._round_trip(places.astype(np.uint64))
        while (outside := result >= self.size).any():
            result[outside] = self._round_trip(result[outside])
        return result.astype(np.int64)

    def _round_trip(self, places: np.ndarray) -> np.ndarray:
        half = np.uint64(self._half)
        low_bits = np.uint64((1 << self._half) - 1)
        left, right = places >> half, places & low_bits
        for round_key in self._keys:
            left, right = right, left ^ (_mix_array(right + round_key) & low_bits)
        return (left << half) | right


def _mix(number: int) -> int:
    number = ((number ^ (number >> 30)) * FIRST) & MASK
    number = ((number ^ (number >> 27)) * SECOND) & MASK
    return number ^ (number >> 31)


def _mix_array(numbers: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(FIRST)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(SECOND)
        return numbers ^ (numbers >> np.uint64(31))


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


def _hash(numbers: Tensor, with_key: int) -> Tensor:
    return _finalise(numbers * _signed(GOLDEN) + _signed(with_key))


def _finalise(numbers: Tensor) -> Tensor:
    """splitmix64's finaliser on int64, which wraps as uint64 does; shifts are made logical by a mask."""
    numbers = (numbers ^ ((numbers >> 30) & ((1 << 34) - 1))) * _signed(FIRST)
    numbers = (numbers ^ ((numbers >> 27) & ((1 << 37) - 1))) * _signed(SECOND)
    return numbers ^ ((numbers >> 31) & ((1 << 33) - 1))


def _name_key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")


# What torch.compiler.assume_constant_result does, without loading the compiler: a name's key is a number to it.
setattr(_name_key, "_dynamo_marked_constant", True)  # noqa: B010


_quantiles: dict[float, Tensor] = {}


def _beta_quantiles(alpha: float) -> Tensor:
    """Quantiles of Beta(alpha, alpha) at 4096 even places, by numerical integration of its density in logit space."""
    if alpha not in _quantiles:
        logit = np.linspace(-40 / min(alpha, 1.0), 40 / min(alpha, 1.0), 400_001)
        share = 1 / (1 + np.exp(-np.clip(logit, -500, 500)))
        log_density = -alpha * (np.logaddexp(0, logit) + np.logaddexp(0, -logit))  # density times d share / d logit
        cumulative = np.cumsum(np.exp(log_density - log_density.max()))
        table = np.interp(np.linspace(0, 1, 4096), cumulative / cumulative[-1], share)
        _quantiles[alpha] = torch.from_numpy(table.astype(np.float32))
    return _quantiles[alpha]
