"""Which pixel belongs to what: a U-Net tells handwritten digits from their ground and from each other."""

from deepglass.demos.demo import Demo

CATALOGUE = {
    "masks": Demo(
        "4",
        "made:traced",
        "tiny",
        ("task.picture.augment.flip=false", "task.picture.augment.resize_crop=0.7", "train.epochs=16"),
        next="series",
    )
}
