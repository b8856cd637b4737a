"""What a catalogue entry of public weights says, and how pictures were prepared when they were trained."""

from dataclasses import dataclass
from typing import Literal

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """Pixels are scaled to 0 .. 1, then standardised: (x - mean) / std for each channel."""

    channels: int = 3
    height: int = 224
    width: int = 224
    smooth: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicWeights:
    """Weights that somebody has published; nothing is fetched unless the user asks for it."""

    model: str  # the name in models/
    repo: str = ""  # of the Hugging Face hub; empty: not there
    file: str = "model.safetensors"  # in that repository, or where it can be downloaded
    sha256: str = ""  # of the file, or its beginning as far as it is known; empty: not known
    licence: str
    trained_on: str = "imagenet-1k"
    classes: int = 1000
    preprocessing: Preprocessing = Preprocessing()
