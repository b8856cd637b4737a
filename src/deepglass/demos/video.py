"""What is in a video when: digits come and go, and a timeline tells of each."""

from deepglass.demos.demo import Demo

CATALOGUE = {
    "video": Demo(
        "4.3",
        "made:moving",
        "tiny",
        ("task.clip.size=40", "task.clip.channels=grey", "task.clip.augment.flip=false", "train.epochs=60"),
        next="speech",
    )
}
