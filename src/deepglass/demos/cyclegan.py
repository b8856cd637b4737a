"""Chalk becomes ink and ink becomes chalk, though nobody has shown the same digit in both."""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("model.blocks=2", "model.features=16", "model.judged=16"),
    *("task.picture.augment.flip=false", "train.epochs=9", "train.check_epochs=0.9"),
)
CATALOGUE = {"cyclegan": Demo("6.1", "made:chalk", "tiny", SETTINGS, next="stylegan")}
