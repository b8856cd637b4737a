"""Decoding against every path written out; rows on their own; when letters were said."""

import itertools
import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.tasks.ctc import Listening, beam_search, greedy, when


def some_probabilities(steps: int, symbols: int, seed: int = 0, sharp: float = 1.0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, sharp, (steps, symbols))
    return values - np.log(np.exp(values).sum(1, keepdims=True))


def read(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def every_text(here: np.ndarray) -> dict[tuple[int, ...], float]:
    """p of every text, by its paths."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(here.shape[1]), repeat=len(here)):
        text = read(path)
        found[text] = found.get(text, 0.0) + math.exp(sum(here[step, symbol] for step, symbol in enumerate(path)))
    return found


class Pairs:
    """A language of two symbols back: ln p of each symbol after the one before."""

    def __init__(self, symbols: int, seed: int = 1):
        self.table = some_probabilities(symbols, symbols, seed, 2.0)
        self.asked: list[tuple[int, ...]] = []

    def log_probs(self, context):
        self.asked.append(tuple(context))
        return self.table[context[-1]]

    def text(self, text: tuple[int, ...]) -> float:
        whole = (0, *text, 0)
        return sum(self.table[before, after] for before, after in itertools.pairwise(whole))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 200))
def test_a_wide_beam_finds_the_most_probable_text(steps: int, symbols: int, seed: int):
    here = some_probabilities(steps, symbols, seed)
    texts = every_text(here)
    found = tuple(beam_search([here], 400)[0].tolist())
    assert texts[found] == pytest.approx(max(texts.values()))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(2, 4), st.integers(0, 200), st.floats(0.1, 2), st.floats(-1, 1))
def test_a_wide_beam_with_a_language_finds_the_best_score(steps, symbols, seed, weight, bonus):
    here, language = some_probabilities(steps, symbols, seed), Pairs(symbols)
    scores = {
        text: math.log(p) + weight * language.text(text) + bonus * len(text) for text, p in every_text(here).items()
    }
    found = tuple(beam_search([here], 400, Listening(language, 1, weight, bonus))[0].tolist())
    assert scores[found] == pytest.approx(max(scores.values()))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(1, 6), st.integers(0, 500))
def test_what_is_lost_to_a_narrow_beam_is_never_counted_twice(steps: int, beam: int, seed: int):
    """The text is one that exists, and a wider beam finds none less probable."""
    here = some_probabilities(steps, 3, seed)
    texts = every_text(here)
    narrow, wide = (tuple(beam_search([here], width)[0].tolist()) for width in (beam, 600))
    assert texts[narrow] <= texts[wide] + 1e-12 and texts[wide] == pytest.approx(max(texts.values()))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=6), st.integers(1, 9), st.booleans())
def test_a_row_alone_is_read_as_in_a_batch(lengths, beam, listens):
    rows = [some_probabilities(steps, 60, seed, 3.0) for seed, steps in enumerate(lengths)]
    listening = Listening(Pairs(60), 1, 0.5, 0.2) if listens else None
    together = beam_search(rows, beam, listening)
    for row, text in zip(rows, together, strict=True):
        assert np.array_equal(beam_search([row], beam, listening)[0], text)


def test_greedy_merges_repeats_and_drops_blanks():
    path = [0, 2, 2, 0, 2, 1, 1, 0]
    here = np.log(np.full((8, 3), 0.1) + 0.7 * np.eye(3)[path])
    assert greedy([here, here[:3], here[:1]])[0].tolist() == [2, 2, 1]
    assert [text.tolist() for text in greedy([here[:3], here[:1]])] == [[2], []]
    assert beam_search([here], 8)[0].tolist() == [2, 2, 1]
    assert beam_search([], 8) == [] and greedy([]) == []


def test_a_language_decides_between_what_sounds_alike():
    here = np.log(np.array([[0.02, 0.49, 0.49], [0.9, 0.05, 0.05], [0.02, 0.49, 0.49]]))
    table = np.log(np.array([[0.1, 0.1, 0.8], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]))
    language = Pairs(3)
    language.table = table
    assert beam_search([here], 8, Listening(language, 1, 1.0))[0].tolist() == [2, 1]
    assert len(language.asked) == len(set(language.asked))  # what was asked once is kept


def test_a_bonus_brings_longer_texts():
    here = np.log(np.array([[0.6, 0.4]] * 6))
    lengths = [len(beam_search([here], 16, Listening(Pairs(2), 1, 0.0, bonus))[0]) for bonus in (-20.0, 0.0, 2.0)]
    assert lengths[0] == 0 and lengths[2] == 3 and lengths[0] <= lengths[1] <= lengths[2]


def test_a_hundred_utterances_of_five_seconds_are_read_in_seconds():
    rows = [some_probabilities(125, 30, seed, 2.5) for seed in range(100)]
    start = time.perf_counter()
    beam_search(rows, 16, Listening(Pairs(30), 1, 0.5))
    assert time.perf_counter() - start < 30  # about 2 s where nothing else runs


class TestWhen:
    def test_letters_are_said_where_the_best_path_says_them(self):
        path = [0, 1, 1, 0, 0, 2, 3, 3, 0, 3]
        here = np.log(np.full((10, 4), 0.05) + 0.8 * np.eye(4)[path])
        spoken = when([here], [np.array([1, 2, 3, 3])])[0]
        assert spoken.start.tolist() == [1, 5, 6, 9] and spoken.end.tolist() == [3, 6, 8, 10]
        np.testing.assert_allclose(np.exp(spoken.sure), 0.85)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 6), st.lists(st.integers(1, 2), max_size=3), st.integers(0, 99))
    def test_it_is_the_most_probable_path_of_all(self, steps, text, seed):
        here = some_probabilities(steps, 3, seed)
        paths = [path for path in itertools.product(range(3), repeat=steps) if read(path) == tuple(text)]
        spoken = when([here], [np.array(text, dtype=int)])[0]
        assert len(spoken.start) == len(text) and (spoken.start <= spoken.end).all()
        if not paths:
            assert (spoken.sure == -np.inf).all() and (not text or spoken.end[-1] == steps)
            return
        said = np.zeros(steps, dtype=int)
        for letter, start, end in zip(text, spoken.start, spoken.end, strict=True):
            assert (said[start:end] == 0).all()
            said[start:end] = letter

        def weight(path):
            return sum(here[step, symbol] for step, symbol in enumerate(path))

        assert read(tuple(said.tolist())) == tuple(text)
        assert weight(said) == pytest.approx(max(map(weight, paths)))

    def test_ten_minutes_take_little_memory(self):
        """15,000 steps and 2,000 letters: 60 MB of moves, where all that is emitted would take a gigabyte."""
        text = np.arange(2000) % 4 + 1
        here = np.log(
            np.full((15_000, 5), 0.05) + 0.75 * np.eye(5)[np.repeat(text, 7)[np.minimum(range(15_000), 13_999)]]
        )
        tracemalloc.start()
        (spoken,) = when([here], [text])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert spoken.start.tolist() == list(range(0, 14_000, 7)) and peak < 100e6

    def test_rows_are_answered_one_by_one(self):
        assert when([], []) == []
        both = when([some_probabilities(3, 3), some_probabilities(9, 3)], [np.array([1]), np.array([], dtype=int)])
        assert len(both[0].start) == 1 and len(both[1].start) == 0
