"""Transcripts out of a CTC network's probabilities: the best path, a beam of prefixes, and when each letter was said.

Symbol 0 is the blank, and for a language model the edge of a text: what stands before its first letter and behind its
last. Letters: B rows, T steps, V symbols, K beams, S symbols looked at, L letters of a text.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

SYMBOLS = 40  # the most probable symbols of a step that a beam looks at; all of an alphabet of so many letters
NEVER = -np.inf
HASH = np.array([6364136223846793005, 1442695040888963407], dtype=np.uint64)
GONE = np.uint64(1 << 63)  # the hash of a beam that is impossible: no prefix's, so that it is never taken for one


class Language(Protocol):
    """What is likely to be written next."""

    def log_probs(self, context: Sequence[int]) -> np.ndarray:
        """ln p of every symbol after these. (V,)"""
        ...


class Listening(NamedTuple):
    """How a beam listens to a language: score = ln p(text | sound) + weight · ln p(text) + bonus · letters."""

    language: Language
    reach: int  # symbols back that the language looks
    weight: float
    bonus: float = 0.0  # what a language takes from long texts


class Spoken(NamedTuple):
    """When each letter of a text was said: from its first step to the one behind its last, and how sure it is."""

    start: np.ndarray  # int64 (L,)
    end: np.ndarray  # int64 (L,)
    sure: np.ndarray  # float64 (L,): ln p at the step where it is the most probable


class Beams(NamedTuple):
    """The K best prefixes of N rows: ln p of ending in a blank and in their last letter; (N, K) each."""

    blank: np.ndarray
    letter: np.ndarray
    last: np.ndarray  # int64, 0 of the empty prefix
    hashed: np.ndarray  # uint64, equal where prefixes are
    written: np.ndarray  # what the language says of them, weighted, and the bonus
    context: np.ndarray  # int64, a row of `Contexts`

    def take(self, chosen: np.ndarray) -> "Beams":
        """Other beams of each row, (N, K) of beam numbers."""
        return Beams(*(np.take_along_axis(column, chosen, 1) for column in self))


def greedy(probabilities: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The best path of each row, repeats merged, blanks dropped. ln p (T, V) each -> int64 (L,) each

    >>> greedy([np.log([[0.1, 0.9], [0.1, 0.9], [0.9, 0.1], [0.4, 0.6]])])[0].tolist()
    [1, 1]
    """
    paths = [row.argmax(1) for row in probabilities]
    return [path[(path != 0) & np.diff(path, prepend=-1).astype(bool)] for path in paths]


def beam_search(probabilities: Sequence[np.ndarray], beam: int, listening: Listening | None = None) -> list[np.ndarray]:
    """The most probable text of each row, summed over its paths, among those that a beam keeps (Hannun et al. 2014,
    arXiv:1408.2873), with a language model where there is one. ln p (T, V) each -> int64 (L,) each

    Rows run side by side and do not touch each other, so a row alone gives what it gives in a batch.
    """
    if not probabilities:
        return []
    order = sorted(range(len(probabilities)), key=lambda row: -len(probabilities[row]))  # those still heard stay first
    rows = [probabilities[row] for row in order]
    contexts = Contexts(listening, rows[0].shape[1])
    beams, done = _start(len(rows), beam), [np.zeros(0)] * len(rows)
    trail: list[tuple[np.ndarray, np.ndarray]] = []  # at each step: the beam that each beam comes from, and its letter
    for step in range(len(rows[0])):
        while len(rows[len(beams.last) - 1]) <= step:
            done, beams = _finished(done, beams, trail, contexts), Beams(*(column[:-1] for column in beams))
        here = np.stack([row[step] for row in rows[: len(beams.last)]]).astype(np.float64)
        beams, source, letter = _step(beams, here, contexts)
        trail.append((source, letter))
    while len(beams.last):
        done, beams = _finished(done, beams, trail, contexts), Beams(*(column[:-1] for column in beams))
    return [done[order.index(row)].astype(np.int64) for row in range(len(rows))]


