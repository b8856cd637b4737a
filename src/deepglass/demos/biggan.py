"""Residual networks that are told the class at every level: more usual or more varied as one asks."""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("task.name=generate_images", "model.name=biggan", "task.latent=32", "train.batch=32"),
    *("train.average=0.995", "train.epochs=4", "train.check_epochs=0.4"),
)
CATALOGUE = {"biggan": Demo("6.1", "digits", "tiny", SETTINGS)}
