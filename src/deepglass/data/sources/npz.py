"""NumPy archives: x and y, or x_train, y_train, x_val, y_val, x_test, y_test and the names that people use for them.

x is pictures (N, H, W), (N, H, W, C) or (N, C, H, W), or vectors (N, K); y is classes, numbers, or rows of 0 and 1.
Arrays of Python objects are refused: reading them would run code.
"""

import os
import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.column import Coded, Numbered, pieces
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.arrays import Arrays
from deepglass.data.sources.columns import part
from deepglass.data.walk import suffix
from deepglass.foundation.device import memory_bytes
from deepglass.foundation.errors import DataError

INPUTS = frozenset("x data image images input inputs features pictures arr_0".split())
ANSWERS = frozenset("y label labels target targets classes answers arr_1".split())
CLASS_NAMES = frozenset("class_names label_names target_names names".split())
MOST_CLASSES = 1000
MOST_APART = 1 << 16  # from the smallest to the largest class up to which classes are counted and not sorted
MANY = 100_000  # rows from which ids are counted and answers coded
MAPPED = 64 << 20  # bytes from which an array that lies ready in the file is mapped and not loaded
SMALLEST_SIDE = 4  # an axis this long or longer is height or width, a shorter one channels


class Pair(NamedTuple):
    """The names of the two arrays of one part."""

    part: str
    inputs: str
    answers: str


def recognise(place: str, settings: DataSettings) -> Match | None:
    """An .npz file with a pair of arrays."""
    path = Path(place)
    if not path.is_file() or suffix(path.name) != ".npz":
        return None
    pairs = pairs_of(list(sizes_of(path)))
    if not pairs:
        known = ", ".join(sizes_of(path))
        raise DataError("data.npz_names", place=place, known=known)
    return Match(0.9, "layout_npz", "classify", {"arrays": ", ".join(name for pair in pairs for name in pair[1:])})


def open_npz(place: str, settings: DataSettings) -> Arrays:
    """All parts end to end; ids are part and number."""
    path = Path(place)
    sizes = sizes_of(path)
    limit = memory_bytes() // 2
    pairs = pairs_of(list(sizes))
    mapped = _mapped(path, pairs[0].inputs) if len(pairs) == 1 and sizes[pairs[0].inputs] >= MAPPED else None
    needed = sum(sizes.values()) - (mapped.nbytes if mapped is not None else 0)
    if limit and needed > limit:
        raise DataError("data.npz_too_large", place=place, size=needed >> 20, limit=limit >> 20)
    wanted = {*sum((pair[1:] for pair in pairs), ()), *(set(sizes) & CLASS_NAMES)}
    stored = load_arrays(path, sorted(wanted - ({pairs[0].inputs} if mapped is not None else set())))
    if mapped is not None:
        stored[pairs[0].inputs] = mapped
    ids: Any = []
    parts: list[str] = []
    for pair in pairs:
        count, answers = len(stored[pair.inputs]), len(stored[pair.answers])
        if count != answers:
            raise DataError(
                "data.npz_lengths", place=place, first=pair.inputs, one=count, second=pair.answers, two=answers
            )
        if len(pairs) == 1 and count >= MANY:
            ids = Numbered(pair.part or "row", range(count))
            continue
        ids += [f"{pair.part or 'row'}/{row:06d}" for row in range(count)]
        parts += [pair.part] * count
    inputs = _rows([stored[pair.inputs] for pair in pairs], place) if mapped is None else mapped
    names = [str(name) for key in CLASS_NAMES if key in stored for name in stored[key].ravel().tolist()]
    answers = [stored.pop(pair.answers) for pair in pairs]
    task, labels = answers_in(answers[0] if len(pairs) == 1 else np.concatenate(answers), names, place)
    kind = "picture" if inputs.ndim == 4 else "vector"
    columns = tuple(f"x{place}" for place in range(1, inputs.shape[1] + 1)) if kind == "vector" else ()
    return Arrays("npz", task, path.parent, Index(ids, labels, parts, (), kind, columns), inputs)


def sizes_of(path: Path) -> dict[str, int]:
    """Name and unpacked size of each array, without reading one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {item.filename.removesuffix(".npy"): item.file_size for item in archive.infolist()}
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError("data.npz_broken", place=path, reason=error) from None


def load_arrays(path: Path, names: list[str]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in names}
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise DataError("data.npz_objects", place=path) from None
        raise DataError("data.npz_broken", place=path, reason=error) from None
    except (zipfile.BadZipFile, zipfile.zlib.error, OSError, EOFError) as error:  # pyright: ignore
        raise DataError("data.npz_broken", place=path, reason=error) from None


def _mapped(path: Path, name: str) -> np.ndarray | None:
    """An array that lies in the file as it is needed, mapped: not compressed, numbers or bytes, channels last."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = archive.getinfo(f"{name}.npy")
        with path.open("rb") as stream:
            stream.seek(inside.header_offset)
            start = stream.read(30)  # of the entry: its name and what follows have lengths of their own here
            stream.seek(sum(struct.unpack("<HH", start[26:30])), os.SEEK_CUR)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, fortran, dtype = read[np.lib.format.read_magic(stream)](stream)
            offset = stream.tell()
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, struct.error):
        return None  # what is wrong is said when it is read as usual
    pictures = dtype == np.uint8 and len(shape) == 4 and shape[3] in (1, 3) and shape[1] >= SMALLEST_SIDE
    if inside.compress_type != zipfile.ZIP_STORED or fortran or not (pictures or (dtype == "<f4" and len(shape) == 2)):
        return None
    return np.memmap(path, dtype, "r", offset, shape)


