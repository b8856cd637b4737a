"""Whole volumes, as tasks keep them that look at parts: slab by slab, on the disk where they are large.

Letters: B volumes, D H W a volume's own size, N = D H W, d h w a part.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from deepglass.data.example import Batch, Column, Ragged
from deepglass.data.readers.volume import HALF, Respaced, Scan, at_spacing
from deepglass.data.space import room
from deepglass.tasks.kinds.volume import VolumeFacts, standardised

ASIDE = 1 << 28  # bytes of a volume above which it lies on the disk
FLAT = 1e-6  # a spread below it is none


def prepared(raw: Scan, spacing: float) -> tuple[Scan | Respaced, dict[str, Tensor]]:
    """A volume at the spacing that is asked, 0 its own; as it is kept, and what is known of it.

    input float16 (N,), shape int32 (3,), affine float32 (4, 4), levels float32 (3,): mean, spread and lowest value
    """
    found = at_spacing(raw, (spacing, spacing, spacing)) if spacing else raw
    count = math.prod(found.shape)
    values = room(found.shape, np.dtype(np.float16), full=2 * count > ASIDE)
    total, squares, low = 0.0, 0.0, HALF
    for start, slab in found.slabs():
        values[start : start + len(slab)] = slab.clip(-HALF, HALF)
        kept = values[start : start + len(slab)].astype(np.float64)
        total, squares, low = total + kept.sum(), squares + np.square(kept).sum(), min(low, float(kept.min()))
    spread = math.sqrt(max(0.0, squares / count - (total / count) ** 2))
    levels = total / count, spread if spread > FLAT else 1.0, low
    return found, {
        "input": torch.from_numpy(values.ravel()),
        "shape": torch.tensor(found.shape, dtype=torch.int32),
        "affine": torch.from_numpy(found.affine.astype(np.float32)),
        "levels": torch.tensor(levels, dtype=torch.float32),
    }


def in_whole(batch: Batch) -> bool:
    """Whether a batch holds whole volumes and not what was cut out of them."""
    return isinstance(batch["input"], Ragged) or batch["input"].ndim == 2


def volumes_of(batch: Batch, name: str) -> list[Tensor]:
    """A column's rows in their own shapes. (D, H, W) each"""
    shapes = batch["shape"].int().tolist()
    return [row.view(shape) for row, shape in zip(rows_of(batch[name]), shapes, strict=True)]


def rows_of(column: Column) -> Sequence[Tensor]:
    """A column's rows one by one."""
    return column.each() if isinstance(column, Ragged) else list(column)


def seen(parts: Tensor, levels: Tensor, facts: VolumeFacts) -> Tensor:
    """Parts as the network sees them: as the training's, or by their whole volumes' own mean and spread.

    (n, 1, d, h, w), (n or 1, 3)
    """
    if facts.hounsfield:
        return standardised(parts.float(), facts)
    mean, spread = (levels[:, place].view(-1, 1, 1, 1, 1) for place in (0, 1))
    return (parts.float() - mean) / spread
