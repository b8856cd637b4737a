"""Volumes of one size, seen through a window: values below it are all black, values above it all white.

x' = (clip(x, low, high) - mean) / std. Kept on the disk are measured values, so that a window is chosen later, and
moved in training. Where values are Hounsfield units, which mean the same in every scan, the window and the statistics
are those of the training part; else, as in MR, each scan's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor

from deepglass.data.augment.volumes import VolumeAugment, augment_volumes
from deepglass.data.example import Form
from deepglass.data.readers.volume import Cube, Fit
from deepglass.data.source import Index
from deepglass.foundation.ports import Port, Volume
from deepglass.foundation.seeds import Draws
from deepglass.tasks.kinds.kind import Seen
from deepglass.tasks.kinds.standard import FLAT
from deepglass.views.slices import Slices
from deepglass.views.view import View

Window = Literal["auto", "lung", "bone", "soft", "brain", "liver", "all"]
WINDOWS: dict[str, tuple[float, float]] = {  # centre and width in Hounsfield units, as radiologists set them
    "lung": (-600, 1500),
    "bone": (480, 2500),
    "soft": (40, 400),
    "brain": (40, 80),
    "liver": (60, 160),
    "all": (512, 3072),
}
PIECE = 16  # volumes that statistics look at together
AT_MOST = 1 << 16  # places of a volume that statistics look at
BELOW = -150.0  # Hounsfield units: only air and fat are less, and no other scanner measures below zero
OUTER = (0.005, 0.995)  # shares of all values that a window leaves out, as nnU-Net does (Isensee 2021)


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeSettings:
    """How volumes are made one size, seen and, in training, varied."""

    fit: Fit = "pad"  # pad: all of it in its proportions; crop: its middle; stretch: every axis by itself
    spacing: Annotated[float, Ge(0), Le(100)] = 0.0  # millimetres from place to place; 0: as large as fits the model
    window: Window = "auto"  # what is seen of Hounsfield units; auto: all but the outermost of the training part
    center: float = 0.0  # a window of one's own, where its width is not 0
    width: Annotated[float, Ge(0)] = 0.0
    augment: VolumeAugment = VolumeAugment()


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeFacts:
    """What was learned of volumes from the training part."""

    kind: Literal["volume"] = "volume"
    columns: tuple[str, ...] = ()
    depth: int = 0
    height: int = 0
    width: int = 0
    spacing: float = 0.0
    fit: Fit = "pad"
    hounsfield: bool = False
    window: tuple[float, ...] = ()  # low and high, where all scans share one
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class VolumeKind:
    """float16 (1, D, H, W) as measured; float (B, 1, D, H, W) for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> VolumeFacts:
        depth, height, width = seen.size
        chosen: VolumeSettings = settings.volume
        return VolumeFacts(depth=depth, height=height, width=width, spacing=chosen.spacing, fit=chosen.fit)

    def form(self, facts: VolumeFacts, settings: Any) -> Form:
        return cube_of(facts)

    def depends(self, facts: VolumeFacts, settings: Any) -> Any:
        return [facts.kind, *cube_of(facts)]

    def settle(self, facts: VolumeFacts, settings: Any, values: Any) -> VolumeFacts:
        return facts if facts.mean else settled(facts, settings.volume, values)

    def encoder(self, facts: VolumeFacts, settings: Any) -> None:
        return None

    def port(self, facts: VolumeFacts) -> Port:
        return Volume(1, facts.depth, facts.height, facts.width)

    def present(self, values: Any, facts: VolumeFacts, settings: Any, draws: Draws | None) -> Tensor:
        shown = standardised(values.float(), facts)
        return shown if draws is None else augment_volumes(shown, draws, settings.volume.augment)

    def show(self, raw: Any, facts: VolumeFacts, caption: str) -> View:
        return slices_of(cube_of(facts)(raw)[0].astype(np.float32), facts, caption)


def cube_of(facts: VolumeFacts) -> Cube:
    """The size that these volumes are made."""
    return Cube(facts.depth, facts.height, facts.width, facts.spacing, facts.fit)


def standardised(values: Tensor, facts: VolumeFacts) -> Tensor:
    """Measured values as the network sees them. (B, 1, D, H, W)"""
    if facts.hounsfield:
        low, high = facts.window
        return values.clamp(low, high).sub_(facts.mean[0]).div_(facts.std[0])
    axes = tuple(range(1, values.ndim))
    std = values.std(axes, correction=0, keepdim=True)
    return (values - values.mean(axes, keepdim=True)) / torch.where(std > FLAT, std, 1.0)


def settled(facts: VolumeFacts, settings: VolumeSettings, values: Any) -> VolumeFacts:
    """The facts with the window and the statistics inside it, from every n-th place of the training part's volumes."""
    sampled = [_thinned(values[start : start + PIECE]) for start in range(0, len(values), PIECE)]
    found = np.sort(np.concatenate(sampled))
    own = settings.width > 0 or settings.window != "auto"
    hounsfield = own or bool(found[int(OUTER[0] * (len(found) - 1))] < BELOW)
    low, high = (float(found[round(share * (len(found) - 1))]) for share in OUTER)
    if own:
        center, width = (settings.center, settings.width) if settings.width else WINDOWS[settings.window]
        low, high = center - width / 2, center + width / 2
    inside = found.clip(low, high)
    mean, std = float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64))
    std = std if std > FLAT else 1.0
    return replace(facts, hounsfield=hounsfield, window=(low, high), mean=(mean,), std=(std,))


def grey_of(measured: np.ndarray, facts: VolumeFacts) -> np.ndarray:
    """Measured values as they are looked at: through the window that all scans share, or from least to most.

    float32 (D, H, W) -> uint8 (D, H, W)
    """
    low, high = facts.window if facts.hounsfield and facts.window else (float(measured.min()), float(measured.max()))
    return (((measured - low) / max(high - low, FLAT)).clip(0, 1) * 255).round().astype(np.uint8)


def slices_of(measured: np.ndarray, facts: VolumeFacts, caption: str, heat: np.ndarray | None = None) -> Slices:
    """A prepared volume as slices, with heat of any size laid over it."""
    if heat is not None:
        wide = F.interpolate(torch.from_numpy(heat)[None, None].float(), size=measured.shape, mode="trilinear")
        heat = wide[0, 0].numpy()
    return Slices(grey_of(measured, facts), caption, heat=heat)


def _thinned(volumes: Iterable[np.ndarray]) -> np.ndarray:
    """Every n-th place of each, so that all of a large set fits into memory."""
    found: list[np.ndarray] = []
    for one in volumes:
        flat = np.asarray(one).ravel()
        found.append(flat[:: -(-len(flat) // AT_MOST) | 1])  # odd: even steps would meet the same columns in every row
    return np.concatenate(found).astype(np.float32)


CATALOGUE = {"volume": VolumeKind()}
