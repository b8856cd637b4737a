"""Networks of two players: every method that fits explains them, and any other says that it does not fit."""

import numpy as np
import pytest
import torch

from deepglass.bundle import Bundle
from deepglass.data.source import Index
from deepglass.explain.answer import explain, methods
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import speaking
from deepglass.models.series_gan import SeriesGANConfig
from deepglass.models.turn_gan import TurnGANConfig
from deepglass.tasks.generate_series import GenerateSeriesSettings
from deepglass.tasks.turn_faces import TurnFacesSettings


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


def series_maker():
    settings = GenerateSeriesSettings(latent=4, kept=2)
    index = Index(("a", "b"), ("up", "down"), kind="series", columns=("x",))
    task = settings.build(settings.learn(index, (0, 0), 0))
    rows = [np.arange(9, dtype=np.float32)[:, None], np.arange(6, dtype=np.float32)[:, None]]
    task = settings.build(task.settle({"input": rows}))
    config = SeriesGANConfig(hidden=4, judged=4).fitted(task.asks())
    return made("series_gan", "generate_series", config, task), rows[0]


def face_turner():
    settings = TurnFacesSettings(strip=2, enrolled=1)
    task = settings.build(settings.learn(Index(tuple("abcd"), ("ann", "ann", "bob", "bob")), (16, 16), 1))
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 1), dtype=np.uint8)
    task = settings.build(task.settle({"input": pixels.transpose(2, 0, 1)[None]}))
    return made("turn_gan", "turn_faces", TurnGANConfig(features=2).fitted(task.asks()), task), pixels


def made(model, name, config, task):
    torch.manual_seed(0)
    return Bundle({"model": {"name": model}, "task": {"name": name}}, config.build().eval(), task)


@pytest.mark.parametrize("maker", [series_maker, face_turner])
def test_what_fits_explains_and_what_does_not_says_so(maker):
    bundle, one = maker()
    for name in methods(bundle):
        (found,) = explain(bundle, [one], name)
        assert found.explanation is not None and found.explanation.words, name
    for name in {"grad_cam", "occlusion", "integrated_gradients", "gates"} - set(methods(bundle)):
        with pytest.raises(UsageError) as refused:
            list(explain(bundle, [one], name))
        assert bundle.name in str(refused.value), name
