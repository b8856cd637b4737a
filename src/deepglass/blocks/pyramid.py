"""Feature pyramid: coarse maps know what there is, fine ones where it is; both are brought together.

C5 ── 1x1 ────────────┬──── 3x3 ──► P5      stride 32
                  up x2
C4 ── 1x1 ──────────── + ┬── 3x3 ──► P4     stride 16
                     up x2
C3 ── 1x1 ─────────────── + ─ 3x3 ──► P3    stride 8
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.blocks.conv import Conv
from deepglass.graph.shape import Shape, expect_map


class FeaturePyramid(nn.Module):
    """Maps of one width at every stride (Lin 2017, arXiv:1612.03144).

    P_l = conv3x3(conv1x1(C_l) + upsample(M_{l+1})), M what stands before the last convolution
    maps (B, C_l, H_l, W_l), finest first -> as many of (B, width, H_l, W_l)
    """

    def __init__(self, inputs: Sequence[int], width: int):
        super().__init__()
        self.width = width
        self.across = nn.ModuleList(Conv(channels, width, kernel=1, dims=2) for channels in inputs)
        self.smooth = nn.ModuleList(Conv(width, width, kernel=3, padding=1, dims=2) for _ in inputs)

    def forward(self, *maps: Tensor) -> list[Tensor]:
        self.out_shape(*(tuple(found.shape) for found in maps))
        *finer, x = [across(found) for across, found in zip(self.across, maps, strict=True)]
        merged = [x]
        for found in reversed(finer):
            x = found + F.interpolate(x, size=found.shape[-2:], mode="nearest")
            merged.append(x)
        return [smooth(found) for smooth, found in zip(self.smooth, reversed(merged), strict=True)]

    def out_shape(self, *shapes: Shape) -> Shape:
        """That of the finest map."""
        for shape, across in zip(shapes, self.across, strict=True):
            expect_map("FeaturePyramid", shape, 2, across.inputs)  # pyright: ignore
        return shapes[0][0], self.width, *shapes[0][2:]


CATALOGUE = {"feature_pyramid": FeaturePyramid}
