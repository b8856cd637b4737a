"""A picture to a sentence: which of two shapes stands left or above, and where the network looks for each word."""

from deepglass.demos.demo import Demo

CATALOGUE = {"caption": Demo("5.2", "made:captions", "tiny", next="speech")}
