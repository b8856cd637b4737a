"""Which scan has a lesion? Convolutions in three dimensions over made bodies, patient by patient."""

from deepglass.demos.demo import Demo

SETTINGS = (
    *("recipe=screening", "model.widths=[8,16,32]", "model.halvings=2"),
    *("task.volume.window=soft", "train.epochs=15"),
)

CATALOGUE = {"ct": Demo("4.4", "made:scans", "tiny", SETTINGS, next="boxes")}
