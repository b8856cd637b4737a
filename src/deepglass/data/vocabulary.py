"""What numbers stand for what in a text: characters, words, or pieces of words; learned by counting, plain data.

Number 0 is the unknown, and what rows are padded with; then come the marks that a task asks for, then the tokens, the
most frequent first.
"""

import codecs
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from deepglass.data.pieces import BYTES, Encoder, Merges, bytes_of, learn_pieces
from deepglass.foundation.errors import DataError, UsageError

Level = Literal["characters", "words", "pieces", "given"]  # given: each line of a text is a token
Mark = Literal["begin", "end", "blank"]
Written = str | bytes | np.ndarray  # a text, or its UTF-8 (an array of uint8)
UNKNOWN = "\ufffd"  # how the unknown is written
POINTS = 0x110000  # Unicode's code points
CHUNK = 1 << 22  # letters that are counted together
# Thai, Lao, Burmese, Khmer, kana, Han: written without spaces, so each letter stands for itself
SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
SPACELESS += "\U00020000-\U000323af"
CLOSING, OPENING = frozenset(",.;:!?)]}%»”’…"), frozenset("([{«“‘¿¡$£€#")  # no space before, none behind
NO_SPACE = re.compile(f"[{SPACELESS}\u3000-\u303f\uff00-\uffef]")


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularySettings:
    """How a text falls apart, and how many tokens are told apart."""

    level: Level = "words"
    size: Annotated[int, Ge(2), Le(POINTS)] = 20_000  # numbers at most, those of the unknown and of marks among them
    least: Annotated[int, Ge(1)] = 2  # how often a token must come up
    lower: bool = False  # capitals are read as small letters
    lines: bool = False  # words: the end of a line is a token


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The tokens by their numbers; `merges` is how pieces are made."""

    level: Level
    tokens: tuple[str, ...]
    marks: tuple[Mark, ...] = ()
    lower: bool = False
    lines: bool = False
    merges: Merges = ()

    def __post_init__(self) -> None:
        if len(set(self.tokens)) < len(self.tokens) or "" in self.tokens:
            raise ValueError("tokens that are empty or come twice")
        if self.level == "characters" and any(len(token) != 1 for token in self.tokens):
            raise ValueError("tokens of several characters at level characters")

    def __len__(self) -> int:
        return self._first + len(self.tokens)

    def cut(self, text: str) -> list[str]:
        """The words of a sentence that nobody has cut into tokens, as far as can be told like those that are known.

        Between spaces, the longest beginning that is known stands whole where nothing but punctuation follows it.
        """
        return [word for piece in text.split() for word in self._pieces_of(piece)] or [text]

    def mark(self, name: Mark) -> int:
        """The number of a mark."""
        return 1 + self.marks.index(name)

    def encode(self, text: Written) -> np.ndarray:
        """The numbers of a text's tokens. int32 (T,)"""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[Written]) -> list[np.ndarray]:
        """The same for many texts at once. int32 (T,) each"""
        encode = {
            **{"characters": self._characters, "words": self._words},
            **{"pieces": self._pieces, "given": self._words},
        }[self.level]
        return encode([self._plain(text) for text in texts])

    def decode(self, numbers: Iterable[int]) -> str:
        """The text; of characters and pieces exactly what was encoded. Marks are not written."""
        writer = Writer(self)
        return "".join([*map(writer.write, numbers), writer.end()])

    def unknown(self, text: Written, numbers: np.ndarray) -> int:
        """How many letters of a text stand in the unknown tokens among its numbers."""
        if self.level not in ("words", "given") or numbers.all():
            return int((numbers == 0).sum())
        found = self._split(self._plain(text))
        return sum(len(word) for word, number in zip(found, numbers.tolist(), strict=False) if number == 0)

    def tokens_of(self, text: Written) -> list[str]:
        """What a text is cut into at the levels at which a token can be unknown; nothing of pieces, which know all."""
        plain = self._plain(text)
        return [] if self.level == "pieces" else list(plain) if self.level == "characters" else self._split(plain)

    def shown(self, number: int) -> str:
        """One token, or the name of a mark, as a person may read it."""
        if number < self._first:
            return UNKNOWN if number == 0 else f"[{self.marks[number - 1]}]"
        token = self.tokens[number - self._first]
        return bytes_of(token).decode(errors="replace") if self.level == "pieces" else token

    def __contains__(self, token: str) -> bool:
        """Whether it is known."""
        return self._plain(token) in self._number

    @property
    def _split(self) -> Callable[[str], list[str]]:
        """What cuts a text into words, at the levels that have words."""
        return given if self.level == "given" else _splitter(self.lines)

    @property
    def _first(self) -> int:
        """The number of the first token."""
        return 1 + len(self.marks)

    def _plain(self, text: Written) -> str:
        text = text if isinstance(text, str) else bytes(text).decode()
        return text.lower() if self.lower else text

    def _pieces_of(self, piece: str) -> list[str]:
        if piece in self:
            return [piece]
        if len(piece) > 1 and not piece[0].isalnum():
            return [piece[0], *self._pieces_of(piece[1:])]
        for end in range(len(piece) - 1, 0, -1):
            if piece[end].isalnum():
                break
            if piece[:end] in self:
                return [piece[:end], *piece[end:]]
        return words(piece) or [piece]

    def _characters(self, texts: Sequence[str]) -> list[np.ndarray]:
        table = self._by_point
        return [table[np.minimum(_points(text), len(table) - 1)] for text in texts]

    def _words(self, texts: Sequence[str]) -> list[np.ndarray]:
        split, number = self._split, self._number.get
        return [np.array([number(word, 0) for word in split(text)], dtype=np.int32) for text in texts]

    def _pieces(self, texts: Sequence[str]) -> list[np.ndarray]:
        return [numbers + np.int32(self._first) for numbers in self._encoder(texts)]

    @cached_property
    def _by_point(self) -> np.ndarray:
        """The number of each code point up to the largest known one; a last 0 for all beyond."""
        points = np.array([ord(token) for token in self.tokens], dtype=np.int64)
        table = np.zeros(points.max(initial=0) + 2, dtype=np.int32)
        table[points] = np.arange(self._first, len(self))
        return table

    @cached_property
    def _number(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens, start=self._first)}

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.tokens, self.merges)


