"""A real picture looked for among those that a generator can make: the code that makes its like is learned.

    code ─► generator ─► picture ─┬─► how far apart, at full size, at half of it, at a quarter ... ─► code
                     real picture ┘

It begins with the nearest of many drawn pictures. Its steps are small beside how far codes spread, noise that fades is
added on the way, so that it does not stay where it happened to begin, and a code pays for being one that nobody would
draw (Karras 2020, arXiv:1912.04958, appendix D; Abdal 2019, arXiv:1904.03189, for a style of its own for each layer).
"""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.data.example import Batch
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import DataError
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.foundation.words import say
from deepglass.tasks.brought import apart
from deepglass.tasks.generate_images import AT_ONCE, as_bytes

if TYPE_CHECKING:
    from deepglass.tasks.latents import Latents

DRAWN = 512  # codes that it may begin with
RATE, RISE, FALL = 0.1, 0.05, 0.25  # in spreads of codes a step; the shares of the steps in which it rises and falls
NOISE, FADED = 0.05, 0.75  # spreads; the share of the steps after which none is added
USUAL = 0.001  # weight of being unlike any drawn code, beside the mean square of all distances
SMALLEST = 4  # pixels a side to which both are averaged, at least


class Projected(NamedTuple):
    """A picture and its likest, with how far they are apart: the mean difference as a share of black to white."""

    real: np.ndarray  # uint8 (H, W, C), as the network would have seen it
    found: np.ndarray
    distance: float
    begun: float  # of the nearest drawn picture
    label: str  # the class that it was made as, if any
    code: Tensor  # (L, W) or (Z,)
    noise: Tensor | None  # int64 (1,): the key of the noise that it was made with, of styles


def project(latents: "Latents", raw: Any, steps: int = 300, seed: int = 0, label: str = "") -> Projected:
    """The picture of the generator that is most like a real one; the same of the same seed and steps.

    Of classes that can be asked for, where none is named, the one of the nearest drawn picture.
    """
    real = _shown(latents, raw)
    drawn, codes = _nearest(latents, real, seed, label)
    start, spread, mean = codes[:1], codes.std(0) + 1e-8, codes.mean(0)
    moved = torch.zeros_like(start).requires_grad_(True)  # in spreads
    adam = torch.optim.Adam([moved], lr=RATE, betas=(0.9, 0.999))
    with torch.no_grad():
        begun = latents.made(start, drawn)
        best, lowest = moved.detach().clone(), float(_far(begun, real))
    draws = Draws(row_keys(seed, "project", 0, 1).to(start.device), "noise")
    for step in range(steps):
        done = step / steps
        noise = NOISE * max(0.0, 1 - done / FADED) ** 2
        code = start + spread * (moved + noise * draws.normal(str(step), *start.shape[1:]))
        far = _far(latents.made(code, drawn), real)
        unusual = ((start + spread * moved - mean) / spread).square().mean()
        if not noise and far.item() < lowest:
            best, lowest = moved.detach().clone(), far.item()
        (moved.grad,) = torch.autograd.grad(far + USUAL * unusual, [moved])
        adam.param_groups[0]["lr"] = RATE * min(1.0, (done + 1 / steps) / RISE, _falling(done))
        adam.step()
    with torch.no_grad():
        if float(_far(latents.made(start + spread * moved, drawn), real)) < lowest:
            best = moved.detach()
        found = latents.made(start + spread * best, drawn)
    number = int(drawn["label"][0]) if "label" in drawn else -1
    return Projected(
        as_bytes(real)[0].cpu().numpy().transpose(1, 2, 0),
        as_bytes(found)[0].cpu().numpy().transpose(1, 2, 0),
        float(apart(found.clamp(-1, 1), real)) / 2,
        float(apart(begun.clamp(-1, 1), real)) / 2,
        latents.task.facts.labels[number] if number >= 0 else "",
        (start + spread * best)[0].cpu(),
        drawn["noise"].cpu() if latents.styled else None,
    )


def _shown(latents: "Latents", raw: Any) -> Tensor:
    """The picture as the discriminator would see it. (1, C, H, W)"""
    if isinstance(raw, Unreadable):
        raise DataError("tasks.cannot_project", reason=say(f"data.{raw.reason}", **raw.values))
    row = latents.task.prepare(raw).inputs["input"]
    return latents.task.present(Batch(("",), {"input": row[None].to(latents.device)}))["input"]


@torch.no_grad()
def _nearest(latents: "Latents", real: Tensor, seed: int, label: str) -> tuple[Batch, Tensor]:
    """What the nearest of many drawn pictures is made of, and the codes of all, its own first."""
    drawn = latents.task.drawn(DRAWN, label, seed).to(latents.device)
    codes = latents.codes(drawn)
    far = [
        _each(latents.made(codes[at : at + AT_ONCE], drawn.rows(at, at + AT_ONCE)), real)
        for at in range(0, DRAWN, AT_ONCE)
    ]
    place = int(torch.cat(far).argmin())
    order = torch.cat([torch.tensor([place]), torch.arange(DRAWN)]).to(codes.device)
    return drawn.rows(place, place + 1), codes[order]


def _far(made: Tensor, real: Tensor) -> Tensor:
    return _each(made, real).sum()


def _each(made: Tensor, real: Tensor) -> Tensor:
    """The mean square of what differs at full size, at half of it and so on, together. (B, C, H, W), (1, ...) -> (B,)

    Fine differences alone would say nothing of where to go while a shape is still beside its place.
    """
    differs = made.float() - real.float()
    found = differs.square().flatten(1).mean(1)
    while min(differs.shape[2:]) >= 2 * SMALLEST:
        differs = F.avg_pool2d(differs, 2)
        found = found + differs.square().flatten(1).mean(1)
    return found


def _falling(done: float) -> float:
    """1, and along half a cosine down to 0 in the last steps."""
    left = min(1.0, (1 - done) / FALL)
    return 0.5 - 0.5 * math.cos(math.pi * left)
