"""CRNN (Shi 2015, arXiv:1507.05717): the columns of a line of text, read from both ends, a letter or nothing at each.

image (B, C, 32, W) -> convolutions -> W / 4 columns -> LSTM from both ends -> logits (B, W / 4, V)

    ▐ 京A·12345 ▌   conv, pool /2 ──► conv, pool /2 ──► 3 conv, pool /2 x 1 ──► conv over the height
                                                                                     │
                                                                        T columns ──► LSTM ►◄ ──► dense ──► V

The paper's is twenty times as large (8.3 million parameters, two layers of 256): five convolutions of 24 to 96 maps
and one layer of 96 read in a few milliseconds on a processor. `hidden=0` leaves the LSTM out. 412,285 parameters for
three channels and 37 symbols.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import Tensor, nn

from deepglass.blocks.line import LineReader
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Image, Ports, Steps
from deepglass.models.contract import picture_asked, steps_asked

SMALLEST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class CRNNConfig:
    """A reader of lines: convolutions, an LSTM from both ends, a letter for every column."""

    maps: Annotated[int, Ge(1)] = 24
    """Maps of the first convolution; the last have four times as many."""
    hidden: Annotated[int, Ge(0)] = 96
    """Numbers that each direction of the LSTM remembers; 0 reads every column by itself."""
    dropout: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Share silenced at random while training, before the LSTM and before the last layer."""
    symbols: Annotated[int, Ge(2)] = 37
    """How many numbers come out at every column: the blank and the alphabet."""
    channels: Annotated[int, Ge(1)] = 3
    """1 for grey, 3 for colour."""
    height: Annotated[int, Ge(SMALLEST)] = 32
    """Rows of a line."""
    width: Annotated[int, Ge(SMALLEST)] = 128
    """Preferred columns of a line; every width works."""

    def ports(self) -> Ports:
        return Ports(Image(self.channels, self.height, self.width), Steps(self.symbols))

    def fitted(self, ports: Ports) -> "CRNNConfig":
        found, symbols = picture_asked("crnn", ports, least=SMALLEST), steps_asked("crnn", ports)
        return replace(self, symbols=symbols, channels=found.channels, height=found.height, width=found.width)

    def build(self) -> "CRNN":
        return CRNN(self)


class CRNN(nn.Module):
    """image (B, C, H, W) -> Padded logits (B, W / 4, V), every row as long as every other"""

    head: ClassVar[str] = "reader.output"

    def __init__(self, config: CRNNConfig):
        super().__init__()
        sizes = {"maps": config.maps, "hidden": config.hidden, "height": config.height}
        self.reader = LineReader(config.channels, config.symbols, **sizes, dropout=config.dropout)

    def forward(self, image: Tensor) -> Padded:
        return self.reader(image)

    def stages(self) -> list[str]:
        return [f"reader.columns.{part}" for part in ("strokes", "parts", "letters")]


CATALOGUE = {"crnn": CRNNConfig()}
