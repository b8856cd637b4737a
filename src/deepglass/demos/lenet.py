"""LeNet-5 on 10,000 real handwritten digits."""

from deepglass.demos.demo import Demo

CATALOGUE = {"lenet": Demo("4.1", "digits", "small", ("model.name=lenet5",))}
