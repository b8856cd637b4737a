"""Pictures of one size.

x' = (x - mean) / std, per channel, with the training part's statistics, or those that public weights were trained with.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from torch import Tensor

from deepglass.data.augment.pictures import PictureAugment, augment_pictures, fit_pictures
from deepglass.data.example import Form
from deepglass.data.readers.picture import Fit
from deepglass.data.source import Index
from deepglass.foundation.ports import Image, Port
from deepglass.foundation.seeds import Draws
from deepglass.tasks.kinds.kind import Seen
from deepglass.tasks.kinds.standard import PIECE, byte_statistics, constants
from deepglass.views.picture import Picture
from deepglass.views.view import View


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureSettings:
    """How pictures are made one size and, in training, varied."""

    size: Annotated[int, Ge(0), Le(4096)] = 0  # pixels a side; 0: the model's own, or chosen from the data
    fit: Literal["crop", "pad", "stretch"] = "crop"
    channels: Literal["auto", "grey", "colour"] = "auto"
    augment: PictureAugment = PictureAugment()


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFacts:
    """What was learned of pictures from the training part."""

    kind: Literal["picture"] = "picture"
    channels: int = 0
    height: int = 0
    width: int = 0
    smooth: Literal["bilinear", "bicubic"] = "bilinear"
    columns: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


class PictureKind:
    """uint8 (C, H, W), decoded and fitted; float (B, C, H, W) for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> PictureFacts:
        wanted = {"grey": 1, "colour": 3}.get(settings.picture.channels, seen.channels)
        return PictureFacts(channels=wanted, height=seen.size[0], width=seen.size[1])

    def form(self, facts: PictureFacts, settings: Any) -> Form:
        return Fit(facts.channels, facts.height, facts.width, settings.picture.fit, facts.smooth)

    def depends(self, facts: PictureFacts, settings: Any) -> Any:
        size = [facts.channels, facts.height, facts.width]
        return [facts.kind, *size, list(facts.columns), settings.picture.fit, facts.smooth]

    def settle(self, facts: PictureFacts, settings: Any, values: Any) -> PictureFacts:
        if facts.mean:
            return facts
        in_tiles = hasattr(settings, "tiles") and settings.tiles.cut
        mean, std = byte_statistics(_whole(values) if in_tiles else _several(values), facts.channels)
        return replace(facts, mean=mean, std=std)

    def encoder(self, facts: PictureFacts, settings: Any) -> None:
        return None

    def port(self, facts: PictureFacts) -> Port:
        return Image(facts.channels, facts.height, facts.width)

    def present(self, values: Any, facts: PictureFacts, settings: Any, draws: Draws | None) -> Tensor:
        mean, std = constants(facts.mean, facts.std, (-1, 1, 1), values.device)
        size = (facts.height, facts.width)
        if draws is None:
            return fit_pictures(values, size).sub_(mean).div_(std)
        return augment_pictures(values, draws, settings.picture.augment, size).sub_(mean).div_(std)

    def show(self, raw: Any, facts: PictureFacts, caption: str) -> View:
        return Picture(raw.pixels, caption)


def _several(values: Any) -> Iterator[np.ndarray]:
    return (values[start : start + PIECE] for start in range(0, len(values), PIECE))  # (n, C, H, W)


def _whole(values: Any) -> Iterator[np.ndarray]:
    return (values[row : row + 1][0] for row in range(len(values)))  # (H · W, C)


CATALOGUE = {"picture": PictureKind()}
