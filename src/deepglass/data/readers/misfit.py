"""Where a file that should be UTF-8 is not: its first byte that does not fit, and how many lines have such.

A table may be GB18030 as well, as spreadsheets in Chinese write it: where every byte of it is, and it reads like that.
"""

import codecs
from pathlib import Path

from deepglass.data.readers.text import likely_encoding, unmarked_utf16
from deepglass.foundation.errors import DataError

LONGEST_LOOK = 1 << 16  # bytes of such lines by which an encoding is told
BLOCK = 1 << 20
UTF8, GB18030 = "utf-8-sig", "gb18030"
COMMON = frozenset((0xA1, 0xA3, *range(0xB0, 0xD8)))  # first bytes of marks and of GB 2312's more frequent characters
COUNTED = 100_000  # letters of which most must be such


def encoding_of(file: Path) -> str:
    """GB18030 for a file that is strictly that, reads like Chinese and is not UTF-8; UTF-8 for all others."""
    try:
        if _decoded(file, UTF8) is not None:
            return UTF8
        reason = not_utf8(file)
        likely = reason.code == "data.bytes_not_utf8" and reason.values["encoding"] == "GB18030"
        letters = _decoded(file, GB18030) if likely else None
    except OSError:
        return UTF8  # reading the lines will name what is wrong
    common = sum(letter.encode(GB18030)[0] in COMMON for letter in letters or "")
    return GB18030 if letters and 2 * common > len(letters) else UTF8


def _decoded(file: Path, encoding: str) -> str | None:
    """The first letters of a file that are not ASCII; None where not every byte of it fits."""
    decoder, letters = codecs.getincrementaldecoder(encoding)(), ""
    with file.open("rb") as stream:
        try:
            while block := stream.read(BLOCK):
                text = decoder.decode(block)
                if len(letters) < COUNTED and not text.isascii():
                    letters += "".join(letter for letter in text if letter > "\x7f")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return None
    return letters[:COUNTED]


def not_utf8(file: Path) -> DataError:
    """The error of a file that cannot be decoded; a few lines are told apart from a whole file in another encoding."""
    with file.open("rb") as stream:
        start = stream.read(LONGEST_LOOK)
        stream.seek(0)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or unmarked_utf16(start):
            return DataError("data.not_utf8", place=file, encoding="UTF-16")
        strange, count, lines, fitting = bytearray(), 0, 0, 0
        first: tuple[int, int, int] = (0, 0, 0)  # line, byte of it, value
        for lines, content in enumerate(stream, start=1):
            try:
                content.decode()
                fitting += not content.removeprefix(codecs.BOM_UTF8).isascii()
            except UnicodeDecodeError as error:
                first = first if count else (lines, error.start + 1, content[error.start])
                count += 1
                strange += content if len(strange) < LONGEST_LOOK else b""
    where = {"line": first[0], "byte": first[1], "value": f"0x{first[2]:02x}", "count": count, "lines": lines}
    kind = "lines_not_utf8" if fitting > count else "bytes_not_utf8"  # a few letters of others fit by chance
    return DataError(f"data.{kind}", place=file, encoding=likely_encoding(bytes(strange)), **where)
