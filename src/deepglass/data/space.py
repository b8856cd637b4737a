"""Room for many rows: in memory, or in a file where that would be too much; and where the cache lies."""

import errno
import math
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from deepglass.foundation.device import cache_folder
from deepglass.foundation.errors import DataError

IN_MEMORY = 2 << 30  # bytes; larger blocks lie on the disk, memory-mapped


def packed_folder() -> Path:
    """Where packed copies lie in it."""
    return cache_folder() / "packed"


def room(shape: tuple[int, ...], dtype: np.dtype[Any], full: bool = False) -> np.ndarray:
    """Zeros of that shape: in memory, or in an unnamed file where that would be too much, or where memory is full."""
    size = math.prod(shape) * dtype.itemsize
    if not size or (size <= IN_MEMORY and not full):
        return np.zeros(shape, dtype)
    file = packed_folder() / f".block-{uuid.uuid4().hex[:12]}"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        reserve(file, size)
        return np.memmap(file, dtype, "r+", shape=shape)
    finally:
        file.unlink(missing_ok=True)  # the map keeps it alive; a kill leaves nothing behind


def reserve(file: Path, size: int) -> None:
    """A file of so many zeros that the disk really has room for: a map without it would die when it is written to."""
    with file.open("wb") as stream:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, size)
            else:
                stream.truncate(size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            free = shutil.disk_usage(file.parent).free
            raise DataError("data.disk_full", folder=file.parent, need=size >> 20, free=free >> 20) from None
