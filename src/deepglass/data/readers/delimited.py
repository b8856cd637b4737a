"""CSV and TSV: delimiter, header and decimal mark are recognised; UTF-8 or GB18030, other encodings are named."""

import csv
import functools
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from deepglass.data.readers.misfit import LONGEST_LOOK, UTF8, encoding_of, not_utf8
from deepglass.data.readers.text import unmarked_utf16
from deepglass.foundation.errors import DataError

SUFFIXES = frozenset((".csv", ".tsv", ".tab"))
DELIMITERS = ",;\t|"
FIRST_LINES = 200  # enough to tell delimiter, header and decimal mark
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-"))
LOOKED = 1 << 12  # letters of a cell that tell whether it reads like sentences
MOST_LETTERS = 1 << 28  # of one cell
SHOWN = 40  # letters of a cell that a message shows
END = "\ufdd0"  # no letter: a line that is put behind the last, which an open quotation mark would take in
LINE_END = re.compile("\r\n?|\n")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Delimited:
    """How a file is to be read: its column names, delimiter and decimal mark."""

    file: Path
    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    decimal: str = "."
    quoted: bool = True  # whether a quotation mark at a cell's start and end is the file's and not the text's
    encoding: str = UTF8
    classes: tuple[str, ...] = ()  # class names from a first line "rows, columns, names ...", as scikit-learn writes it

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row that is not blank with the number of its first line, cells stripped of spaces."""
        skipped = not (self.has_header or self.classes)
        for line, cells in _lines(self.file, self.delimiter, self.encoding, self.quoted):
            if skipped:
                yield line, cells
            skipped = True

    def glance(self) -> list[list[str]]:
        """The cells of the first rows column by column, as much of each as tells what it is."""
        whole = [cells for _, cells in islice(self.rows(), FIRST_LINES) if len(cells) == len(self.names)]
        return [[cells[place][:LOOKED] for cells in whole] for place in range(len(self.names))]

    def number(self, cell: str) -> float | None:
        """The cell as a number, nan and inf included, or None where it is text."""
        try:
            return float(cell if self.decimal == "." else cell.replace(",", "."))
        except ValueError:
            return None


def open_delimited(file: Path) -> Delimited:
    """What the first lines tell; DataError for an empty file or one in another encoding."""
    try:
        found = file.stat()
    except OSError:
        return _looked_at(file, 0, 0)  # which names what is wrong
    return _looked_at(file, found.st_mtime_ns, found.st_size)


@functools.lru_cache(8)  # a file is opened by every layout that might be its own, and then read
def _looked_at(file: Path, changed: int, size: int) -> Delimited:
    _refuse_zeros(file)
    encoding = encoding_of(file)
    delimiter = _delimiter(file, encoding)
    quoted = delimiter != "\t" or _quoted(file, encoding)
    first = list(islice(_lines(file, delimiter, encoding, quoted), FIRST_LINES))
    if not first:
        raise DataError("data.empty_table", place=file)
    cells = first[0][1]
    plain = Delimited(file, delimiter, numbered(len(cells)), False, _decimal(first, delimiter), quoted, encoding)
    if classes := _preamble(first):
        return replace(plain, names=numbered(len(first[1][1])), classes=classes)
    if _is_header(plain, [row for _, row in first]):
        return replace(plain, names=_unique(cells), has_header=True)
    return plain


def _lines(
    file: Path, delimiter: str, encoding: str, quoted: bool = True, closed: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank with the number of its first line; a quotation mark must be closed where `closed`."""
    csv.field_size_limit(MOST_LETTERS)
    quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    last = 0
    try:
        with file.open(encoding=encoding, newline="") as stream:
            lines = itertools.chain(stream, [END])
            reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, quoting=quoting)
            for cells in reader:
                first, last = last + 1, reader.line_num
                ended = bool(cells) and cells[-1].endswith(END)
                if ended and cells != [END] and closed:
                    raise _unclosed(file, cells[-1].removesuffix(END), last - 1)
                row = [cell.removesuffix(END).strip() for cell in cells] if ended else [cell.strip() for cell in cells]
                if any(row):
                    yield first, row
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except csv.Error as error:
        raise DataError("data.broken_table", place=file, line=last + 1, reason=error) from None
    except OSError as error:
        raise DataError("data.cannot_open", place=file, reason=error.strerror or error) from None


