"""An n-gram model: how likely a token is after the few before it, by counting (interpolated modified Kneser-Ney).

p_n(w | h) = (c(hw) - D(c(hw))) / c(h) + γ(h) · p_{n-1}(w | h'),   h' = h without its first token,   p_0 = 1 / V

c counts at the highest order how often, below it after how many different tokens hw comes up; D is the discount of
counts 1, 2, and 3 or more; γ(h) gives away what was discounted, so that the p of all V tokens sum to 1.
Chen & Goodman 1998, "An empirical study of smoothing techniques for language modeling".

Order n is a sorted table of keys, (number of h in order n - 1) · V + w, each with its p and, as a context of its own,
its γ: a tree of any order and vocabulary in plain arrays. The baseline of language models, and what a beam search of
speech listens to.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

ABSENT = -1
USUAL = (0.0, 0.5, 1.0, 1.5)  # discounts of counts 0, 1, 2 and more, where there are too few n-grams to tell
LEAST = 0.1  # what a discount takes and leaves at least, so that nothing is impossible


class Order(NamedTuple):
    """The n-grams of one length: sorted keys int64 (M,), p float32 (M,), and γ float32 of each h of the order below."""

    keys: np.ndarray
    p: np.ndarray
    gamma: np.ndarray


class NGram:
    """The orders from 1 on, over the tokens 0 .. V - 1."""

    def __init__(self, vocabulary: int, orders: Sequence[Order]):
        self.vocabulary = vocabulary
        self.orders = tuple(orders)

    def bits(self, tokens: np.ndarray, lengths: Sequence[int] | None = None) -> np.ndarray:
        """-log2 p of each token after those before it; `lengths` cut the tokens into rows. int (T,) -> float64 (T,)"""
        tokens, starts = _checked(tokens, self.vocabulary), _starts(len(tokens), lengths)
        p = np.full(len(tokens), 1 / self.vocabulary)
        context = np.zeros(len(tokens), dtype=np.int64)
        for order in self.orders:
            found = _find(order.keys, context, tokens, self.vocabulary)
            away = np.where(context == ABSENT, 1.0, order.gamma[context])
            p = np.where(found == ABSENT, away * p, order.p[found])
            context = _moved(found, starts)
        return -np.log2(p)

    def log_prob(self, context: Sequence[int], token: int) -> float:
        """ln p of a token after others."""
        return float(self.log_probs(context)[token])

    def log_probs(self, context: Sequence[int]) -> np.ndarray:
        """ln p of every token after these. float64 (V,)"""
        p = np.full(self.vocabulary, 1 / self.vocabulary)
        for length, order in enumerate(self.orders):
            if length > len(context):
                break
            h = self._number(context[len(context) - length :])
            if h == ABSENT:
                break  # then no longer one was seen either
            first, stop = np.searchsorted(order.keys, _keys(np.array([h, h + 1]), 0, self.vocabulary))
            p *= order.gamma[h]
            p[order.keys[first:stop] % self.vocabulary] = order.p[first:stop]
        return np.log(p)

    def tables(self) -> dict[str, np.ndarray]:
        """All of it as named arrays, to be stored as data."""
        named = {
            f"{name}{n}": values for n, order in enumerate(self.orders, 1) for name, values in order._asdict().items()
        }
        return {"vocabulary": np.array([self.vocabulary]), **named}

    @classmethod
    def of(cls, tables: Mapping[str, np.ndarray]) -> "NGram":
        """The opposite of `tables`."""
        orders = [
            Order(tables[f"keys{n}"], tables[f"p{n}"], tables[f"gamma{n}"])
            for n in range(1, 1 + sum(name.startswith("keys") for name in tables))
        ]
        return cls(int(tables["vocabulary"][0]), orders)

    def _number(self, context: Sequence[int]) -> int:
        """The number of these tokens among the n-grams of their length."""
        number = 0
        for order, token in zip(self.orders, context, strict=False):
            number = int(_find(order.keys, np.array([number]), np.array([token]), self.vocabulary)[0])
            if number == ABSENT:
                break
        return number


def fit_ngram(tokens: np.ndarray, vocabulary: int, order: int = 6, lengths: Sequence[int] | None = None) -> NGram:
    """Count rows of tokens, one after the other in `tokens`; an n-gram never spans two rows. int (T,)"""
    tokens, starts = _checked(tokens, vocabulary), _starts(len(tokens), lengths)
    keys: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    suffixes: list[np.ndarray] = []  # the number of each n-gram without its first token, in the order below
    found = before = np.zeros(len(tokens), dtype=np.int32)  # which n-gram ends at each place
    for _ in range(order):
        before, context = found, _moved(found, starts) if keys else found
        there = context != ABSENT
        if not there.any():
            break  # no row is so long
        own, which, count = np.unique(
            _keys(context[there], tokens[there], vocabulary), return_inverse=True, return_counts=True
        )
        suffix = np.zeros(len(own), dtype=np.int32)
        suffix[which] = before[there]
        if keys:  # what stands before an n-gram: so many tokens, and the start of a row
            counts[-1] = np.bincount(suffix, minlength=len(keys[-1])) + _at_starts(before, context, len(keys[-1]))
        found = np.full(len(tokens), ABSENT, dtype=np.int32)
        found[there] = which
        keys.append(own)
        counts.append(count)
        suffixes.append(suffix)
    return NGram(vocabulary, _estimated(keys, counts, suffixes, vocabulary))


def _estimated(
    keys: Sequence[np.ndarray], counts: Sequence[np.ndarray], suffixes: Sequence[np.ndarray], vocabulary: int
) -> list[Order]:
    orders: list[Order] = []
    lower, contexts = np.full(1, 1 / vocabulary), 1
    for own, count, suffix in zip(keys, counts, suffixes, strict=True):
        h = own // vocabulary
        discount = _discounts(count)[np.minimum(count, 3)]
        total = np.bincount(h, weights=count, minlength=contexts)
        given = np.bincount(h, weights=discount, minlength=contexts)
        gamma = np.divide(given, total, out=np.ones(contexts), where=total > 0)
        lower = (count - discount) / total[h] + gamma[h] * lower[suffix]
        contexts = len(own)
        orders.append(Order(own, lower.astype(np.float32), gamma.astype(np.float32)))
    return orders


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What counts of 0, 1, 2 and 3 or more give away, by how many n-grams have counts 1, 2, 3 and 4. (4,)"""
    n = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(float)
    if not n.all():
        return np.array(USUAL)
    y = n[0] / (n[0] + 2 * n[1])
    found = [k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)]
    return np.array([0.0, *np.clip(found, LEAST, np.array([1, 2, 3]) - LEAST)])


