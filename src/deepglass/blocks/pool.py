"""Pooling: a map made smaller by keeping the largest, the mean, or a trained share of the mean of each window."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, each, expect_map, slide

LARGEST = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
MEAN = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
MEAN_TO_SIZE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}


class MaxPool(nn.Module):
    """The largest value of each window; padding never wins. (B, C, H, W) -> (B, C, H', W')"""

    def __init__(
        self,
        kernel: int | Sequence[int],
        *,
        dims: int,
        stride: int | Sequence[int] | None = None,
        padding: int | Sequence[int] = 0,
    ):
        super().__init__()
        self.dims = dims
        self.kernel, self.padding = each(kernel, dims), each(padding, dims)
        self.stride = self.kernel if stride is None else each(stride, dims)

    def forward(self, x: Tensor) -> Tensor:
        expect_map("MaxPool", x.shape, self.dims)
        return LARGEST[self.dims](x, self.kernel, self.stride, self.padding)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("MaxPool", shape, self.dims)
        return *shape[:2], *slide(shape[2:], self.kernel, self.stride, self.padding)

    def extra_repr(self) -> str:
        return f"{self.kernel}, stride={self.stride}, padding={self.padding}"


class AveragePool(nn.Module):
    """The mean of each window. (B, C, H, W) -> (B, C, H', W')"""

    def __init__(self, kernel: int | Sequence[int], *, dims: int, stride: int | Sequence[int] | None = None):
        super().__init__()
        self.dims = dims
        self.kernel = each(kernel, dims)
        self.stride = self.kernel if stride is None else each(stride, dims)

    def forward(self, x: Tensor) -> Tensor:
        expect_map("AveragePool", x.shape, self.dims)
        return MEAN[self.dims](x, self.kernel, self.stride)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("AveragePool", shape, self.dims)
        return *shape[:2], *slide(shape[2:], self.kernel, self.stride, (0,) * self.dims)

    def extra_repr(self) -> str:
        return f"{self.kernel}, stride={self.stride}"


class TrainedPool(nn.Module):
    """Subsampling with one learned scale and one learned offset per map (LeCun 1998, layers S2 and S4).

    y_c = w_c · Σ_window x_c + b_c
    (B, C, H, W) -> (B, C, H / kernel, W / kernel); weight (C,), bias (C,)
    """

    def __init__(self, channels: int, kernel: int, *, dims: int):
        super().__init__()
        self.channels, self.kernel, self.dims = channels, kernel, dims
        self.area = kernel**dims
        self.weight = nn.Parameter(torch.full((channels,), 1 / self.area))  # starts as the plain mean
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        expect_map("TrainedPool", x.shape, self.dims, self.channels)
        per_map = (self.channels, *(1,) * self.dims)
        total = MEAN[self.dims](x, self.kernel) * self.area
        return total * self.weight.view(per_map) + self.bias.view(per_map)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("TrainedPool", shape, self.dims, self.channels)
        kernel = (self.kernel,) * self.dims
        return *shape[:2], *slide(shape[2:], kernel, kernel, (0,) * self.dims)

    def extra_repr(self) -> str:
        return f"{self.channels}, {self.kernel}"


class GlobalPool(nn.Module):
    """The mean over the whole map, or over `size` equal parts of each axis. (B, C, H, W) -> (B, C, size, size)"""

    def __init__(self, size: int = 1, *, dims: int):
        super().__init__()
        self.size, self.dims = size, dims

    def forward(self, x: Tensor) -> Tensor:
        expect_map("GlobalPool", x.shape, self.dims)
        return MEAN_TO_SIZE[self.dims](x, self.size)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("GlobalPool", shape, self.dims)
        return *shape[:2], *(self.size,) * self.dims

    def extra_repr(self) -> str:
        return f"{self.size}"


class GlobalMaxPool(nn.Module):
    """The largest value of the whole map. (B, C, H, W) -> (B, C, 1, 1)"""

    def __init__(self, *, dims: int):
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        expect_map("GlobalMaxPool", x.shape, self.dims)
        return LARGEST[self.dims](x, x.shape[2:])

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("GlobalMaxPool", shape, self.dims)
        return *shape[:2], *(1,) * self.dims


WHOLE = {"mean": GlobalPool, "max": GlobalMaxPool}  # what a whole map is told by


CATALOGUE = {
    "max_pool": MaxPool,
    "average_pool": AveragePool,
    "trained_pool": TrainedPool,
    "global_pool": GlobalPool,
    "global_max_pool": GlobalMaxPool,
}
