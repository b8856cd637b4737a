"""Series in a NumPy archive: x (N, T, C) or (N, T), y beside it; only where data.layout=series_npz asks for it.

An array (N, H, W) may be pictures as well, so it is not guessed. Steps at a row's end that are nan in every channel
make it shorter; nan before that are gaps. Names, parts and answers are those of the layout npz.
"""

from pathlib import Path

import numpy as np

from deepglass.data.readers.series import Gaps, bridged
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match, Unreadable
from deepglass.data.sources.npz import CLASS_NAMES, answers_in, load_arrays, pairs_of, sizes_of
from deepglass.data.sources.rows import Rows
from deepglass.data.walk import suffix
from deepglass.foundation.errors import DataError


def recognise(place: str, settings: DataSettings) -> Match | None:
    """An .npz file with a pair of arrays, where the setting asks for this layout."""
    path = Path(place)
    if settings.layout != "series_npz" or not path.is_file() or suffix(path.name) != ".npz":
        return None
    pairs = pairs_of(list(sizes_of(path)))
    if not pairs:
        raise DataError("data.npz_names", place=place, known=", ".join(sizes_of(path)))
    return Match(
        0.9, "layout_series_npz", "classify", {"arrays": ", ".join(name for pair in pairs for name in pair[1:])}
    )


def open_series_npz(place: str, settings: DataSettings) -> Rows:
    """All parts end to end; ids are part and number."""
    path = Path(place)
    names = list(sizes_of(path))
    pairs = pairs_of(names)
    stored = load_arrays(path, [*sum((pair[1:] for pair in pairs), ()), *(set(names) & CLASS_NAMES)])
    ids: list[str] = []
    parts: list[str] = []
    rows: list[np.ndarray | Unreadable] = []
    gaps = Gaps()
    for pair in pairs:
        values, answers = stored[pair.inputs], stored[pair.answers]
        if len(values) != len(answers):
            pieces = {"first": pair.inputs, "one": len(values), "second": pair.answers, "two": len(answers)}
            raise DataError("data.npz_lengths", place=place, **pieces)
        if values.dtype.kind not in "buif" or values.ndim not in (2, 3) or not values.size:
            raise DataError("data.series_npz_shape", place=place, shape=values.shape, kind=values.dtype)
        for row, whole in enumerate(values[..., None] if values.ndim == 2 else values):
            series, filled = bridged(_ended(whole.astype(np.float32)))
            gaps.add(series, filled)
            rows.append(series)
            ids.append(f"{pair.part or 'row'}/{row:06d}")
            parts.append(pair.part)
    widths = sorted({row.shape[1] for row in rows if not isinstance(row, Unreadable)})
    if len(widths) > 1:
        raise DataError("data.npz_shapes", place=place, shapes=", ".join(f"(..., {width})" for width in widths))
    class_names = [str(name) for key in CLASS_NAMES if key in stored for name in stored[key].ravel().tolist()]
    task, labels = answers_in(np.concatenate([stored[pair.answers] for pair in pairs]), class_names, place)
    columns = tuple(f"x{channel}" for channel in range(1, widths[0] + 1))
    index = Index(ids, labels, parts if any(parts) else (), kind="series", columns=columns)
    return Rows("series_npz", task, path.parent, index, rows, gaps.findings())


def _ended(series: np.ndarray) -> np.ndarray:
    """Without the steps at its end that are nan in every channel."""
    there = np.flatnonzero(~np.isnan(series).all(axis=1))
    return series[: there[-1] + 1] if len(there) else series[:0]


CATALOGUE = {"series_npz": Layout(recognise, open_series_npz)}
