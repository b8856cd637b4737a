"""The first adversarial networks: dense layers that forge handwritten digits, and dense layers that find them out."""

from deepglass.demos.demo import Demo

SETTINGS = ("task.name=generate_images", "model.name=gan", "train.epochs=30", "train.check_epochs=2.5")
CATALOGUE = {"gan": Demo("6.1", "digits", "tiny", SETTINGS, next="dcgan")}
