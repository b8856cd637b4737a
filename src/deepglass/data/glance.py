"""What the doctor sees of one example while it is at hand: light enough for the processes that decode."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.duplicates import small_copies, small_copy
from deepglass.data.readers.picture import to_bytes
from deepglass.data.readers.sound import Sound
from deepglass.data.readers.text import Text
from deepglass.data.readers.video import Clip
from deepglass.data.readers.volume import Scan
from deepglass.data.source import Picture

DIGEST = 16  # bytes
SMALL = 1 << 16  # bytes of a picture up to which many are looked at together


class Glance(NamedTuple):
    """What was seen of one example."""

    digest: bytes
    size: tuple[int, int] = (0, 0)  # width, height
    channels: int = 0
    constant: bool = False  # all pixels are the same
    dhash: int = 0
    thumb: bytes = b""  # small colour copy; empty where near duplicates are not looked for
    notes: tuple[str, ...] = ()
    vector: np.ndarray | None = None
    classes: bytes = b""  # the numbers of a mask, each once


def glance(raw: Any) -> Glance:
    """Look at one picture, clip, vector, series, text or sound. Pure: runs wherever decoding does."""
    if isinstance(raw, np.ndarray):
        return Glance(
            hashlib.blake2b(raw.tobytes(), digest_size=DIGEST).digest(), vector=raw if raw.ndim == 1 else None
        )
    if isinstance(raw, Text):
        return Glance(hashlib.blake2b(raw.text.encode(), digest_size=DIGEST).digest(), notes=raw.notes)
    if isinstance(raw, Sound):
        state = hashlib.blake2b(f"{raw.samples.shape}{raw.samples.dtype}{raw.rate}".encode(), digest_size=DIGEST)
        state.update(np.ascontiguousarray(raw.samples).data)
        return Glance(state.digest(), notes=raw.notes)
    if isinstance(raw, Clip):
        state = hashlib.blake2b(str(raw.frames.shape).encode(), digest_size=DIGEST)
        state.update(np.ascontiguousarray(raw.frames).data)
        return Glance(state.digest(), notes=raw.notes)
    return _looked_through(raw) if isinstance(raw, Scan) else _seen(raw, small_copy(to_bytes(raw.pixels)))


def glances(raws: Sequence[Picture]) -> list[Glance]:
    """Look at many pictures: the same as one by one, and quicker where small ones are of one size."""
    if len({raw.pixels.shape for raw in raws}) != 1 or raws[0].pixels.nbytes > SMALL:
        return [glance(raw) for raw in raws]
    copies = small_copies(np.stack([to_bytes(raw.pixels) for raw in raws]))
    return [_seen(raw, copy) for raw, copy in zip(raws, copies, strict=True)]


def _looked_through(raw: Scan) -> Glance:
    """A volume slab by slab: it may be larger than the memory."""
    _, height, width = raw.shape
    state = hashlib.blake2b(f"{raw.shape}{raw.spacing}".encode(), digest_size=DIGEST)
    low, high = np.inf, -np.inf
    for _, slab in raw.slabs():
        state.update(np.ascontiguousarray(slab).data)
        low, high = min(low, float(slab.min())), max(high, float(slab.max()))
    notes = (*raw.notes, "constant_volume") if low == high else raw.notes
    return Glance(state.digest(), (width, height), notes=notes)


def _seen(raw: Picture, copy: tuple[int, bytes]) -> Glance:
    height, width, channels = raw.pixels.shape
    state = hashlib.blake2b(f"{raw.pixels.shape}{raw.pixels.dtype}".encode(), digest_size=DIGEST)
    state.update(np.ascontiguousarray(raw.pixels).data)
    constant = bool((raw.pixels == raw.pixels[:1, :1]).all())
    dhash, thumb = (0, b"") if constant else copy
    size = raw.size if raw.size != (0, 0) else (width, height)
    classes = b"" if raw.mask is None else bytes(np.flatnonzero(np.bincount(raw.mask.ravel())).tolist())
    return Glance(state.digest(), size, channels, constant, dhash, thumb, raw.notes, classes=classes)