def _at_starts(found: np.ndarray, longer: np.ndarray, count: int) -> np.ndarray:
    """1 for each n-gram that stands at the start of a row, where no longer one ends. (M,)"""
    first = found[(longer == ABSENT) & (found != ABSENT)]
    return np.bincount(np.unique(first), minlength=count)


def _find(keys: np.ndarray, context: np.ndarray, tokens: np.ndarray, vocabulary: int) -> np.ndarray:
    """The number of each (context, token), ABSENT where it was not seen. (T,)"""
    wanted = _keys(np.maximum(context, 0), tokens, vocabulary)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((context != ABSENT) & (keys[place] == wanted), place, ABSENT)


def _keys(context: np.ndarray, tokens: np.ndarray | int, vocabulary: int) -> np.ndarray:
    return context.astype(np.int64) * vocabulary + tokens


def _moved(found: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """What ends at each place is the context of the next one, but not across the start of a row. (T,)"""
    context = np.concatenate([found[:1], found[:-1]])
    context[starts] = ABSENT
    return context


def _starts(count: int, lengths: Sequence[int] | None) -> np.ndarray:
    ends = np.cumsum([count] if lengths is None else lengths)
    if ends[-1] != count:
        raise ValueError(f"rows of {ends[-1]} tokens in all do not cut {count} tokens")
    starts = np.concatenate([[0], ends[:-1]])
    return starts[starts < count]


def _checked(tokens: np.ndarray, vocabulary: int) -> np.ndarray:
    tokens = np.asarray(tokens, dtype=np.int32)
    if len(tokens) and not 0 <= tokens.min() <= tokens.max() < vocabulary:
        raise ValueError(f"tokens from {tokens.min()} to {tokens.max()} where 0 to {vocabulary - 1} are known")
    return tokens
