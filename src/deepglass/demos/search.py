"""Find it again: vectors by which signs are found that training never saw."""

from deepglass.demos.demo import Demo

SETTINGS = ("task.name=embed", "task.dimension=32", "task.picture.augment.flip=false", "task.test_views=plain")

CATALOGUE = {"search": Demo("4", "made:symbols", "tiny", SETTINGS, next="boxes")}
