"""Residual networks that are told the class at every level: more usual or more varied as one asks."""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("task.name=generate_images", "model.name=biggan", "model.features=4", "task.latent=32", "train.batch=32"),
    *("train.lr=0.0004", "train.average=0.995", "train.epochs=6", "train.check_epochs=0.6"),
)
CATALOGUE = {"biggan": Demo("6.1", "digits", "tiny", SETTINGS)}
