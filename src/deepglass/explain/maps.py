"""The feature maps inside a network that takes pictures: which there are, where an answer is read, heat over a picture.

Letters: B rows, K channels, h w height and width of a map, H W the network's frame.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.method import Row, kind_of
from deepglass.foundation.words import say
from deepglass.graph.probe import Probe
from deepglass.graph.trace import example
from deepglass.views.boxes import Mark
from deepglass.views.heat import Heat
from deepglass.views.mask import edges

WHITE = 255


def stages(model: nn.Module) -> list[str]:
    """The names of a network's stages in the order of forward, without the head."""
    if hasattr(model, "stages"):
        return list(model.stages())  # pyright: ignore
    return [name for name, _ in model.named_children()][:-1]


def levels(model: nn.Module) -> list[str]:
    """The maps that each answer for a part of the places, finest first; nothing for most networks."""
    return list(model.levels()) if hasattr(model, "levels") else []  # pyright: ignore


def map_shapes(model: nn.Module, inputs: Tensor) -> dict[str, tuple[int, ...]]:
    """The stages and levels that give maps of more than one place, in order, with their shapes (B, K, h, w)."""
    names = [*stages(model), *levels(model)]
    with torch.no_grad(), Probe(model, names, keep=lambda tensor, kind: tuple(tensor.shape)) as probe:
        model(inputs)
    return {name: probe[name].value for name in names if name in probe and _is_map(probe[name].value)}


def last_map(model: nn.Module, inputs: Tensor) -> str | None:
    """The last stage that gives maps (B, K, h, w) or (B, K, d, h, w) of more than one place."""
    found = map_shapes(model, inputs)
    return next((name for name in reversed(stages(model)) if name in found), None)


def read_at(model: nn.Module, row: Row) -> str:
    """The maps that a row's answer is read from: the level that said a box, the last stage of one for a whole picture.

    Of a network for pixels those where it turns from down to up: coarse maps know what there is.
    """
    found = map_shapes(model, row.presented)
    names = [name for name in stages(model) if name in found]
    level = row.target.level if row.target else None
    if level is not None and len(levels(model)) > level:
        return levels(model)[level]
    if row.target and row.target.local:
        return min(reversed(names), key=lambda name: found[name][2] * found[name][3])
    return names[-1]


def gives_maps(bundle: Bundle, kinds: Sequence[str] = ("picture",)) -> bool:
    """Inputs of one of these kinds, and maps inside."""
    if kind_of(bundle) not in kinds:
        return False
    blank, *written = example(bundle.task.asks().takes, device=next(bundle.model.parameters()).device)
    return not written and last_map(bundle.model.eval(), blank) is not None


def laid_over(row: Row, heat: Tensor | np.ndarray, name: str, marks: Sequence[Mark] | None = None) -> Heat:
    """Heat (h, w) over what the network saw of the picture, without the bands around it; the box or edge is drawn.

    `marks` are drawn in the place of the target's.
    """
    values = torch.as_tensor(heat, dtype=torch.float32).cpu()
    pixels = row.prepared.cpu().numpy().transpose(1, 2, 0)
    height, width = pixels.shape[:2]
    left, top, wide, tall = row.inner or (0, 0, width, height)
    if row.inner or (row.target and row.target.local):
        values = spread(values, height, width)[top : top + tall, left : left + wide]
    pixels = pixels[top : top + tall, left : left + wide]
    if row.target and row.target.region is not None and marks is None:
        pixels = outlined(pixels, row.target.region[top : top + tall, left : left + wide])
    drawn = [
        mark._replace(corners=[end - start for end, start in zip(mark.corners, (left, top) * 2, strict=True)])
        for mark in (marks if marks is not None else row.target.marks if row.target else ())
    ]
    return Heat(pixels, values.numpy(), name, marks=drawn)


def spread(heat: Tensor, height: int, width: int) -> Tensor:
    """Heat (h, w) at every pixel of the frame. (H, W)"""
    return F.interpolate(heat[None, None], size=(height, width), mode="bilinear", align_corners=False)[0, 0]


def outlined(pixels: np.ndarray, region: np.ndarray) -> np.ndarray:
    """A picture with a white edge around a region. uint8 (H, W, C), bool (H, W)"""
    drawn = pixels.copy()
    drawn[edges(region.astype(np.uint8))] = WHITE
    return drawn


def inside_words(row: Row, heat: Tensor | np.ndarray) -> str:
    """How much of the heat lies in the box or on the pixels that are explained; nothing for the whole picture."""
    inside = explained_part(row)
    if inside is None:
        return ""
    values = torch.as_tensor(heat, dtype=torch.float32).cpu().clamp(min=0)
    lies = _picture_part(row, inside.shape)
    values = spread(values, *inside.shape).numpy() * lies
    share, area = (values * inside).sum() / max(1e-12, values.sum()), inside.sum() / lies.sum()
    assert row.target is not None
    return say(f"explain.inside_{row.target.kind}", share=f"{100 * share:.0f}", area=f"{100 * area:.2g}")


def explained_part(row: Row) -> np.ndarray | None:
    """The box or the pixels that are explained, bool (H, W) of the frame; None where it is the whole picture."""
    if row.target is None or not row.target.local:
        return None
    if row.target.region is not None or not row.target.marks:
        return row.target.region
    inside = np.zeros(tuple(row.presented.shape[-2:]), dtype=bool)
    left, top, right, bottom = (max(0, round(end)) for end in row.target.marks[0].corners)
    inside[top : max(bottom, top + 1), left : max(right, left + 1)] = True
    return inside & _picture_part(row, inside.shape)


def _picture_part(row: Row, shape: tuple[int, ...]) -> np.ndarray:
    lies = np.zeros(shape, dtype=bool)
    left, top, wide, tall = row.inner or (0, 0, shape[1], shape[0])
    lies[top : top + tall, left : left + wide] = True
    return lies


def _is_map(shape: tuple[int, ...]) -> bool:
    return len(shape) in (4, 5) and math.prod(shape[2:]) > 1
