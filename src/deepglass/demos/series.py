"""Which shape a noisy wave has: convolutions over time."""

from deepglass.demos.demo import Demo

CATALOGUE = {"series": Demo("4.2", "made:waves", "tiny", next="char-lm")}
