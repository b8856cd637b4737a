"""Beam search against every sequence there is, against a search by hand, and row by row."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from deepglass.data.example import Ragged
from deepglass.foundation.padded import Padded
from deepglass.tasks.beam import Beam, Written, at_rows

BEGIN, END = 1, 2
VOCABULARY = 5


class Toy:
    """Logits are a fixed function of the source's sum, the number of tokens so far and the last two of them."""

    def __init__(self, seed: int = 0, sharp: float = 2.0):
        self.table = sharp * torch.randn(
            7, 9, VOCABULARY, VOCABULARY, VOCABULARY, generator=torch.Generator().manual_seed(seed)
        )
        self.calls = 0

    def encode(self, source: Padded):
        start = torch.zeros_like(source.lengths)
        return source, (source.values.sum(1) % 7, start, start)

    def step(self, token: Tensor, state):
        self.calls += 1
        source, (kind, count, before) = state
        logits = self.table[kind, count % 9, before, token]
        looked = torch.nn.functional.one_hot(token % source.values.shape[1], source.values.shape[1]).float()
        return logits, (source, (kind, count + 1, token)), looked


def sources(*rows):
    return Ragged(torch.tensor([v for row in rows for v in row]), torch.tensor(list(map(len, rows)))).padded()


def likelihood(model: Toy, source: Padded, row: int, tokens) -> float:
    """log P of a whole row with its end."""
    state = at_rows(model.encode(source), torch.tensor([row]))
    total, last = 0.0, BEGIN
    for token in (*tokens, END):
        logits, state, _ = model.step(torch.tensor([last]), state)
        total += float(logits.log_softmax(1)[0, token])
        last = token
    return total


def lp(length: int, norm: float) -> float:
    return ((5 + length) / 6) ** norm


def rows_of(found: Written) -> list[list[int]]:
    return [
        row[:length].tolist() for row, length in zip(found.tokens.values, found.tokens.lengths.tolist(), strict=True)
    ]


def by_hand(model: Toy, source: Padded, row: int, limit: int, width: int, norm: float):
    """The same search for one row, with lists: (score, tokens)."""
    live, best, finished = [(0.0, ())], (-math.inf, ()), 0
    for step in range(limit):
        ways = []
        for _, tokens in live:
            base = likelihood_so_far(model, source, row, tokens)
            ways += [(base[0] + value, (*tokens, token)) for token, value in enumerate(base[1]) if token != BEGIN]
        if step == limit - 1:
            ways = [way for way in ways if way[1][-1] == END]
        ways.sort(key=lambda way: -way[0])
        for value, tokens in ways[:width]:
            if tokens[-1] == END:
                finished += 1
                best = max(best, (value / lp(step + 1, norm), tokens[:-1]), key=lambda one: one[0])
        live = [way for way in ways if way[1][-1] != END][:width]
        if finished >= width or not live or live[0][0] / lp(limit, norm) <= best[0]:
            break
    return best


def likelihood_so_far(model: Toy, source: Padded, row: int, tokens):
    state = at_rows(model.encode(source), torch.tensor([row]))
    total, last, logits = 0.0, BEGIN, None
    for token in (*tokens, None):
        logits, state, _ = model.step(torch.tensor([last]), state)
        if token is not None:
            total += float(logits.log_softmax(1)[0, token])
            last = token
    return total, logits.log_softmax(1)[0].tolist()


@pytest.mark.parametrize("norm", [0.0, 0.6, 1.5])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all_rows(seed, norm):
    model, source, limit = Toy(seed), sources([3, 1], [4]), 4
    found = Beam(begin=BEGIN, end=END, width=200, norm=norm).search(model, source, torch.tensor([limit, limit]))
    for row in range(2):
        every = [
            (likelihood(model, source, row, tokens) / lp(length + 1, norm), list(tokens))
            for length in range(limit)
            for tokens in itertools.product([0, 3, 4], repeat=length)
        ]
        score, tokens = max(every)
        assert rows_of(found)[row] == tokens
        assert float(found.score[row]) == pytest.approx(score, abs=1e-5)


@given(st.integers(0, 500), st.integers(1, 4), st.floats(0, 2), st.lists(st.integers(1, 7), min_size=1, max_size=5))
def test_it_is_the_search_by_hand(seed, width, norm, limits):
    model, source = Toy(seed, 1.0), sources(*[[row, 2, row] for row in range(len(limits))])
    found = Beam(begin=BEGIN, end=END, width=width, norm=norm).search(model, source, torch.tensor(limits))
    for row, limit in enumerate(limits):
        score, tokens = by_hand(model, source, row, limit, width, norm)
        assert rows_of(found)[row] == list(tokens)
        assert float(found.score[row]) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("width", [1, 3])
