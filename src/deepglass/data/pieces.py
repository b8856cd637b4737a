"""Byte-level pieces (byte-pair encoding, Sennrich et al. 2016, arXiv:1508.07909): the file that adapts `tokenizers`.

Every byte is a piece, and pairs that come up most become one, so nothing is ever unknown. A piece is spelled as GPT-2
spells it, each byte as one visible letter ("Ġthe" is " the"): two tables of such strings are all that is stored.
"""

import itertools
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from deepglass.foundation.errors import MachineError

BYTES = 256
LONG_RUN = re.compile(r"\S{512}")
TOGETHER = 1000  # texts that are encoded at once, on all cores
Merges = tuple[tuple[str, str], ...]


def learn_pieces(texts: Iterable[str], size: int, least: int) -> tuple[tuple[str, ...], Merges]:
    """At most `size` pieces and, in their order, the pairs that they are made of; a pair came up `least` times."""
    library = _library()
    tokenizer = _bare(library, library.models.BPE())
    trainer = library.trainers.BpeTrainer(
        vocab_size=size, min_frequency=least, initial_alphabet=sorted(LETTERS), show_progress=False
    )
    tokenizer.train_from_iterator(itertools.chain.from_iterable(map(_runs, texts)), trainer)
    return _tables(tokenizer)


class Encoder:
    """Texts to the numbers of their pieces."""

    def __init__(self, pieces: Sequence[str], merges: Merges):
        library = _library()
        numbers = {piece: number for number, piece in enumerate(pieces)}
        try:
            model = library.models.BPE(vocab=numbers, merges=list(merges))
        except Exception as error:  # the library knows no other kind
            raise ValueError(f"pieces and merges do not fit: {error}") from None
        self._tokenizer = _bare(library, model)

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        """int32 (T,) for each text"""
        found: list[np.ndarray] = []
        for start in range(0, len(texts), TOGETHER):
            encoded = self._tokenizer.encode_batch_fast(list(texts[start : start + TOGETHER]))
            found += [np.array(one.ids, dtype=np.int32) for one in encoded]
        return found


def bytes_of(piece: str) -> bytes:
    """The bytes that a piece stands for; KeyError where it is spelled with other letters.

    >>> bytes_of("Ġthe")
    b' the'
    """
    return bytes(_BYTE[letter] for letter in piece)


def _runs(text: str) -> list[str]:
    """The text, cut where letters stand without a space for so long that pairs of them are found in quadratic time."""
    return LONG_RUN.sub("\\g<0>\0", text).split("\0") if LONG_RUN.search(text) else [text]


def _letters() -> str:
    """The letter for each byte: its own where it can be seen, else the next from U+0100 on."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    unseen = iter(range(0x100, 0x200))
    return "".join(chr(byte if byte in seen else next(unseen)) for byte in range(BYTES))


LETTERS = _letters()
_BYTE = {letter: byte for byte, letter in enumerate(LETTERS)}


def _tables(tokenizer: Any) -> tuple[tuple[str, ...], Merges]:
    numbers = tokenizer.get_vocab()
    pairs = json.loads(tokenizer.to_str())["model"]["merges"]
    return tuple(sorted(numbers, key=numbers.__getitem__)), tuple((left, right) for left, right in pairs)


def _bare(library: Any, model: Any) -> Any:
    tokenizer = library.Tokenizer(model)
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MachineError("data.no_tokenizers") from None
    return tokenizers
