"""The same game with convolutions: the strokes of the digits become whole."""

from deepglass.demos.demo import Demo

SETTINGS = ("task.name=generate_images", "model.name=dcgan", "train.epochs=27", "train.check_epochs=2.25")
CATALOGUE = {"dcgan": Demo("6.1", "digits", "tiny", SETTINGS, next="cgan")}
