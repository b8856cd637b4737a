"""Pictures a second of StyleGAN2 in training, beside NVIDIA's published seconds and beside the naive chain of filters.

    python benchmarks/stylegan_speed.py [--side 256] [--batch 16] [--rounds 5] [--ways compiled eager naive]

The network, batch and settings of the row `256², 1 GPU` among the "Old StyleGAN2-ADA configurations" in docs/configs.md
of NVlabs/stylegan3: 16384 maps times pixels, a mapping of 2 layers, adaptive augmentation, lazy R1 and path lengths,
styles mixed for nine in ten. It says 20.84 seconds for 1000 pictures on a V100 and 12.53 on an A100, with kernels of
its own in CUDA, cuDNN timing its algorithms and float16 at the four finest sizes. Here is pure PyTorch: a step of
`deepglass train` in bfloat16, channels last, kernels that repeat themselves.

    compiled   turns go through the compiler but for the two that differentiate twice
    eager      none does
    naive      eager, and filters as they are spelled out: zeros put between, padded, convolved map by map, places left
               out; a doubling convolution is a stride of zeros, too; a kernel of its own for each picture of a batch

In a round each takes 16 steps, so that every lazy turn comes in its share; what counts is the median over the rounds.
"""

import argparse
import contextlib
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from deepglass.blocks.blur import Blur, BlurUp
from deepglass.blocks.modulated import EPSILON, ModulatedConv
from deepglass.engine.plan import Plan, write_plan
from deepglass.foundation.device import choose_device, synchronize

sys.path.insert(0, str(Path(__file__).parent / "contestants"))

from opened import opened  # noqa: E402

STEPS = 16  # a multiple of how often lazy turns come
PICTURES = 256
PUBLISHED = {"V100": 20.84, "A100": 12.53}  # seconds for 1000 pictures, 256 pixels, one GPU
TWICE = (1, 3)  # turns that differentiate twice: the slope at real pictures, and path lengths
NEVER = 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--side", type=int, default=256)
    words.add_argument("--batch", type=int, default=16)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--ways", nargs="*", default=["compiled", "eager", "naive"])
    asked = words.parse_args()
    device = choose_device()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder) / "pictures", asked.side)
        ways = {way: started(way, asked, Path(folder)) for way in asked.ways}
        rounds = [{way: seconds(step, device) for way, step in ways.items()} for _ in range(asked.rounds)]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(f"{name}, torch {torch.__version__}, {asked.side} pixels, {asked.batch} pictures a step")
    for way in ways:
        taken = sorted(1000 * one[way] / (STEPS * asked.batch) for one in rounds)
        middle, spread = statistics.median(taken), f"{taken[0]:.2f} to {taken[-1]:.2f}"
        beside = ", ".join(f"{one} {known / middle:.2f}" for one, known in PUBLISHED.items())
        print(f"{way}: {middle:.2f} s for 1000 pictures ({spread}), {1000 / middle:.1f} a second; times {beside}")


def started(way: str, asked: argparse.Namespace, folder: Path) -> Callable[[], None]:
    """A step that way, after the lazy turns have come once."""
    compiled = way == "compiled"
    plan = Plan(precision="bf16", layout="channels_last", compile="inductor" if compiled else "no", eager_turns=TWICE)
    (folder / way).mkdir()
    write_plan(plan, folder / way)
    settings = {
        **{"model.name": "stylegan2", "model.base": 16384, "model.depth": 2, "task.name": "generate_images"},
        **{"task.latent": 512, "task.picture.size": asked.side, "task.picture.augment.flip": False},
        **{"task.slope": 0.8192 / 2, "task.path": 2.0, "task.mixing": 0.9, "task.adaptive": 0.6},
        **{"train.batch": asked.batch, "train.lr": 2.5e-3, "train.momentum": 0.0, "train.average": 0.999},
        **{"train.steps": 10**6, "train.plan": folder / way / "plan.json"},
        **{"train.check_epochs": NEVER, "train.save_minutes": NEVER},
    }
    one, _ = opened(folder / "pictures", settings, folder / way / "run")

    def step() -> None:
        with spelled_out() if way == "naive" else contextlib.nullcontext():
            one()

    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    print(f"{way}: first {STEPS} steps {time.perf_counter() - began:.1f} s", flush=True)
    return step


def draw(folder: Path, side: int) -> None:
    """Pictures of noise: what they show changes no speed."""
    for half in ("a", "b"):
        (folder / half).mkdir(parents=True)
    for number in range(PICTURES):
        pixels = np.random.default_rng(number).integers(0, 255, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "ab"[number % 2] / f"{number:03d}.png", compress_level=1)


def seconds(step: Callable[[], None], device: torch.device) -> float:
    """How long so many steps take."""
    synchronize(device)
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    synchronize(device)
    return time.perf_counter() - began


@contextlib.contextmanager
def spelled_out() -> Iterator[None]:
    """Filters and modulated convolutions as the naive chain has them, inside the `with`."""
    with (
        mock.patch.object(Blur, "forward", _blurred),
        mock.patch.object(BlurUp, "forward", _doubled),
        mock.patch.object(ModulatedConv, "forward", _modulated),
    ):
        yield


def filtered(x: Tensor, taps: Tensor, up: int, before: int, after: int) -> Tensor:
    """Zeros put between, zeros around, each map convolved. (B, C, H, W) -> (B, C, up H + before + after - 3, ...)"""
    rows, maps, height, width = x.shape
    x = F.pad(x.reshape(rows, maps, height, 1, width, 1), (0, up - 1, 0, 0, 0, up - 1))
    x = F.pad(x.reshape(rows, maps, height * up, width * up), (before, after, before, after))
    return F.conv2d(x, taps.to(x.dtype).expand(maps, 1, -1, -1), groups=maps)


def _blurred(self: Blur, x: Tensor) -> Tensor:
    return filtered(x, self.taps, 1, self.padding, self.padding)


def _doubled(self: BlurUp, x: Tensor) -> Tensor:
    return filtered(x, self.taps, 2, 2, 1)


def _modulated(self: ModulatedConv, image: Tensor, style: Tensor) -> Tensor:
    rows, _, height, width = image.shape
    weight = self.weight / math.sqrt(self.weight[0].numel()) * style[:, None, :, None, None]  # (B, K, C, k, k)
    if self.demodulate:
        weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + EPSILON).rsqrt()
    image = image.reshape(1, -1, height, width)
    if self.blur is None:
        made = F.conv2d(image, weight.flatten(0, 1), padding=self.kernel // 2, groups=rows)
        return made.reshape(rows, self.outputs, height, width)
    turned = weight.transpose(1, 2).flatten(0, 1)  # (B C, K, k, k)
    made = F.conv_transpose2d(image, turned, stride=2, groups=rows)
    return self.blur(made.reshape(rows, self.outputs, *made.shape[2:]))


if __name__ == "__main__":
    main()
