"""One neuron on XOR: it cannot, and the report says why."""

from deepglass.demos.demo import Demo

CATALOGUE = {"perceptron-xor": Demo("3", "made:xor", "tiny", ("model.name=perceptron",), next="mlp")}
