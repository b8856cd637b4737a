"""Numbers in words, continued letter by letter: an LSTM writes what it has read."""

from deepglass.demos.demo import Demo

CATALOGUE = {"char-lm": Demo("5.2", "made:numbers", "tiny", ("train.steps=1200",), next="translate")}
