"""Numbers said by a made voice, written down: nobody tells the network which sound is which letter."""

from deepglass.demos.demo import Demo

CATALOGUE = {"speech": Demo("5.2", "made:speech", "tiny", next="lenet")}
