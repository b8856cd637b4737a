"""What is marked in a picture: boxes with their labels, in pixels of the picture as it is stored.

Coordinates are continuous: pixel (0, 0) covers [0, 1] x [0, 1], so a box around it alone is 0, 0, 1, 1 and its width
is right - left. COCO writes it as x, y, width, height (0, 0, 1, 1), VOC by its first and last pixels counted from 1
(1, 1, 1, 1), YOLO by centre and size in shares of the picture.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Box(NamedTuple):
    """One thing in a picture. The answer to a picture is a tuple of these: () where nothing is in it."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False  # a group marked as one (COCO's iscrowd): neither trained on nor counted as missed

    @property
    def area(self) -> float:
        """In square pixels; 0 or less where corners are swapped."""
        return (self.right - self.left) * (self.bottom - self.top)


def letterboxed(sizes: Tensor, height: int, width: int, fit: str) -> tuple[Tensor, Tensor]:
    """How a picture lies in its frame: x' = x · scale + offset, as `fit_picture` lays it ("pad" or "stretch").

    sizes (B, 2), width and height of the stored picture -> scale (B, 2), offset (B, 2)
    """
    frame = torch.tensor([width, height], dtype=sizes.dtype, device=sizes.device)
    if fit == "stretch":
        return frame / sizes, torch.zeros_like(sizes)
    inner = (sizes * (frame / sizes).amin(1, keepdim=True)).round().clamp(min=1)
    return inner / sizes, ((frame - inner) / 2).floor()
