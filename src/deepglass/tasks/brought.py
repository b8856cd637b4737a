"""What tasks share that bring a picture to another side: an answer is the picture there."""

import base64
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from torch import Tensor

from deepglass.data.readers.picture import read_picture
from deepglass.foundation.words import say
from deepglass.tasks.flight import sheet
from deepglass.tasks.task import Look, Predictions, Some
from deepglass.views.picture import Picture, data_address
from deepglass.views.view import View


class Brought:
    """Answers that are pictures."""

    facts: Any
    draws: ClassVar = "exactly"  # predict --out writes pictures, no larger than they are
    columns = ("id", "from", "prediction", "error")

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The side that a picture was brought to and the picture itself, as an address that holds a PNG.

        `apart` is how far it is from itself when it comes back, or from its partner where that is known.
        """
        found: list[dict[str, Any]] = []
        pictures = predictions["picture"].cpu().numpy().transpose(0, 2, 3, 1)
        to = predictions["to"].long().tolist() if "to" in predictions else [1] * len(pictures)
        for place, (pixels, side) in enumerate(zip(pictures, to, strict=True)):
            answer: dict[str, Any] = {"prediction": self.facts.sides[side], "from": self.facts.sides[1 - side]}
            if "apart" in predictions:
                answer["apart"] = predictions["apart"][place].item()
            answer["picture"] = data_address(Picture(pixels).png(max(pixels.shape)))
            found.append(answer)
        return found

    def recorder(self, known: Some, held: Some) -> Callable[[Predictions], Look]:
        """The film of a training: the same pictures brought to the other side at every check, a side in a row."""
        return lambda predictions: Look({}, sheet(predictions["picture"], predictions.get("to"), len(self.facts.sides)))

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The picture on the other side, and as it came."""
        made = read_picture(base64.b64decode(answer["picture"].partition(",")[2])).pixels
        return [Picture(made, say("tasks.brought_to", side=answer["prediction"])), Picture(raw.pixels, answer["from"])]


def apart(one: Tensor, other: Tensor) -> Tensor:
    """The mean difference of each picture. (B, C, H, W) -> (B,)"""
    return (one.float() - other.float()).abs().flatten(1).mean(1)
