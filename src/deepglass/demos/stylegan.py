"""A style for every layer of the generator: coarse ones decide the shape, fine ones the stroke.

The discriminator pays for its slope as in Mescheder 2018 (arXiv:1801.04406, γ = 10). With the small weight that
Karras 2020 found for long runs on photographs, digits of 16 x 16 fall to a few pictures within the first hundred steps.
"""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("task.name=generate_images", "task.by_class=true", "model.name=stylegan2", "model.base=512", "model.most=64"),
    *("task.picture.size=16", "task.mixing=0.5", "task.adaptive=0", "task.slope=5", "task.slope_every=8"),
    *("train.batch=32", "train.momentum=0.5", "train.epochs=8", "train.check_epochs=0.8"),
)
CATALOGUE = {"stylegan": Demo("6.1", "digits", "tiny", SETTINGS, next="biggan")}