def test_a_row_alone_is_what_it_is_in_a_batch(width):
    model, texts = Toy(3, 1.0), [[5], [1, 2, 3, 4], [6, 6], [2], [0, 3]]
    limits = torch.tensor([9, 3, 12, 6, 1])
    beam = Beam(begin=BEGIN, end=END, width=width, norm=0.6)
    together = beam.search(model, sources(*texts), limits)
    for row, text in enumerate(texts):
        alone = beam.search(model, sources(text), limits[row : row + 1])
        assert rows_of(alone)[0] == rows_of(together)[row]
        assert torch.equal(alone.score[0], together.score[row])


def test_a_beam_of_one_is_greedy():
    model, source = Toy(5), sources([1], [2], [3])
    found = Beam(begin=BEGIN, end=END, norm=1.0).search(model, source, torch.tensor([20, 20, 20]))
    for row in range(3):
        state, last, tokens = at_rows(model.encode(source), torch.tensor([row])), BEGIN, []
        while len(tokens) < 19:
            logits, state, _ = model.step(torch.tensor([last]), state)
            logits[0, BEGIN] = -torch.inf
            last = int(logits.argmax())
            if last == END:
                break
            tokens.append(last)
        assert rows_of(found)[row] == tokens


@pytest.mark.parametrize("width", [1, 4])
def test_every_token_says_where_it_looked(width):
    source, limits = sources([1, 1, 1], [2, 0], [6, 6, 6], [5]), torch.full((4,), 8)
    found = Beam(begin=BEGIN, end=END, width=width, norm=2.0).search(Toy(2, 1.0), source, limits)
    assert max(map(len, rows_of(found))) > 1
    for tokens, looked in zip(rows_of(found), found.attention, strict=True):
        # the toy looks at the place whose number is the token before
        assert looked[: len(tokens)].argmax(1).tolist() == [token % 3 for token in [BEGIN, *tokens][: len(tokens)]]
        assert not looked[len(tokens) :].any()
    assert found.attention.shape == (*found.tokens.values.shape, 3)


class Endless(Toy):
    """Would write 3 for ever."""

    def step(self, token: Tensor, state):
        logits, state, looked = super().step(token, state)
        logits = torch.full_like(logits, -50.0)
        logits[:, 3] = 0
        return logits, state, looked


@pytest.mark.parametrize("width", [1, 2])
def test_it_stops_at_the_limit(width):
    model = Endless()
    found = Beam(begin=BEGIN, end=END, width=width).search(model, sources([1], [2]), torch.tensor([3, 6]))
    assert rows_of(found) == [[3, 3], [3, 3, 3, 3, 3]]
    assert model.calls == 6 and found.attention.shape == (2, 5, 1)
    assert found.tokens.values[0].tolist() == [3, 3, 0, 0, 0]
    nothing = Beam(begin=BEGIN, end=END, width=width).search(model, sources([1]), torch.tensor([1]))
    assert rows_of(nothing) == [[]] and nothing.attention.shape == (1, 0, 1)


class Broken(Toy):
    """Gives what is not a number."""

    def step(self, token: Tensor, state):
        logits, state, looked = super().step(token, state)
        return logits * torch.nan, state, looked


def test_a_broken_network_ends_the_search():
    model = Broken()
    found = Beam(begin=BEGIN, end=END, width=2).search(model, sources([1], [2]), torch.tensor([50, 50]))
    assert model.calls == 1 and found.tokens.lengths.tolist() == [0, 0]


def test_rows_that_are_done_cost_nothing_any_more():
    sizes = []

    class Counting(Endless):
        def step(self, token: Tensor, state):
            sizes.append(len(token))
            return super().step(token, state)

    limits = torch.tensor([2, 2, 2, 12])
    Beam(begin=BEGIN, end=END).search(Counting(), sources([1], [2], [3], [4]), limits)
    assert sizes[0] == 4 and sizes[-1] == 1 and len(sizes) == 12


def test_states_are_reordered_to_the_bottom():
    state = (torch.arange(3), Padded(torch.arange(6).view(3, 2), torch.tensor([2, 1, 0])), ((torch.ones(3, 1),),))
    first, padded, ((ones,),) = at_rows(state, torch.tensor([2, 0]))
    assert first.tolist() == [2, 0] and isinstance(padded, Padded)
    assert padded.values.tolist() == [[4, 5], [0, 1]] and padded.lengths.tolist() == [0, 2] and ones.shape == (2, 1)
