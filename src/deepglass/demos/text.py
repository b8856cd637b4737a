"""Which language three numbers in words are written in: a bag of words is enough."""

from deepglass.demos.demo import Demo

CATALOGUE = {"text": Demo("4.2", "made:languages", "tiny", ("train.epochs=6",), next="series")}
