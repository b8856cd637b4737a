"""Which bin, or ask a person: a small folder of very uneven classes is sorted, and what is none of them set aside."""

from deepglass.demos.demo import Demo

CATALOGUE = {"sorting": Demo("4.2", "made:skewed", "tiny", ("recipe=sorting", "task.picture.augment.flip=false"))}