class Contexts:
    """What the language says after each context that came up, row by row of one table; all zero without a language."""

    def __init__(self, listening: Listening | None, symbols: int):
        self.listening = listening
        self.known: dict[tuple[int, ...], int] = {}
        self.seen: list[tuple[int, ...]] = []
        self.table = np.zeros((1 if listening is None else 256, symbols))
        if listening is not None:
            self.number((0,)[: listening.reach])

    def number(self, context: tuple[int, ...]) -> int:
        """The row of a context, asked of the language when it first comes up."""
        if self.listening is None:
            return 0
        found = self.known.get(context)
        if found is None:
            found = self.known[context] = len(self.seen)
            self.seen.append(context)
            if found == len(self.table):
                self.table = np.concatenate([self.table, np.zeros_like(self.table)])
            self.table[found] = self.listening.weight * self.listening.language.log_probs(context)
        return found

    def moved(self, before: np.ndarray, letters: np.ndarray) -> np.ndarray:
        """The rows of contexts one letter on. int64 (M,), int64 (M,) -> int64 (M,)"""
        if self.listening is None:
            return before
        reach, seen = self.listening.reach, self.seen
        pairs = zip(before.tolist(), letters.tolist(), strict=True)
        return np.array(
            [self.number((*seen[row], letter)[-reach:] if reach else ()) for row, letter in pairs], np.int64
        )

    @property
    def bonus(self) -> float:
        """For each letter."""
        return self.listening.bonus if self.listening else 0.0


def when(probabilities: Sequence[np.ndarray], texts: Sequence[np.ndarray]) -> list[Spoken]:
    """When the letters of each text were said, by its most probable path (Viterbi over blanks and letters).

    ln p (T, V) each, int (L,) each. A text that has no path in so few steps is spread evenly over them.
    """
    return [_when(row, np.asarray(text, dtype=np.int64)) for row, text in zip(probabilities, texts, strict=True)]


def _start(rows: int, beam: int) -> Beams:
    """One empty prefix a row; the other beams are impossible."""
    zeros = np.zeros((rows, beam))
    blank, hashed = zeros + NEVER, np.full((rows, beam), GONE)
    blank[:, 0], hashed[:, 0] = 0, 0
    return Beams(blank, zeros + NEVER, zeros.astype(np.int64), hashed, zeros, zeros.astype(np.int64))


