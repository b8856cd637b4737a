"""Blue number plates in made streets: a finder and a reader learn side by side, two players of one network."""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("data.plates.pictures=1200", "data.plates.kinds=[blue]", "task.flat=150"),
    *("train.steps=600", "train.lr=0.003", "train.check_epochs=3"),
)

CATALOGUE = {"plates": Demo("4.2", "made:plates", "tiny", SETTINGS, next="series")}