class Writer:
    """Writes tokens one by one, as they are made; what a token adds may have to wait for the next."""

    def __init__(self, vocabulary: Vocabulary):
        self._vocabulary = vocabulary
        self._letters = codecs.getincrementaldecoder("utf-8")(errors="replace")  # a letter may lie in several pieces
        self._before = ""

    def write(self, number: int) -> str:
        """What this token adds to the text."""
        place = number - 1 - len(self._vocabulary.marks)
        if place < 0 < number:
            return ""
        level = self._vocabulary.level
        token = self._vocabulary.tokens[place] if number else UNKNOWN
        if level == "pieces":
            return self._letters.decode(bytes_of(token) if number else UNKNOWN.encode())
        apart = level == "given" and self._before or level == "words" and _apart(self._before, token)
        space = " " if apart else ""
        self._before = token
        return space + token

    def end(self) -> str:
        """What was still waiting."""
        return self._letters.decode(b"", final=True)


def learn_vocabulary(
    texts: Iterable[Written], settings: VocabularySettings, marks: tuple[Mark, ...] = ()
) -> Vocabulary:
    """The tokens that come up most, at least `settings.least` times; equally frequent ones in the order of Unicode."""
    bare = Vocabulary(level=settings.level, tokens=(), marks=marks, lower=settings.lower, lines=settings.lines)
    room = settings.size - len(bare)
    plain = map(bare._plain, texts)
    merges: Merges = ()
    if settings.level == "pieces":
        if room < BYTES:
            raise UsageError("data.few_pieces", size=settings.size, least=BYTES + len(bare))
        tokens, merges = learn_pieces(plain, room, settings.least)
    else:
        counts = _count_characters(plain) if settings.level == "characters" else _count_words(plain, bare._split)
        usual = [token for token, count in counts.items() if count >= settings.least]
        tokens = tuple(sorted(usual, key=lambda token: (-counts[token], token))[:room])
    if not tokens:
        raise DataError("data.no_tokens", level=settings.level, least=settings.least)
    return Vocabulary(
        level=settings.level, tokens=tokens, marks=marks, lower=settings.lower, lines=settings.lines, merges=merges
    )


def words(text: str, lines: bool = False) -> list[str]:
    """The words of a text: letters with their marks, numbers, each letter of a script without spaces, punctuation.

    >>> words("Don't pay 3.50, 我的朋友!")
    ["Don't", 'pay', '3.50', ',', '我', '的', '朋', '友', '!']
    """
    return _splitter(lines)(text)


def given(text: str) -> list[str]:
    """The tokens of a text that has one on every line.

    >>> given("New York\\nsleeps\\n")
    ['New York', 'sleeps']
    """
    return [token for token in text.split("\n") if token]


@functools.cache
def _splitter(lines: bool) -> Callable[[str], list[str]]:
    marks = "".join(letter for letter in map(chr, range(0x300, 0x1F000)) if unicodedata.category(letter)[0] == "M")
    word = rf"[^\W\d_{SPACELESS}]+(?:[{marks}]+[^\W\d_{SPACELESS}]*)*"
    kinds = [rf"{word}(?:['’]{word})*", rf"[{SPACELESS}][{marks}]*", r"\d+(?:[.,]\d+)*", rf"[^\w\s][{marks}]*|_"]
    return re.compile("|".join([*kinds, "\n"] if lines else kinds)).findall


def _points(text: str) -> np.ndarray:
    """Its code points. uint32 (T,)"""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")


def _count_characters(texts: Iterable[str]) -> dict[str, int]:
    counts = np.zeros(POINTS, dtype=np.int64)
    waiting: list[str] = []
    room = CHUNK
    for text in texts:
        waiting.append(text)
        room -= len(text)
        if room < 0:
            counts += np.bincount(_points("".join(waiting)), minlength=POINTS)
            waiting, room = [], CHUNK
    counts += np.bincount(_points("".join(waiting)), minlength=POINTS)
    return {chr(point): int(counts[point]) for point in np.flatnonzero(counts)}


def _count_words(texts: Iterable[str], split: Callable[[str], list[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(split(text))
    return counts


def _apart(before: str, token: str) -> bool:
    """Whether a space stands between two words."""
    if not before or before in OPENING or token in CLOSING or "\n" in (before, token):
        return False
    return not (NO_SPACE.match(before[-1]) or NO_SPACE.match(token))