def _unclosed(file: Path, cell: str, last: int) -> DataError:
    """That the quotation mark before this cell is closed nowhere until the last line."""
    inside = len(LINE_END.findall(cell)) - (LINE_END.search(cell[-1:]) is not None)  # an end behind the last line
    begin = LINE_END.split(cell[:SHOWN])[0]
    return DataError("data.open_quote", place=file, line=last - inside, last=last, begin=begin)


def _refuse_zeros(file: Path) -> None:
    """UTF-16 of English letters is UTF-8 as well; a file of zeros alone holds no rows."""
    try:
        with file.open("rb") as stream:
            start = stream.read(LONGEST_LOOK)
    except OSError:
        return  # which reading the lines will name
    if start and not start.strip(b"\0"):
        raise DataError("data.empty_table", place=file)
    if unmarked_utf16(start):
        raise not_utf8(file)


def _quoted(file: Path, encoding: str) -> bool:
    """Whether a tab-separated file quotes its cells: often its texts just hold quotation marks, now and then one alone.

    It does where every cell that begins with a mark ends with one, or where lines alone have unequal numbers of cells.
    """
    widths: set[int] = set()
    paired = True
    for _, cells in _lines(file, "\t", encoding, quoted=False):
        widths.add(len(cells))
        paired &= all(len(cell) > 1 and cell.endswith('"') for cell in cells if cell.startswith('"'))
        if len(widths) > 1:
            return True
    return paired


def _delimiter(file: Path, encoding: str) -> str:
    """The delimiter that cuts most of the first lines into the same number of cells, above one."""

    def agreement(delimiter: str) -> tuple[int, int]:
        widths = [len(cells) for _, cells in islice(_lines(file, delimiter, encoding, closed=False), 20)]
        usual = max(set(widths), key=widths.count, default=1)
        return (widths.count(usual) if usual > 1 else 0, usual)

    best = max(DELIMITERS, key=agreement)
    return best if agreement(best)[0] else " "  # cells of texts hold spaces too, so these come last


def _decimal(first: list[tuple[int, list[str]]], delimiter: str) -> str:
    if delimiter == ",":
        return "."
    return "," if any(DECIMAL_COMMA.fullmatch(cell) for _, cells in first for cell in cells) else "."


def _preamble(first: list[tuple[int, list[str]]]) -> tuple[str, ...]:
    """The class names of a first line "150,4,setosa,versicolor,virginica" (rows, columns without the answer, names)."""
    if len(first) < 2 or len(first[0][1]) < 4:
        return ()
    rows, columns, *names = first[0][1]
    fits = rows.isdigit() and columns.isdigit() and len(first[1][1]) == int(columns) + 1
    return tuple(names) if fits and not any(name.replace(".", "").isdigit() for name in names) else ()


def _is_header(table: Delimited, rows: list[list[str]]) -> bool:
    """The first row names the columns where none of its cells is a number or empty of all meaning."""
    numbers = [table.number(cell) is not None for cell in rows[0]]
    return not any(numbers) and (len(rows) > 1 or len(set(rows[0])) == len(rows[0]))


def numbered(count: int) -> tuple[str, ...]:
    return tuple(f"column_{place}" for place in range(1, count + 1))


def _unique(names: list[str]) -> tuple[str, ...]:
    """Header cells as names: empty ones numbered, repeated ones told apart; "=" is kept for categories."""
    result: list[str] = []
    for place, name in enumerate(names, start=1):
        name = name.replace("=", ":") or f"column_{place}"
        result.append(name if name not in result else f"{name}_{place}")
    return tuple(result)
