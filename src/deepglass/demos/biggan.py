"""Residual networks that are told the class at every level: more usual or more varied as one asks.

Two time-scales and no slope, as the paper has them for batches of 2,048, make the players chase each other where a
batch has 32 digits: here both move alike, the discriminator pays for its slope, and the rate falls to nothing.
"""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("task.name=generate_images", "model.name=biggan", "model.features=4", "task.latent=32", "train.batch=32"),
    *("task.discriminator_rate=1", "task.slope=5", "task.slope_every=4", "train.momentum=0.5", "train.lr=0.0008"),
    *("train.schedule=cosine", "train.average=0.995", "train.epochs=7", "train.check_epochs=0.7"),
)
CATALOGUE = {"biggan": Demo("6.1", "digits", "tiny", SETTINGS)}
