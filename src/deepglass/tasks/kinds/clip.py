"""Clips: frames of one size at one rate, of which a network sees so many.

x' = (x - mean) / std, per channel, with the training part's statistics. Kept on the disk are all frames of a row, so
that training can begin somewhere else at every visit. Changes are what differs from the mean over the D frames that are
seen together:  c_t = x'_t - 1/D Σ_s x'_s.  What stands still is gone from them, and what moves is not lost beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor

from deepglass.data.augment.clips import ClipAugment, Sampling, augment_clips, places, seen
from deepglass.data.augment.pictures import as_floats
from deepglass.data.example import Column, Form, Ragged
from deepglass.data.readers.video import Clip, Frames
from deepglass.data.source import Index
from deepglass.foundation.ports import Port, Volume
from deepglass.foundation.seeds import Draws
from deepglass.tasks.kinds.kind import Seen
from deepglass.tasks.kinds.standard import byte_statistics, constants
from deepglass.views.picture import Gallery, Picture
from deepglass.views.view import View

SHOWN = 8  # frames of a contact sheet
Sees = Literal["frames", "changes", "both"]
PIECE = 16  # rows that statistics look at together
SIDE = 64  # pixels where neither the settings nor the model say


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipSettings:
    """How videos become frames of one size and, in training, are varied."""

    size: Annotated[int, Ge(0), Le(1024)] = 0  # pixels a side; 0: 64
    fit: Literal["crop", "stretch"] = "crop"
    channels: Literal["auto", "grey", "colour"] = "auto"
    rate: Annotated[float, Gt(0), Le(120)] = 8.0  # frames a second
    frames: Annotated[int, Ge(1), Le(512)] = 16  # that the network sees
    sampling: Sampling = "run"  # one behind the other from a drawn start on, or one of each part of the whole clip
    sees: Sees = "frames"  # the frames as they are, what changes in them, or both as channels of their own
    longest: Annotated[float, Ge(0)] = 30.0  # seconds from the start that are kept; 0: all
    augment: ClipAugment = ClipAugment()


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipFacts:
    """What was learned of clips from the training part."""

    kind: Literal["clip"] = "clip"
    columns: tuple[str, ...] = ()
    channels: int = 0
    frames: int = 0  # that the network sees
    height: int = 0
    width: int = 0
    sees: Sees = "frames"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class ClipKind:
    """uint8 (T, C, H, W), decoded and fitted; float (B, C, D, H, W), or of both (B, 2C, D, H, W), for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> ClipFacts:
        wanted = {"grey": 1, "colour": 3}.get(settings.clip.channels, seen.channels or 3)
        chosen: ClipSettings = settings.clip
        side = chosen.size or SIDE
        return ClipFacts(channels=wanted, frames=chosen.frames, height=side, width=side, sees=chosen.sees)

    def form(self, facts: ClipFacts, settings: Any) -> Form:
        chosen: ClipSettings = settings.clip
        return Frames(facts.channels, facts.height, facts.width, chosen.fit, chosen.rate, chosen.longest)

    def depends(self, facts: ClipFacts, settings: Any) -> Any:
        size = [facts.channels, facts.height, facts.width]
        return [facts.kind, *size, settings.clip.fit, settings.clip.rate, settings.clip.longest]

    def settle(self, facts: ClipFacts, settings: Any, values: Any) -> ClipFacts:
        if facts.mean:
            return facts
        mean, std = byte_statistics(_frames(values), facts.channels)
        return replace(facts, mean=mean, std=std)

    def encoder(self, facts: ClipFacts, settings: Any) -> None:
        return None

    def port(self, facts: ClipFacts) -> Port:
        return Volume(facts.channels * (1 + (facts.sees == "both")), facts.frames, facts.height, facts.width)

    def present(self, values: Column, facts: ClipFacts, settings: Any, draws: Draws | None) -> Tensor:
        chosen: ClipSettings = settings.clip
        frames = seen(values, places(lengths_of(values), facts.frames, chosen.sampling, draws))
        floats = as_floats(frames) if draws is None else augment_clips(frames, draws, chosen.augment)
        return standardised(floats, facts)

    def show(self, raw: Any, facts: ClipFacts, caption: str) -> View:
        return sheet_of(raw, caption)


def lengths_of(values: Column) -> Tensor:
    """How many frames each row has. int64 (B,)"""
    if isinstance(values, Ragged):
        return values.lengths
    return torch.full((len(values),), values.shape[1], device=values.device)


def standardised(floats: Tensor, facts: ClipFacts) -> Tensor:
    """As the network sees them. (B, D, C, H, W) -> (B, C, D, H, W), or (B, 2C, D, H, W): frames, then changes"""
    mean, std = constants(facts.mean, facts.std, (-1, 1, 1), floats.device)
    frames = floats.sub_(mean).div_(std).transpose(1, 2)
    if facts.sees == "frames":
        return frames
    changes = frames - frames.mean(2, keepdim=True)
    return changes if facts.sees == "changes" else torch.cat([frames, changes], 1)


def sheet_of(raw: Clip, caption: str) -> Gallery:
    """A contact sheet: frames at even distances, with their times."""
    count = min(SHOWN, len(raw.frames))
    chosen = np.linspace(0, len(raw.frames) - 1, count).round().astype(int)
    pictures = [Picture(raw.frames[at], f"{raw.times[at]:.1f} s") for at in chosen.tolist()]
    return Gallery(pictures, caption, across=4)


def _frames(values: Any) -> Iterator[np.ndarray]:
    """All frames of all rows, some rows at a time. uint8 (N, C, H, W)"""
    for start in range(0, len(values), PIECE):
        piece: Sequence[np.ndarray] = values[start : start + PIECE]
        yield from piece


CATALOGUE = {"clip": ClipKind()}
