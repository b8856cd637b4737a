"""YOLO's text files: a line for each thing, its class by number and its box as shares of the picture; names beside.

A line is `class middle_x middle_y width height`, or a class and the corners of an outline, of which the box is taken.
Of data.yaml only what is needed is read, line by line: path, train, val, test, nc and names; forms that a list of names
does not need are refused.
"""

import json
import math
import re
from pathlib import Path
from typing import NamedTuple

from deepglass.data.annotation import Box
from deepglass.data.readers.text import likely_encoding
from deepglass.data.source import Unreadable, unopened
from deepglass.foundation.errors import DataError

YAML = frozenset((".yaml", ".yml"))
LISTS = ("classes.txt", "obj.names", "names.txt")  # a name on each line, the first of class 0
WANTED = frozenset(("path", "train", "val", "test", "nc", "names"))
LOOSEST = 0.02  # pixels by which a corner may be off a whole one and still be meant as that
FAR = 2.0  # a share beyond which a number is none

_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:(?:\s+(.*))?$")
_SCALAR = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}"'&*!|>%@`][^,\[\]{}]*?)\s*(?=[,\]}]|$)""")
_NUMBERED = re.compile(r"""\s*["']?(\d+)["']?\s*:\s+""")


class Thing(NamedTuple):
    """One line: a class and its box in shares; `digits` are those that the numbers were written with."""

    line: int
    number: int
    left: float
    top: float
    right: float
    bottom: float
    digits: int

    def box(self, label: str, width: int, height: int) -> Box:
        """In pixels; corners that the written digits cannot tell from whole ones are whole."""
        left, right = pixels(self.left, width, self.digits), pixels(self.right, width, self.digits)
        return Box(label, left, pixels(self.top, height, self.digits), right, pixels(self.bottom, height, self.digits))


class Yaml(NamedTuple):
    """What a data.yaml says: names by number, and for each part folders or lists of pictures, below `path`."""

    names: dict[int, str]
    parts: dict[str, list[str]]
    path: str


def read_things(file: Path) -> list[Thing]:
    """Every line of a label file; Unreadable with the number of the first that is none."""
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise unopened(error) from None
    except UnicodeDecodeError:
        raise Unreadable("label_line", annotation=file.name, line=1, text="\ufffd") from None
    return [_thing(line.split(), file, place) for place, line in enumerate(lines, start=1) if line.strip()]


def _thing(cells: list[str], file: Path, line: int) -> Thing:
    values = [_number(cell) for cell in cells]
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    outline = len(numbers) >= 7 and len(numbers) % 2 == 1
    if len(numbers) != len(cells) or not (len(numbers) == 5 or outline) or numbers[0] != int(numbers[0]):
        raise Unreadable("label_line", annotation=file.name, line=line, text=" ".join(cells)[:40])
    if max(map(abs, numbers[1:])) > FAR:
        raise Unreadable("label_not_shares", annotation=file.name, line=line, text=" ".join(cells)[:40])
    digits = max(map(digits_of, cells[1:]))
    if outline:
        xs, ys = numbers[1::2], numbers[2::2]
        return Thing(line, int(numbers[0]), min(xs), min(ys), max(xs), max(ys), digits)
    x, y, width, height = numbers[1:]
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return Thing(line, int(numbers[0]), *corners, digits)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def digits_of(cell: str) -> int:
    """How many digits stand behind the point.

    >>> digits_of("0.512300"), digits_of("1"), digits_of("1e-05")
    (6, 0, 17)
    """
    return 17 if "e" in cell.lower() else len(cell.partition(".")[2])


def pixels(share: float, size: int, digits: int) -> float:
    """A share of a side in pixels, whole where the digits that it was written with cannot tell it from that."""
    found = share * size  # its middle and half its length are together off by at most 0.75 of the last digit
    loose = min(LOOSEST, 0.75 * 10.0**-digits * size) + 1e-9 * size
    return float(round(found)) if abs(found - round(found)) <= loose else found


def read_names(file: Path) -> dict[int, str]:
    """The names of a list, by number."""
    lines = [line.strip() for line in _text(file).split("\n")]
    return dict(enumerate(line for line in lines if line))


