"""Shape rules without torch: what a convolution, a pool or a dense layer makes of (B, C, ...).

A shape is a tuple with the batch first. A rule that cannot be met raises ValueError with both sides of the mismatch.
"""

from collections.abc import Sequence
from math import prod

Shape = tuple[int, ...]
AXES = {1: "T", 2: "H, W", 3: "D, H, W"}


def each(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """One number per spatial axis: 3 -> (3, 3) for two dimensions."""
    values = (value,) * dims if isinstance(value, int) else tuple(value)
    if len(values) != dims:
        raise ValueError(f"expected one number or {dims} of them, one per axis; got {values}.")
    return values


def expect_map(block: str, shape: Sequence[int], dims: int, channels: int | None = None) -> None:
    """Refuse a shape that is not (batch, channels, axes), or that has other channels than `channels`."""
    if len(shape) != dims + 2:
        raise ValueError(f"{block} with dims={dims} expects (batch, channels, {AXES[dims]}); got shape {tuple(shape)}.")
    if channels is not None and shape[1] != channels:
        raise ValueError(f"{block} expects {channels} channels; got {shape[1]} in shape {tuple(shape)}.")


def expect_last(block: str, shape: Sequence[int], features: int) -> None:
    """Refuse a shape whose last axis does not hold `features` numbers."""
    if not shape or shape[-1] != features:
        raise ValueError(f"{block} expects {features} features in the last axis; got shape {tuple(shape)}.")


def expect_steps(block: str, shape: Sequence[int], features: int) -> None:
    """Refuse a shape that is not (batch, steps, features)."""
    if len(shape) != 3 or shape[2] != features:
        raise ValueError(f"{block} expects (batch, steps, {features}); got shape {tuple(shape)}.")


def window(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """How many windows fit along one axis: ⌊(size + 2·padding - dilation·(kernel - 1) - 1) / stride⌋ + 1."""
    reach = dilation * (kernel - 1) + 1
    if size + 2 * padding < reach:
        raise ValueError(f"a window of {reach} does not fit into a size of {size} with padding {padding}.")
    return (size + 2 * padding - reach) // stride + 1


def slide(shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape | None = None) -> Shape:
    """The spatial axes after a window has slid over each: used by convolution and pooling. (H, W) -> (H', W')"""
    dilation = dilation or (1,) * len(shape)
    return tuple(window(*axis) for axis in zip(shape, kernel, stride, padding, dilation, strict=True))


def flatten(shape: Shape) -> Shape:
    """(B, C, H, W) -> (B, C·H·W)"""
    return shape[0], prod(shape[1:])


def concatenate(shapes: Sequence[Shape], axis: int = 1) -> Shape:
    """Shapes that agree but for `axis`, laid side by side along it."""
    first = list(shapes[0])
    for other in shapes[1:]:
        if len(other) != len(first) or any(
            a != b for i, (a, b) in enumerate(zip(first, other, strict=True)) if i != axis
        ):
            raise ValueError(f"shapes {tuple(shapes)} differ elsewhere than in axis {axis}.")
    first[axis] = sum(shape[axis] for shape in shapes)
    return tuple(first)
