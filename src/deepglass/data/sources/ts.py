"""Time series in .ts files, as the archives of time series keep them: NAME_TRAIN.ts with NAME_TEST.ts beside it.

A header of lines that begin with @, then one case a line: its channels, cut by ":", each a list of numbers cut by ",",
and last its class. "?" and NaN are gaps. Cases may differ in length, the channels of one case may not.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from deepglass.data.readers.misfit import not_utf8
from deepglass.data.readers.series import Gaps, bridged
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match, Unreadable
from deepglass.data.sources.parted import parted_files
from deepglass.data.sources.rows import Rows
from deepglass.foundation.errors import DataError

SUFFIXES = frozenset((".ts",))
GAPS = frozenset(("?", "nan", ""))


def recognise(place: str, settings: DataSettings) -> Match | None:
    """A .ts file, or a folder that holds some."""
    files = parted_files(Path(place), SUFFIXES)
    if not files:
        return None
    return Match(0.9, "layout_ts", "classify", {"files": ", ".join(file.name for file, _ in files[:3])})


def open_ts(place: str, settings: DataSettings) -> Rows:
    """Every case of every file."""
    ids: list[str] = []
    rows: list[np.ndarray | Unreadable] = []
    labels: list[str | None] = []
    parts: list[str] = []
    gaps = Gaps()
    for file, named in parted_files(Path(place), SUFFIXES):
        for line, text in _lines(file):
            ids.append(f"{file.name}:{line}")
            parts.append(named)
            *channels, label = text.split(":")
            labels.append(label.strip() or None)
            row = _case(channels, line)
            if not isinstance(row, Unreadable):
                row, filled = bridged(row)
                gaps.add(row, filled)
            rows.append(row)
    width = max((row.shape[1] for row in rows if not isinstance(row, Unreadable)), default=0)
    if not width:
        raise DataError("data.nothing_known", place=place, examples=Path(place).name)
    columns = tuple(f"x{place}" for place in range(1, width + 1))
    index = Index(ids, labels, parts if any(parts) else (), kind="series", columns=columns)
    return Rows("ts", "classify", Path(place), index, rows, gaps.findings())


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        with file.open(encoding="utf-8-sig") as stream:
            for line, text in enumerate(stream, start=1):
                if text.strip() and text.lstrip()[0] not in "@#%":
                    yield line, text.strip()
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except OSError as error:
        raise DataError("data.cannot_open", place=file, reason=error.strerror or error) from None


def _case(channels: list[str], line: int) -> np.ndarray | Unreadable:
    """One case as float32 (T, C), gaps as nan."""
    found: list[list[float]] = []
    for channel in channels:
        try:
            cells = [cell.strip() for cell in channel.split(",")]
            found.append([np.nan if cell.lower() in GAPS else float(cell) for cell in cells])
        except ValueError as error:
            return Unreadable("series_no_number", line=line, detail=str(error).rsplit(":", 1)[-1].strip())
    lengths = sorted({len(channel) for channel in found})
    if not found or len(lengths) > 1:
        return Unreadable("series_lengths", line=line, lengths=", ".join(map(str, lengths)))
    return np.array(found, dtype=np.float32).T


CATALOGUE = {"ts": Layout(recognise, open_ts)}
