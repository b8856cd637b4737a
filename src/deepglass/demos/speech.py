"""Three letters of Morse code, written down: convolutions, an LSTM from both ends, and CTC."""

from deepglass.demos.demo import Demo

CATALOGUE = {"speech": Demo("5.2", "made:morse", "tiny", ("train.steps=300",), next="lenet")}
