"""Dates as people write them, into one form: a reader, a writer, and where it looks."""

from deepglass.demos.demo import Demo

SETTINGS = ("task.text.vocabulary.level=characters", "train.steps=300")

CATALOGUE = {"translate": Demo("5.2", "made:dates", "tiny", SETTINGS, next="caption")}
