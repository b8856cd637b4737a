"""A hidden layer on XOR: back-propagation finds what one neuron cannot."""

from deepglass.demos.demo import Demo

CATALOGUE = {"mlp": Demo("3.2", "made:xor", "tiny", ("model.name=mlp",), next="lenet")}