def pairs_of(names: list[str]) -> list[Pair]:
    """The arrays that belong together: "x_train" with "y_train", "test_images" with "test_labels", "x" with "y"."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        words = (
            name.lower()
            if name.lower().startswith("arr_")
            else re.sub(r"([xy])(?=train|val|test)", r"\1_", name.lower())
        )
        pieces = [words] if words.startswith("arr_") else words.split("_")
        owner = next((part(piece) for piece in pieces if part(piece)), "")
        rest = "_".join(piece for piece in pieces if not part(piece))
        role = "x" if rest in INPUTS else "y" if rest in ANSWERS else ""
        if role:
            found.setdefault(owner, {}).setdefault(role, name)
    order = ["", "train", "val", "test"]
    return [Pair(owner, found[owner]["x"], found[owner]["y"]) for owner in order if len(found.get(owner, ())) == 2]


def _rows(arrays: list[np.ndarray], place: str) -> np.ndarray:
    """Pictures as uint8 or uint16 (N, H, W, C), vectors as float32 (N, K)."""
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1:
        raise DataError("data.npz_shapes", place=place, shapes=", ".join(map(str, sorted(shapes))))
    whole = np.concatenate(arrays)
    if whole.dtype.kind not in "buif" or whole.ndim not in (2, 3, 4) or not whole.size:
        raise DataError("data.npz_shape", place=place, shape=whole.shape, kind=whole.dtype)
    if whole.ndim == 2:
        return whole.astype(np.float32)
    if whole.ndim == 3:
        whole = whole[..., None]
    if whole.shape[3] >= SMALLEST_SIDE and whole.shape[1] in (1, 3):
        whole = whole.transpose(0, 2, 3, 1)
    if whole.shape[3] not in (1, 3):
        raise DataError("data.npz_shape", place=place, shape=whole.shape, kind=whole.dtype)
    return np.ascontiguousarray(_pixels(whole, place))


def _pixels(values: np.ndarray, place: str) -> np.ndarray:
    """One rule for the whole array: 0 to 1 is spread over 0 to 255, whole numbers stay."""
    if values.dtype in (np.uint8, np.uint16):
        return values
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low + high) or low < 0 or high > 65535:
        raise DataError("data.npz_range", place=place, low=f"{low:g}", high=f"{high:g}")
    if values.dtype.kind in "bf" and high <= 1:
        return np.rint(values * np.float32(255)).astype(np.uint8)
    return np.rint(values).astype(np.uint8 if high <= 255 else np.uint16)


def answers_in(values: np.ndarray, names: list[str], place: str) -> tuple[str, Sequence[Any]]:
    """The task and each row's answer."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2 and values.dtype.kind in "buif" and np.isin(values, (0, 1)).all():
        return _rows_of_flags(values.astype(bool), names)
    if values.ndim != 1:
        raise DataError("data.npz_answers", place=place, shape=values.shape)
    if values.dtype.kind == "f" and not (np.isfinite(values).all() and (values == np.rint(values)).all()):
        return "regress", [float(value) if np.isfinite(value) else None for value in values]
    if values.dtype.kind not in "buif":
        return "classify", [value.decode() if isinstance(value, bytes) else str(value) for value in values.tolist()]
    different, codes = _coded(values)
    if len(different) > MOST_CLASSES:
        return "regress", values.astype(float).tolist()
    if len(values) >= MANY:
        return "classify", Coded([_name(int(value), names) for value in different.tolist()], codes)
    return "classify", [_name(int(value), names) for value in values.tolist()]


def _coded(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different values in order, and each row's place among them. (K,), (N,)"""
    low, high = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if high - low >= MOST_APART or max(high, -low) >= 1 << 62 or values.dtype.kind not in "bui":
        different = np.unique(values)
        return different, np.searchsorted(different, values).astype(np.min_scalar_type(len(different)))
    counts = np.zeros(high - low + 1, dtype=np.int64)
    for piece in pieces(len(values)):
        counts += np.bincount(values[piece].astype(np.int64) - low, minlength=len(counts))
    different = np.flatnonzero(counts)
    codes = np.zeros(len(counts), dtype=np.min_scalar_type(len(different)))
    codes[different] = np.arange(len(different))
    found = np.empty(len(values), dtype=codes.dtype)
    for piece in pieces(len(values)):
        found[piece] = codes[values[piece].astype(np.int64) - low]
    return different + low, found


def _rows_of_flags(flags: np.ndarray, names: list[str]) -> tuple[str, list[Any]]:
    if (flags.sum(axis=1) == 1).all():
        return "classify", [_name(int(place), names) for place in flags.argmax(axis=1).tolist()]
    return "multilabel", [tuple(_name(int(place), names) for place in np.flatnonzero(row)) for row in flags]


def _name(number: int, names: list[str]) -> str:
    return names[number] if 0 <= number < len(names) else str(number)


CATALOGUE = {"npz": Layout(recognise, open_npz)}
