"""What it costs to take one class for another, from a file of the user's: TOML or CSV.

default = 1              every mistake that is not named         true,paper,glass,battery
[battery]                a battery ...                           paper,0,1,1
paper = 50               ... taken for paper                     glass,1,0,1
default = 20             ... taken for anything else             battery,50,20,0
"""

import csv
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError

DEFAULT = "default"

Costs = tuple[tuple[float, ...], ...]  # (K, K): of the class down, taken for the class across


def read_costs(file: Path, labels: Sequence[str]) -> Costs:
    """The costs in the order of the labels; to be right costs nothing unless the file says so."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("tasks.costs_unreadable", file=file, reason="UTF-8") from None
    except OSError as error:
        raise UsageError("tasks.costs_unreadable", file=file, reason=error.strerror or error) from None
    if file.suffix.lower() == ".toml":
        return _of_toml(file, text, labels)
    if file.suffix.lower() == ".csv":
        return _of_csv(file, text, labels)
    raise UsageError("tasks.costs_suffix", file=file)


def _of_toml(file: Path, text: str, labels: Sequence[str]) -> Costs:
    try:
        document: Mapping[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("tasks.costs_unreadable", file=file, reason=error) from None
    usual = _cost(file, document.get(DEFAULT, 1.0), DEFAULT)
    tables = {name: row for name, row in document.items() if name != DEFAULT}
    _known(file, tables, labels)
    rows: list[tuple[float, ...]] = []
    for true in labels:
        row = tables.get(true, {})
        if not isinstance(row, Mapping):
            raise UsageError("tasks.costs_no_table", file=file, name=true)
        _known(file, [name for name in row if name != DEFAULT], labels)
        other = _cost(file, row.get(DEFAULT, usual), f"{true}.{DEFAULT}")
        rows.append(
            tuple(_cost(file, row.get(taken, 0.0 if taken == true else other), f"{true}.{taken}") for taken in labels)
        )
    return tuple(rows)


def _of_csv(file: Path, text: str, labels: Sequence[str]) -> Costs:
    lines = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(map(str.strip, row))]
    across = lines[0][1:] if lines else []
    down = [row[0] for row in lines[1:]]
    for names in (across, down):
        _known(file, names, labels)
        missing = [name for name in labels if names.count(name) != 1]
        if missing:
            raise UsageError("tasks.costs_missing", file=file, names=", ".join(missing), count=len(missing))
    uneven = next((row for row in lines[1:] if len(row) != len(labels) + 1), None)
    if uneven:
        raise UsageError("tasks.costs_uneven", file=file, name=uneven[0], found=len(uneven) - 1, wanted=len(labels))
    cells = {row[0]: dict(zip(across, row[1:], strict=True)) for row in lines[1:]}
    return tuple(tuple(_cost(file, cells[true][taken], f"{true}, {taken}") for taken in labels) for true in labels)


def _known(file: Path, names: Sequence[str] | Mapping[str, Any], labels: Sequence[str]) -> None:
    for name in names:
        if name not in labels:
            values = {"hint": catalogue.nearest(name, list(labels)), "known": ", ".join(labels)}
            raise UsageError("tasks.costs_unknown", file=file, name=name, **values)


def _cost(file: Path, value: Any, place: str) -> float:
    try:
        cost = float(value)
    except (TypeError, ValueError):
        cost = math.nan
    if isinstance(value, bool) or not (math.isfinite(cost) and cost >= 0):
        raise UsageError("tasks.costs_no_number", file=file, place=place, value=value)
    return cost
