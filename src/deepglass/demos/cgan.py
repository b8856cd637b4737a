"""Both players are told the class, so that a certain digit may be asked for."""

from deepglass.demos.demo import Demo

SETTINGS = ("task.name=generate_images", "model.name=cgan", "train.epochs=27", "train.check_epochs=2.25")
CATALOGUE = {"cgan": Demo("6.1", "digits", "tiny", SETTINGS, next="cyclegan")}
