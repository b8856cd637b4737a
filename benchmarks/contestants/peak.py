"""The convolution peak of this machine: the best of a few large convolutions, forward and backward, in oneDNN.

Prints JSON: GFLOP/s in fp32 and bf16, channels last, both gradients included; 2 operations a multiply-accumulate step.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

SHAPES = (  # pictures, channels in and out, side, kernel
    (64, 128, 32, 3),
    (64, 256, 16, 3),
    (64, 256, 28, 3),
    (32, 512, 14, 3),
    (16, 512, 28, 3),
    (32, 256, 56, 3),
    (32, 1024, 14, 1),
)


def speed(shape: tuple[int, int, int, int], dtype: torch.dtype, seconds: float) -> float:
    """GFLOP/s of forward and backward of one convolution: the best of its repeats."""
    count, channels, side, kernel = shape
    form = torch.channels_last
    x = torch.randn(count, channels, side, side).to(dtype=dtype, memory_format=form).requires_grad_()
    weight = torch.randn(channels, channels, kernel, kernel).to(dtype=dtype, memory_format=form).requires_grad_()
    flops = 6 * count * channels * channels * side * side * kernel * kernel
    above = torch.randn(count, channels, side, side).to(dtype=dtype, memory_format=form)
    fastest, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until or fastest == float("inf"):
        began = time.perf_counter()
        F.conv2d(x, weight, padding=kernel // 2).backward(above)
        fastest = min(fastest, time.perf_counter() - began)
        x.grad = weight.grad = None
    return flops / fastest / 1e9


def main() -> None:
    seconds = float(sys.argv[1])
    found = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        speeds = {"x".join(map(str, shape)): round(speed(shape, dtype, seconds), 1) for shape in SHAPES}
        found[name] = max(speeds.values())
        found[f"{name} of each shape"] = speeds
    print(json.dumps(found))


if __name__ == "__main__":
    main()
