"""What every model of the zoo keeps to, and the checks by which a configuration is fitted to data.

A model file holds a frozen configuration, the network, and `CATALOGUE`, whose entries are configurations:

    config = find("models", "resnet18")                        # any field may be set by path: model.classes=5
    config = config.fitted(Ports(Image(3, 96, 96), Vector(5)))  # sized for the data, or PortMismatch
    network = config.build()                                   # a plain nn.Module: (B, 3, 96, 96) -> logits (B, 5)
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from deepglass.blocks.strided import halvings
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import (
    Captions,
    Image,
    Latent,
    LatentSteps,
    Map,
    Places,
    Plates,
    Players,
    Port,
    PortMismatch,
    Ports,
    Rivals,
    Series,
    Steps,
    Tokens,
    Translation,
    Unseen,
    Vector,
    Volume,
)
from deepglass.foundation.words import say

HALF = 4  # steps that are kept and steps that are changed, where it is asked what a network sees
LEAST_MOVED = 1e-4  # of the largest number; less is arithmetic
NAMED: dict[type, str] = {  # ports as people call what goes through them: keys of foundation/words/models.toml
    **{Vector: "rows", Image: "pictures", Volume: "volumes"},
    **{Tokens: "texts", Series: "series", Translation: "translations"},
    **{Captions: "captions"},
    **{Steps: "steps", Places: "places", Map: "maps"},
    **{Players: "players", Rivals: "rivals", Latent: "latents", LatentSteps: "latent_steps", Plates: "plates"},
}


class Config(Protocol):
    """Every number that is needed to build a network, as a frozen dataclass."""

    def ports(self) -> Ports:
        """What the network takes, a picture in its preferred size, and what it gives."""
        ...

    def fitted(self, ports: Ports) -> Self:
        """The same network sized for the data and the task; PortMismatch says why where it cannot be."""
        ...

    def build(self) -> nn.Module:
        """A fresh network with started weights; it keeps `Model`."""
        ...


class Trunk(Protocol):
    """What stands below the head of a model, for another model that stands on it: `config.trunk(channels, stem)`.

    Models never import each other, so `build(trunk)` is handed one where the configuration has a field `backbone`.
    """

    strides: tuple[int, ...]  # of its maps, finest first
    widths: tuple[int, ...]  # their channels

    def __call__(self, image: Tensor) -> list[Tensor]: ...


class StartsFromData(Protocol):
    """A model that takes a part of its start from data; what it sets is a buffer, saved with the weights."""

    def start_from(self, inputs: Tensor) -> None:
        """Some training rows as the network will see them (N, ...): asked once, before the first step of a new run."""
        ...


class Model(Protocol):
    """A plain nn.Module that says where its parts are."""

    head: ClassVar[str]  # the submodule that makes the logits: replaced for new classes, trained faster

    def forward(self, x: Tensor | Padded) -> Tensor | Padded:
        """One batch in, logits out: (B, K), or of every step Padded (B, T, V). A translator is called with two rows."""
        ...

    def stages(self) -> list[str]:
        """Submodules whose outputs are the named stages, in the order of forward, without the head.

        Maps come first, so the last of them that gives (B, C, H, W) is the one that Grad-CAM looks at. A detector has
        `levels()` as well: the submodules whose maps its boxes are read from, finest first.
        """
        ...


class Styled(Protocol):
    """A generator that goes by way of styles, one for each layer from coarse to fine: `Players.styled` asks for it.

    Called with latents (and classes) it gives pictures, as every generator; these two are its halves.
    """

    def styles(
        self,
        latent: Tensor,
        label: Tensor | None = None,
        *,
        other: Tensor | None = None,
        crossing: Tensor | None = None,
        truncation: float = 1.0,
    ) -> Tensor:
        """(B, L, W): those of another latent from a share `crossing` of the layers on; nearer to their mean."""
        ...

    def synthesis(self, styles: Tensor, noise: Tensor | None = None) -> Tensor:
        """Pictures from styles; a row's noise follows from its key (B,), and is the same for all without."""
        ...


