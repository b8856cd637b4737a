"""The one dial in front: how large a picture, how long a training."""

from typing import Literal

Size = Literal["tiny", "small", "paper"]  # tiny runs on a CPU in about a minute and is what tests use
SIZES: tuple[Size, ...] = ("tiny", "small", "paper")