def read_yaml(file: Path) -> Yaml:
    """What a data.yaml says; DataError with the line where it says it in a form that is not read."""
    found = {key: _value(file, line, inline, block) for key, (line, inline, block) in _keys(file).items()}
    names = found.get("names", {})
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict):
        raise DataError("data.yaml_unclear", place=file, line=_keys(file)["names"][0], text=names)
    count = found.get("nc", "")
    if isinstance(count, str) and count.isdigit() and int(count) != len(names):
        raise DataError("data.names_count", place=file, said=count, found=len(names))
    parts = {part: found[part] for part in ("train", "val", "test") if found.get(part)}
    lists = {part: list(place) if isinstance(place, list) else [str(place)] for part, place in parts.items()}
    return Yaml(names, lists, str(found.get("path", "")))


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError("data.cannot_open", place=file, reason=error.strerror or error) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("data.not_utf8", place=file, encoding=likely_encoding(content)) from None


def _keys(file: Path) -> dict[str, tuple[int, str, list[str]]]:
    """Line, rest of the line and the lines below, without comments, of each key that is wanted."""
    found: dict[str, tuple[int, str, list[str]]] = {}
    block: list[str] = []
    for number, line in enumerate(_text(file).split("\n"), start=1):
        line = _uncommented(line)
        if key := _KEY.match(line):
            block = []
            if key[1] in WANTED:
                found[key[1]] = (number, (key[2] or "").strip(), block)
        elif line.strip() and line.strip() not in ("---", "..."):
            block.append(line)
    return found


def _uncommented(line: str) -> str:
    """The line up to a comment; a # inside quotation marks, or not after a space, is part of a name."""
    quote = ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote and line[place - 1] != "\\" else quote
        elif letter in "\"'" and (place == 0 or line[place - 1] in " \t[{,:-"):
            quote = letter
        elif letter == "#" and (place == 0 or line[place - 1] in " \t"):
            return line[:place].rstrip()
    return line.rstrip()


def _value(file: Path, line: int, inline: str, block: list[str]) -> str | list[str] | dict[int, str]:
    """A text, a list of texts, or texts by number."""
    whole = " ".join([inline, *(part.strip() for part in block)]).strip()
    if whole[:1] in ("[", "{"):
        entries = _flow(file, line, whole)
    elif inline or not block:
        if block:
            raise DataError("data.yaml_unclear", place=file, line=line + 1, text=block[0].strip())
        return _scalar(file, line, inline) if inline else ""
    else:
        entries = [(line + place, part.strip()) for place, part in enumerate(block, start=1)]
    if all(re.match(r"-\s", text) for _, text in entries) and whole[0] == "-":
        return [_scalar(file, at, text[1:].strip()) for at, text in entries]
    numbered = [(at, text, _NUMBERED.match(text)) for at, text in entries]
    if all(match for _, _, match in numbered) and whole[0] != "[":
        return {int(match[1]): _scalar(file, at, text[match.end() :]) for at, text, match in numbered if match}
    if whole[0] != "[":
        raise DataError("data.yaml_unclear", place=file, line=entries[0][0], text=entries[0][1])
    return [_scalar(file, at, text) for at, text in entries]


def _flow(file: Path, line: int, whole: str) -> list[tuple[int, str]]:
    """The entries of [a, 'b'] or {0: a, 1: 'b'}."""
    entries: list[tuple[int, str]] = []
    place, last = 1, {"[": "]", "{": "}"}[whole[0]]
    while whole[place:].strip() not in ("", last):
        key = _NUMBERED.match(whole, place) if last == "}" else None
        entry = _SCALAR.match(whole, key.end() if key else place)
        if entry is None:
            break
        entries.append((line, whole[place : entry.end()].strip()))
        place = entry.end() + (whole[entry.end() : entry.end() + 1] == ",")
    if whole[place:].strip() != last:
        raise DataError("data.yaml_unclear", place=file, line=line, text=whole[place : place + 40].strip())
    return entries


def _scalar(file: Path, line: int, text: str) -> str:
    """A text with or without quotation marks."""
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[:1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            pass
    elif text and text[0] not in "'&*!|>%@`[{" and ": " not in text:
        return text
    raise DataError("data.yaml_unclear", place=file, line=line, text=text)