def classes_asked(model: str, ports: Ports) -> int:
    """How many classes the task wants told apart."""
    if not isinstance(ports.gives, Vector):
        raise PortMismatch("models.gives_classes", model=model, asked=described(ports.gives))
    return ports.gives.size


def picture_asked(model: str, ports: Ports, *, least: int = 1, exactly: int | None = None) -> Image:
    """The picture that the data offers, refused where it is smaller than `least` or other than `exactly`."""
    picture = ports.takes
    if not isinstance(picture, Image):
        raise PortMismatch("models.wants_picture", model=model, found=described(picture))
    size = {"height": picture.height, "width": picture.width}
    if exactly is not None and set(size.values()) != {exactly}:
        raise PortMismatch("models.exact_size", model=model, wanted=exactly, **size)
    if min(size.values()) < least:
        raise PortMismatch("models.too_small", model=model, least=least, **size)
    return picture


def volume_asked(model: str, ports: Ports, *, least: tuple[int, int, int] = (1, 1, 1)) -> Volume:
    """The volume or clip that the data offers, refused where it is smaller than `least`: depth, height, width."""
    volume = ports.takes
    if not isinstance(volume, Volume):
        raise PortMismatch("models.wants_volume", model=model, found=described(volume))
    size = (volume.depth, volume.height, volume.width)
    if any(own < wanted for own, wanted in zip(size, least, strict=True)):
        wanted, found = ("x".join(map(str, numbers)) for numbers in (least, size))
        raise PortMismatch("models.volume_too_small", model=model, least=wanted, found=found)
    return volume


def numbers_asked(model: str, ports: Ports) -> tuple[int, ...]:
    """The shape of one row of numbers: (F,) of a table, (C, H, W) of a picture."""
    if isinstance(ports.takes, Vector):
        return (ports.takes.size,)
    if isinstance(ports.takes, Image):
        return ports.takes.channels, ports.takes.height, ports.takes.width
    raise PortMismatch("models.wants_numbers", model=model, found=described(ports.takes))


def tokens_asked(model: str, ports: Ports) -> int:
    """How many different tokens the data has."""
    if not isinstance(ports.takes, Tokens):
        raise PortMismatch("models.wants_tokens", model=model, found=described(ports.takes))
    return ports.takes.vocabulary


def series_asked(model: str, ports: Ports) -> int:
    """How many channels the data's series have."""
    if not isinstance(ports.takes, Series):
        raise PortMismatch("models.wants_series", model=model, found=described(ports.takes))
    return ports.takes.channels


def translation_asked(model: str, ports: Ports) -> Translation:
    """How many different tokens the two languages have; those of the second are what every step gives."""
    if not isinstance(ports.takes, Translation):
        raise PortMismatch("models.wants_translation", model=model, found=described(ports.takes))
    if steps_asked(model, ports, "later") != ports.takes.target:
        raise PortMismatch("models.gives_steps", model=model, asked=described(ports.gives))
    return ports.takes


def captions_asked(model: str, ports: Ports, *, least: int = 1) -> Captions:
    """The picture and how many different tokens are written of it; those are what every step gives."""
    takes = ports.takes
    if not isinstance(takes, Captions):
        raise PortMismatch("models.wants_captions", model=model, found=described(takes))
    picture_asked(model, Ports(takes.picture, ports.gives), least=least)
    if steps_asked(model, ports, "later") != takes.vocabulary:
        raise PortMismatch("models.gives_steps", model=model, asked=described(ports.gives))
    return takes


def steps_asked(model: str, ports: Ports, unseen: Unseen = "nothing") -> int:
    """How many numbers the task wants of every step, refused where they must be found without what the model sees."""
    if not isinstance(ports.gives, Steps):
        raise PortMismatch("models.gives_steps", model=model, asked=described(ports.gives))
    if ports.gives.unseen not in ("nothing", unseen):
        raise PortMismatch(f"models.sees_{ports.gives.unseen}", model=model)
    return ports.gives.size


