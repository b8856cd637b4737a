"""Numbers in words, continued letter by letter: an LSTM writes what it has read."""

from deepglass.demos.demo import Demo

SETTINGS = ("train.steps=600", "train.lr=0.005", "train.check_epochs=3")

CATALOGUE = {"char-lm": Demo("5.2", "made:numbers", "tiny", SETTINGS, next="translate")}
