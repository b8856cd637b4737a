"""A style for every layer of the generator: coarse ones decide the shape, fine ones the stroke."""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("task.name=generate_images", "model.name=stylegan2", "model.base=512", "model.most=32"),
    *("task.picture.size=16", "task.mixing=0.5", "task.adaptive=0", "train.batch=32", "train.epochs=7"),
    "train.check_epochs=2",
)
CATALOGUE = {"stylegan": Demo("6.1", "digits", "tiny", SETTINGS, next="biggan")}
