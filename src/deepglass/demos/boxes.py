"""What is where: a detector learns to find handwritten digits that lie scattered over a picture."""

from deepglass.demos.demo import Demo

CATALOGUE = {
    "boxes": Demo(
        "4",
        "made:scattered",
        "tiny",
        ("task.scene.flip=false", "task.scene.mosaic=0", "train.lr=0.002", "train.epochs=24"),
        next="masks",
    )
}
