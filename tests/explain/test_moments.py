"""Series, sounds, tags and forecasts: what counts when, on networks small enough to know the answer."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.data.source import Index, Window
from deepglass.explain.answer import explain, methods
from deepglass.explain.moments import occlusion_in_time, stretch_of
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import speaking
from deepglass.tasks.forecast import ForecastSettings
from tests.explain.conftest import trained
from tests.explain.test_answer import run_verb


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


def test_covering_finds_the_stretch_that_counts():
    values = torch.zeros(1, 60, 2)
    values[0, 30:36, 1] = 1
    row = Padded(values, torch.tensor([50]))

    def share(rows):
        return rows.values[:, :, 1].sum(1) / 6

    effect = occlusion_in_time(share, row).numpy()
    assert effect.shape == (50,) and np.abs(effect[:24]).max() < 1e-6 and effect[31:35].min() > 0.5
    first, last, of = stretch_of(effect)
    assert 28 <= first <= 32 and 34 <= last <= 39 and of == 50
    assert stretch_of(np.array([0.0, 0.0, 1.0])) == (3, 3, 3) and stretch_of(np.ones(4)) == (1, 4, 4)


class Late(nn.Module):
    """Foretells, of two steps and one channel, what stood three steps before the end."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, series):
        middle = self.weight * series.values[:, -3, :1].repeat(1, 2)
        return torch.stack([middle - 1, middle, middle + 1], 2).flatten(1)


def test_a_forecast_is_explained_by_its_past(tmp_path):
    window = Window(history=12, horizon=2, season=1, targets=("sales",))
    settings = ForecastSettings()
    facts = settings.learn(Index(("a",), (None,), columns=("sales", "rain"), kind="series", window=window), (0, 0), 0)
    past = np.random.default_rng(0).normal(size=(20, 14, 2)) * 5
    task = settings.build(settings.build(facts).settle({"input": past}))
    bundle = Bundle({"model": {"name": "late"}, "task": {"name": "forecast"}}, Late().eval(), task)
    assert methods(bundle) == ["occlusion", "integrated_gradients"]
    series = past[0, :12].astype(np.float32)
    (one,) = explain(bundle, [series], "integrated_gradients")
    parts = one.explanation.arrays["parts"]
    assert parts.shape == (12, 2) and np.flatnonzero(np.abs(parts).sum(1)).tolist() == [9]
    moved = (series[9] - series[11])[0]
    assert parts.sum() == pytest.approx(moved, abs=1e-3)  # in the series' own unit
    assert "the mean forecast of sales differs from that for a series that has not moved" in one.explanation.words
    assert "most of it lies at steps -2 to -2, where 0 is the last that is known." in one.explanation.words
    (covered,) = explain(bundle, [series], "occlusion")
    assert covered.explanation.arrays["heat"].argmax() in (9, 10) or covered.explanation.arrays["heat"].argmin() in (
        9,
        10,
    )
    assert covered.explanation.views["occlusion"].lines[0].name == "sales"
    with pytest.raises(UsageError, match=r"knows no class 'rain'"):
        list(explain(bundle, [series], "occlusion", "rain"))


@pytest.fixture(scope="module")
def bumps(tmp_path_factory):
    """Series of noise with a bump early or late, one row a series."""
    root = tmp_path_factory.mktemp("bumps")
    draw = np.random.default_rng(0)
    lines = ["@problemName bumps", "@timeStamps false", "@univariate true", "@classLabel true early late", "@data"]
    for place in range(60):
        values = 0.1 * draw.normal(size=48)
        start = 6 if place % 2 else 34
        values[start : start + 6] += 3
        lines.append(",".join(f"{one:.4f}" for one in values) + (":early" if place % 2 else ":late"))
    (root / "bumps.ts").write_text("\n".join(lines) + "\n")
    return root, trained(root / "bumps.ts", root / "run", "train.epochs=30", "data.cache=false", "train.plan=plain")


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients", "captum.InputXGradient"])
def test_the_bump_of_a_series_is_what_counts(bumps, tmp_path, capsys, method):
    if method.startswith("captum"):
        pytest.importorskip("captum")
    root, run = bumps
    words = [str(run), str(root / "bumps.ts"), "--method", method, "--out", str(tmp_path), "--json"]
    code, out, err = run_verb(capsys, *words)
    found = json.loads(out)["explanations"]
    near = 0
    with np.load(tmp_path / "explanation.npz", allow_pickle=False) as arrays:
        for one in found[:20]:
            (part,) = one["arrays"].values()
            values = np.abs(arrays[part["key"]]).reshape(48)
            start = 6 if one["prediction"] == "early" else 34
            near += start - 3 <= values.argmax() <= start + 8
    assert code == 0 and near >= 18 and " steps " in err
    assert (tmp_path / found[0]["pictures"][0]).read_bytes().startswith(b"\x89PNG")


def test_a_tag_is_explained_by_the_words_around_it(tmp_path):
    text = [
        f"{name} met {other} in {town} ."
        for name, other in (("May", "Ann"), ("Tom", "May"))
        for town in ("Rome", "Bonn")
    ]
    tags = ["B-PER O B-PER O B-LOC O"] * 4
    lines = [
        "\n".join(f"{word} {tag}" for word, tag in zip(one.split(), told.split(), strict=True))
        for one, told in zip(text * 8, tags * 8, strict=True)
    ]
    (tmp_path / "names.conll").write_text("\n\n".join(lines) + "\n")
    bundle = dg.load(trained(tmp_path / "names.conll", tmp_path / "run", "train.epochs=6", "data.cache=false"))
    assert methods(bundle)[:2] == ["words", "integrated_gradients"]
    (one,) = explain(bundle, ["May met Ann in Rome ."], "words", "Rome")
    assert one.explanation.figures["target"] == {"token": 5, "word": "Rome", "tag": one.answer["tokens"][4]["tag"]}
    assert "for 'Rome'" in one.explanation.words and one.explanation.arrays["effect"].shape == (6,)
    assert "unknown" not in one.answer
    (again,) = explain(bundle, ["May met Ann in Rome ."], "integrated_gradients", "#5")
    assert again.explanation.figures["target"]["word"] == "Rome" and "for an empty text" in again.explanation.words
    with pytest.raises(UsageError, match=r"There is no word 'Paris' among the 6 that were read"):
        list(explain(bundle, ["May met Ann in Rome ."], "words", "Paris"))
