"""Where a file that should be UTF-8 is not: its first byte that does not fit, and how many lines have such."""

import codecs
from pathlib import Path

from deepglass.data.readers.text import likely_encoding, unmarked_utf16
from deepglass.foundation.errors import DataError

LONGEST_LOOK = 1 << 16  # bytes of such lines by which an encoding is told


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
