"""Texts: a file's or a cell's bytes to str, strictly: UTF-8, or UTF-16 and UTF-32 that say so by their first bytes.

Whatever was written comes out one way: line ends are "\\n", letters with marks are composed (NFC), control characters
are left out. A text is read in pieces of a megabyte: a line of any length costs no more than what is kept of it.
"""

import codecs
import functools
import io
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from deepglass.data.readers import magic
from deepglass.data.source import Unreadable, unopened

SUFFIXES = frozenset((".txt", ".text", ".md"))
MOST_BYTES = 1 << 28  # of one example; a file that is cut into many may be of any size (`text_pieces`)
PIECE = 1 << 20
MARKED = (  # how a text says what it is; UTF-32 first, since its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
TOLD = {  # encodings that are not read, and letters that come up in nearly every line of theirs
    "GB18030": ("gb18030", "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可"),
    "Big5": ("big5", "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可"),
    "Shift_JIS": ("shift_jis", "のにをはがたてでとしれさいるもなかすあっこりくまらそだ"),
    "EUC-JP": ("euc_jp", "のにをはがたてでとしれさいるもなかすあっこりくまらそだ"),
    "EUC-KR": ("euc_kr", "이다는의을에가고를한은하도지로사기어서나"),
    "UTF-16": ("utf-16-le", "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可我他這們來為說會のにをは"),
    "Windows-1251": ("cp1251", "оеаинтсрвлкмдпу"),
}
USUAL = 0.1  # share of such letters from which an encoding is named
BINARY = 0.1  # share of control characters above which nobody wrote it as text
MOST_MARKS = 30  # on one letter, as in Unicode's stream-safe format; more are piled up to break programs
LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
CONTROLS = re.compile("[\0-\x08\x0e-\x1f\x7f-\x9f\ufeff]")
SURROGATES = re.compile("[\ud800-\udfff]")
LOOK = 1 << 15  # bytes on either side of a misfit by which an encoding is told
HIGH = re.compile(rb"[\x80-\xff]+")


class Text(NamedTuple):
    """A text, and notes for the doctor."""

    text: str
    notes: tuple[str, ...] = ()  # e.g. "controls": said as note_controls in data.toml
    cut: bool = False  # each line is a token: whoever wrote it says what its words are


class Bytes(NamedTuple):
    """A text's UTF-8, cut before the letter that would pass `longest` bytes."""

    longest: int

    def __call__(self, raw: Text) -> np.ndarray:
        """The bytes. uint8 (T,)"""
        whole = raw.text[: self.longest].encode()  # a letter has a byte at least
        return begun(np.frombuffer(whole, dtype=np.uint8), self.longest).copy()


class Line(NamedTuple):
    """A text that is one line of its file, as what is translated is. Cut as `Bytes` is."""

    longest: int

    def __call__(self, raw: Text) -> np.ndarray:
        """The bytes. uint8 (T,)"""
        return Bytes(self.longest)(raw)


class Given(NamedTuple):
    """A text of tokens, one on every line that ends with it; one that nobody has cut is a single line without an end.

    So its tokens are told when it is known which ones training knew. Cut as `Bytes` is.
    """

    longest: int

    def __call__(self, raw: Text) -> np.ndarray:
        """The bytes. uint8 (T,)"""
        text = raw.text if raw.cut else " ".join(raw.text.split())
        return Bytes(self.longest)(Text(text))


def begun(content: np.ndarray, longest: int) -> np.ndarray:
    """The first so many bytes of a text at most, none of a letter that is not whole. uint8 (T,)"""
    end = min(len(content), longest)
    while 0 < end < len(content) and content[end] & 0xC0 == 0x80:  # inside a letter
        end -= 1
    return content[:end]


def read_text(file: Path | str | bytes) -> Text:
    """The text of a file or of bytes; raises Unreadable with the reason. A `str` is a path."""
    pieces = list(text_pieces(file, MOST_BYTES))
    notes = dict.fromkeys(note for piece in pieces for note in piece.notes)
    return _unless_empty(Text("".join(piece.text for piece in pieces), tuple(notes)))


def clean(text: str) -> Text:
    """A cell that was decoded already, made the same as if it had been read from a file."""
    if not text.isascii() and (found := SURROGATES.search(text)):
        raise Unreadable("lone_surrogate", place=found.start())
    return _unless_empty(_clean(text.removeprefix("\ufeff")))


def text_pieces(file: Path | str | bytes, most: int = sys.maxsize) -> Iterator[Text]:
    """The text in pieces of about a megabyte that give the whole when joined; raises Unreadable where it is met.

    What needs its neighbour is never cut off from it: a letter and its marks, both halves of a line end.
    """
    try:
        with io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb") as stream:
            size = stream.seek(0, io.SEEK_END)
            if size > most:
                raise Unreadable("too_many_bytes", size=size >> 20, limit=most >> 20)
            yield from _cleaned(stream)
    except OSError as error:
        raise unopened(error) from None


def likely_encoding(content: bytes) -> str:
    """What bytes that are not all UTF-8 are likely to be, by the letters that come out; Windows-1252 where none do.

    >>> likely_encoding("你好，我们的中国".encode("gb18030")), likely_encoding("un café à Paris".encode("latin-1"))
    ('GB18030', 'Windows-1252')
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or content.count(b"\0") > len(content) // 10:
        return "UTF-16"
    letters = [letter for letter in content.decode(errors="replace") if letter > "\x7f"]
    if 2 * letters.count("\ufffd") <= len(letters):
        return "UTF-8"  # with damage here and there

    runs = HIGH.findall(content)
    if sum(map(len, runs)) < 1.5 * len(runs):
        return "UTF-16" if _usual(content, "UTF-16") > USUAL else "Windows-1252"  # an accent between letters of ASCII
    best = max(TOLD, key=lambda name: _usual(content, name))
    if _usual(content, best) > USUAL:
        return best
    return "Windows-1252" if any(len(run) % 2 for run in runs) else "GB18030"  # two bytes a letter, in a few words


def unmarked_utf16(content: bytes) -> bool:
    """Whether bytes that are all UTF-8 are UTF-16 without its mark: of English letters every other one is a zero.

    >>> unmarked_utf16("plain".encode("utf-16-le")), unmarked_utf16(b"a zero\\0 now and then"), unmarked_utf16(bytes(9))
    (True, False, False)
    """
    return len(content) > content.count(b"\0") > len(content) // 10


def _usual(content: bytes, name: str) -> float:
    """The share of letters that come up often in the language, above what chance gives in a small alphabet."""
    encoding, usual = TOLD[name]
    letters = [letter for letter in content.decode(encoding, errors="replace") if letter > "\x7f"]
    return sum(letter in usual for letter in letters) / max(1, len(letters)) - (0.5 if name == "Windows-1251" else 0)


def _cleaned(stream: IO[bytes]) -> Iterator[Text]:
    kept: list[str] = []  # what waits for a place where it may be cut
    try:
        for block in _decoded(stream):
            if cut := _safe_cut(block):
                yield _clean("".join([*kept, block[:cut]]))
                kept = []
            kept.append(block[cut:])
        if rest := "".join(kept):
            yield _clean(rest)
    except Unreadable as reason:
        raise _explained(stream, reason) from None


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    """Blocks of letters with one kind of line end; a byte that does not fit is told by its place in the file."""
    stream.seek(0)
    start = stream.read(4)
    mark, name = next((marked for marked in MARKED if start.startswith(marked[0])), (b"", "utf-8"))
    place = stream.seek(len(mark))
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(name)(), translate=True)
    while True:
        content = stream.read(PIECE)
        place += len(content)
        try:
            yield decoder.decode(content, final=not content)  # pyright: ignore
        except UnicodeDecodeError as error:
            where = place - len(error.object) + error.start
            raise _misfit(stream, where, name if mark else "") from None
        if not content:
            return


def _misfit(stream: IO[bytes], place: int, told: str) -> Unreadable:
    """Why a byte does not fit: the text is damaged, or it is written in another encoding."""
    stream.seek(max(0, place - LOOK))
    likely = told.upper() or likely_encoding(stream.read(2 * LOOK))
    return Unreadable("damaged_text" if told or likely == "UTF-8" else "text_encoding", place=place, encoding=likely)


def _explained(stream: IO[bytes], reason: Unreadable) -> Unreadable:
    """The reason, or what the first bytes say: that the file is no text at all, or UTF-16 without its mark."""
    stream.seek(0)
    start = stream.read(magic.ENOUGH)
    zeros = start.count(b"\0")
    if reason.reason == "is_binary" and len(start) > zeros > len(start) // 4:  # every other byte, where it is ASCII
        return Unreadable("text_encoding", place=start.find(b"\0"), encoding="UTF-16")
    name = magic.picture_format(start) or magic.foreign(start)[1]
    return Unreadable("is_no_text", format=name) if name not in ("", "SVG", "HTML") else reason


def _safe_cut(block: str) -> int:
    """The last place in the block's second half before which it may be cut: no mark, no later part of a letter."""
    for place in range(len(block) - 1, len(block) // 2, -1):
        letter = block[place]
        if letter < "\u0300" or "\u3001" <= letter <= "\u3098" or "\u3400" <= letter <= "\u9fff":
            return place
    return 0


def _clean(text: str) -> Text:
    notes: list[str] = []
    text = LINE_ENDS.sub("\n", text)
    plain, found = CONTROLS.subn("", text)
    if found > 1 and found > BINARY * len(text):
        raise Unreadable("is_binary")
    notes += ["controls"] if found else []
    if not plain.isascii():
        plain, found = _piled().subn(r"\1", plain)
        notes += ["piled_marks"] if found else []
        plain = unicodedata.normalize("NFC", plain)
    return Text(plain, tuple(notes))


@functools.cache
def _piled() -> re.Pattern[str]:
    """More marks on one letter than MOST_MARKS; without end, unicodedata would sort them in quadratic time."""
    marks = "".join(letter for letter in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(letter))
    return re.compile(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+")


def _unless_empty(text: Text) -> Text:
    if not text.text or text.text.isspace():
        raise Unreadable("empty_text")
    return text
