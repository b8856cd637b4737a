"""What a model takes and gives, and what a task asks for: a small closed set that run.py joins and sizes.

Letters: B rows, T steps of the longest row, C channels, D H W depth, height and width, K classes, V vocabulary.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from deepglass.foundation.errors import DeepglassError

Unseen = Literal["nothing", "later", "own"]


@dataclass(frozen=True, slots=True)
class Vector:
    """K numbers a row: features in, logits out. (B, K)"""

    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """A picture. (B, C, H, W)"""

    channels: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Volume:
    """A body in space, or a clip, whose depth is time. (B, C, D, H, W)"""

    channels: int
    depth: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Numbers of words, pieces or characters, 0 for what is unknown. Padded int64 (B, T)"""

    vocabulary: int


@dataclass(frozen=True, slots=True)
class Series:
    """C numbers for every step: a sensor's channels, a sound's bands. Padded float (B, T, C)"""

    channels: int


@dataclass(frozen=True, slots=True)
class Translation:
    """A source row and what is already written of its target; the network is called with both. Two of `Tokens`"""

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Captions:
    """A picture and what is already written about it; the network is called with both. `Image`, `Tokens`"""

    picture: Image
    vocabulary: int


@dataclass(frozen=True, slots=True)
class Map:
    """K numbers for every pixel, or for every place of a volume. (B, K, H, W) or (B, K, D, H, W)"""

    size: int


@dataclass(frozen=True, slots=True)
class Steps:
    """V numbers for every step of every row; a network may give fewer steps than it took. Padded (B, T, V)

    `unseen` is what the numbers of a step are found without: nothing, the steps behind it, or its own.
    """

    size: int
    unseen: Unseen = "nothing"


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Feature maps at these strides, finest first."""

    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """For every place of the maps at these strides, finest first and row by row: K logits and four distances.

    The distances lead from the place's middle to the left, top, right and bottom of a box, in strides. (B, P, K + 4)
    """

    classes: int
    strides: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers of a place."""
        return self.classes + 4


@dataclass(frozen=True, slots=True)
class Latent:
    """Z numbers drawn at random, of which a picture is made; and the number of the class that it is to be of, if any.

    (B, Z), and with classes int64 (B,)
    """

    size: int
    classes: int = 0


@dataclass(frozen=True, slots=True)
class LatentSteps:
    """Z numbers drawn at random for every step of a series that is to be made, and the number of its class, if any.

    Padded (B, T, Z), and with classes int64 (B,)
    """

    size: int
    classes: int = 0


@dataclass(frozen=True, slots=True)
class Plates:
    """Of a network with a `finder` and a `reader`: where plates are, and what stands on each.

    finder: picture (B, C, H, W) -> for every place of a map at this stride K logits and a plate's four corners, x and
    y in pixels of the picture, (B, K + 8, ⌈H / stride⌉, ⌈W / stride⌉). reader: upright plates (N, C, height, width) ->
    Padded (N, T, V). The network itself reads the surest plate of each picture as the finder sees it, and gives
    both. `split` is where the lower of two lines begins.
    """

    kinds: int
    symbols: int
    stride: int
    height: int = 32
    width: int = 128
    split: float = 0.4

    @property
    def size(self) -> int:
        """Numbers of a place."""
        return self.kinds + 8


@dataclass(frozen=True, slots=True)
class Players:
    """Named submodules that take turns, a generator and a discriminator; called whole, what the last says of the first.

    Between them go pictures of this shape, from -1 to 1, or series of so many channels. (B, 1)
    A `styled` generator goes by way of styles (B, L, W), one for each of its layers, that can be mixed and steered by.
    Where `people` are told apart, a judge gives a logit for each of them, with 0 for what is made.
    """

    names: tuple[str, ...]
    between: Image | Series | None = None
    styled: bool = False
    people: int = 0

    @property
    def size(self) -> int:
        """Numbers of a verdict."""
        return 1


@dataclass(frozen=True, slots=True)
class Rivals:
    """K logits by a `discriminator`, and a `generator` that makes pictures of Z numbers for it to doubt.

    The network itself classifies pictures as its discriminator does, whose `features` (B, F) the generator tries to
    match. Made pictures go from -1 to 1, as those that are looked at. (B, K)
    """

    size: int
    latent: int


Taken = Vector | Image | Volume | Tokens | Series | Translation | Captions | Latent | LatentSteps
Port = Taken | Map | Steps | Pyramid | Places | Plates | Players | Rivals


class Ports(NamedTuple):
    """What goes in and what must come out."""

    takes: Port
    gives: Port


class PortMismatch(DeepglassError):
    """A model cannot be fitted to what the task asks for; the message says which part."""

    exit_code = 2