@torch.no_grad()
def sees(network: nn.Module, asks: Steps, *row: Any) -> bool:
    """Whether the numbers of a step move with what they must be found without, in the last of a row's inputs.

    Asked with other weights, which are then taken back: in a fresh network a way may be shut that learning opens.
    """
    place = torch.arange(2 * HALF, device=row[-1].values.device)
    later, own = place >= HALF, place == HALF
    changed, kept = (later, ~later) if asks.unseen == "later" else (own, own)
    begun, end = place % asks.size, place.new_tensor([len(place)])
    generator, before = torch.Generator().manual_seed(0), [one.clone() for one in network.parameters()]
    said: list[Tensor] = []
    try:
        for parameter in network.parameters():
            parameter += (0.1 * torch.randn(parameter.shape, generator=generator)).to(parameter)
        for tokens in (begun, torch.where(changed, (begun + 1) % asks.size, begun)):
            said.append(network(*row[:-1], Padded(tokens[None], end)).values[:, kept].float())
    finally:
        for parameter, value in zip(network.parameters(), before, strict=True):
            parameter.copy_(value)
    return bool((said[0] - said[1]).abs().max() > LEAST_MOVED * said[0].abs().max())


def pixels_asked(model: str, ports: Ports) -> int:
    """How many classes the task wants told apart at every pixel."""
    if not isinstance(ports.gives, Map):
        raise PortMismatch("models.gives_pixels", model=model, asked=described(ports.gives))
    return ports.gives.size


def players_asked(model: str, ports: Ports, *, classes: bool | None, styled: bool = False) -> tuple[Latent, Image]:
    """The numbers that pictures are made of, and the pictures.

    Classes are refused where the model knows none, and asked for where it needs them; None takes either. Styles are
    refused where the model is not `styled`.
    """
    takes, gives = ports
    if not isinstance(takes, Latent) or not isinstance(gives, Players) or not isinstance(gives.between, Image):
        raise PortMismatch("models.plays", model=model, asked=described(gives))
    if classes and not takes.classes:
        raise PortMismatch("models.wants_classes", model=model)
    if takes.classes and classes is False:
        raise PortMismatch("models.knows_no_classes", model=model, count=takes.classes)
    if gives.styled and not styled:
        raise PortMismatch("models.has_no_styles", model=model)
    return takes, gives.between


def series_players_asked(model: str, ports: Ports) -> tuple[LatentSteps, Series]:
    """The numbers that series are made of, and the series."""
    takes, gives = ports
    if not isinstance(takes, LatentSteps) or not isinstance(gives, Players) or not isinstance(gives.between, Series):
        raise PortMismatch("models.plays_series", model=model, asked=described(gives))
    return takes, gives.between


def square_asked(model: str, picture: Image, sides: Sequence[int]) -> None:
    """Refuse pictures that are not squares of one of these sides."""
    if picture.height != picture.width or picture.height not in sides:
        allowed = ", ".join(map(str, sides))
        raise PortMismatch("models.sides", model=model, sides=allowed, height=picture.height, width=picture.width)


def halved_asked(model: str, picture: Image) -> None:
    """Refuse pictures that cannot be halved down to a few places."""
    try:
        halvings(picture.height, picture.width)
    except ValueError:
        raise PortMismatch("models.uneven", model=model, height=picture.height, width=picture.width) from None


def port_of(shape: tuple[int, ...]) -> Vector | Image:
    """The port that takes rows of this shape."""
    return Vector(*shape) if len(shape) == 1 else Image(*shape)


def described(port: Port) -> str:
    """A port in the reader's words."""
    key = NAMED.get(type(port))
    if key is None:
        return say("models.other", kind=type(port).__name__)
    return say(f"models.{key}", **{field.name: getattr(port, field.name) for field in fields(port)})
