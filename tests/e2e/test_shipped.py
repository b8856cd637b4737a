"""The digits bundle of the package: small, right on digits it never saw, on dark paper and on light."""

from pathlib import Path

import numpy as np

import deepglass as dg
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.foundation.sealed import verify
from deepglass.journey import SHIPPED


def test_it_is_small_whole_and_right():
    folder = Path(SHIPPED) / "digits"
    verify(folder)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1_000_000
    source = recognise("digits", DataSettings())
    test = [row for row, part in enumerate(source.index.parts) if part == "test"][::4]
    pixels = [source.read(row).pixels for row in test]
    right = np.array([source.index.labels[row] for row in test])
    bundle = dg.load("digits")
    assert "digits" in str(bundle.document["about"]["place"])
    for pictures in (pixels, [255 - picture for picture in pixels]):
        answers = np.array([answer["prediction"] for answer in bundle.predict(pictures)])
        assert (answers == right).mean() > 0.975