def _step(beams: Beams, here: np.ndarray, contexts: Contexts) -> tuple[Beams, np.ndarray, np.ndarray]:
    """One step on: every prefix stays or grows by a letter; the best are kept. here: ln p (N, V)"""
    count, beam = beams.last.shape
    looked = _likely(here)  # (N, S)
    total = np.logaddexp(beams.blank, beams.letter)
    stay, grown = _weighed(beams, here, looked, total)
    gain = contexts.table[beams.context[:, :, None], looked[:, None, :]] + contexts.bonus
    scores = np.concatenate(
        [
            np.logaddexp(stay.blank, stay.letter) + beams.written,
            (grown + gain + beams.written[:, :, None]).reshape(count, -1),
        ],
        axis=1,
    )
    best = np.argpartition(-scores, beam - 1, axis=1)[:, :beam]
    source = np.where(best < beam, best, (best - beam) // looked.shape[1])
    place = (best - beam) % looked.shape[1]
    letter = np.where(best < beam, 0, np.take_along_axis(looked, place, 1))  # 0: it stayed as it was
    found = _grown(stay.take(source), grown, gain, source, place, letter, contexts)
    found.hashed[np.take_along_axis(scores, best, 1) == NEVER] = GONE
    return found, source, letter


def _likely(here: np.ndarray) -> np.ndarray:
    """The symbols that are looked at, the blank apart. (N, V) -> int64 (N, S)"""
    letters = here.shape[1] - 1
    if letters <= SYMBOLS:
        return np.broadcast_to(np.arange(1, letters + 1), (len(here), letters))
    return np.argpartition(-here[:, 1:], SYMBOLS, axis=1)[:, :SYMBOLS] + 1


def _weighed(beams: Beams, here: np.ndarray, looked: np.ndarray, total: np.ndarray) -> tuple[Beams, np.ndarray]:
    """ln p of every prefix as it is, and grown by every letter (N, K, S); what is the same prefix is counted once."""
    last_here = np.take_along_axis(here, beams.last, 1)
    stay_blank = total + here[:, :1]
    stay_letter = np.where(beams.last > 0, beams.letter + last_here, NEVER)
    own = looked[:, None, :] == beams.last[:, :, None]  # a letter again is another letter only after a blank
    before = np.where(own, beams.blank[:, :, None], total[:, :, None])
    grown = before + np.take_along_axis(here, looked, 1)[:, None, :]  # (N, K, S)
    rows, shorter, longer = np.nonzero(
        _hash(beams.hashed[:, :, None], beams.last[:, None, :]) == beams.hashed[:, None, :]
    )
    letter = beams.last[rows, longer]
    start = np.where(beams.last[rows, shorter] == letter, beams.blank[rows, shorter], total[rows, shorter])
    stay_letter[rows, longer] = np.logaddexp(stay_letter[rows, longer], start + here[rows, letter])
    places = np.full(here.shape, -1)
    np.put_along_axis(places, looked, np.arange(looked.shape[1])[None], axis=1)
    place = places[rows, letter]
    grown[rows[place >= 0], shorter[place >= 0], place[place >= 0]] = NEVER
    return beams._replace(blank=stay_blank, letter=stay_letter), grown


def _grown(
    kept: Beams,
    grown: np.ndarray,
    gain: np.ndarray,
    source: np.ndarray,
    place: np.ndarray,
    letter: np.ndarray,
    contexts: Contexts,
) -> Beams:
    """The chosen prefixes, those with a letter more in what they have become."""
    rows, which = np.nonzero(letter)
    chosen = rows, source[rows, which], place[rows, which]
    new = letter[rows, which]
    blank, ended, last, hashed, written, context = (column.copy() for column in kept)
    blank[rows, which] = NEVER
    ended[rows, which] = grown[chosen]
    hashed[rows, which] = _hash(kept.hashed[rows, which], new)
    last[rows, which] = new
    written[rows, which] += gain[chosen]
    context[rows, which] = contexts.moved(kept.context[rows, which], new)
    return Beams(blank, ended, last, hashed, written, context)


def _finished(
    done: list[np.ndarray], beams: Beams, trail: list[tuple[np.ndarray, np.ndarray]], contexts: Contexts
) -> list[np.ndarray]:
    """With the best text of the last row that is still open, followed back to its start."""
    row = len(beams.last) - 1
    score = np.logaddexp(beams.blank[row], beams.letter[row]) + beams.written[row]
    at = int(np.argmax(score + contexts.table[beams.context[row], 0]))  # the language's 0: that the text ends here
    text: list[int] = []
    for source, letter in reversed(trail):
        text += [int(letter[row, at])] if letter[row, at] else []
        at = int(source[row, at])
    return [*done[:row], np.array(text[::-1], dtype=np.int64), *done[row + 1 :]]


def _hash(hashed: np.ndarray, letters: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return hashed * HASH[0] + (letters.astype(np.uint64) + np.uint64(1)) * HASH[1]


def _when(here: np.ndarray, text: np.ndarray) -> Spoken:
    """Viterbi over the states blank, y_1, blank, y_2 ... blank."""
    steps, letters = len(here), len(text)
    states = np.zeros(2 * letters + 1, dtype=np.int64)
    states[1::2] = text
    leaps = np.zeros(len(states), dtype=bool)  # over a blank, from one letter to another one
    leaps[3::2] = text[1:] != text[:-1]
    best = np.full(len(states), NEVER)
    best[:2] = here[0, states[:2]]
    moves = np.zeros((steps, len(states)), dtype=np.int8)  # of ten minutes a hundred million: a byte each
    for step in range(1, steps):
        ways = np.full((3, len(states)), NEVER)
        ways[0] = best
        ways[1, 1:] = best[:-1]
        ways[2, 2:] = np.where(leaps[2:], best[:-2], NEVER)
        moves[step] = ways.argmax(0)
        best = ways.max(0) + here[step, states]
    state = len(states) - 1 - int(letters and best[-2] >= best[-1])
    if best[state] == NEVER:
        ends = np.linspace(0, steps, letters + 1).astype(np.int64)
        return Spoken(ends[:-1], ends[1:], np.full(letters, NEVER))
    path = np.empty(steps, dtype=np.int64)
    for step in range(steps - 1, -1, -1):
        path[step] = state
        state -= int(moves[step, state])
    own = np.arange(1, 2 * letters, 2)  # the path goes through each of them, and never back
    sure = np.full(len(states), NEVER)
    np.maximum.at(sure, path, here[np.arange(steps), states[path]])
    return Spoken(path.searchsorted(own), path.searchsorted(own, "right"), sure[own])
