"""Variants beside each other, on 60 examples: figures, curves, each layer before and after, one page."""

import json
import math
import re

import numpy as np
import pytest
from PIL import Image

from deepglass.cli.main import main
from deepglass.explain.compare import POINTS, Comparison, Moment, Variant, thinned
from deepglass.explain.compare_page import reasons
from deepglass.foundation import words
from deepglass.metrics.figure import Figure


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    points = np.random.default_rng(0).normal(size=(60, 2))
    rows = [f"{x:.4f},{y:.4f},{'high' if x > y else 'low'}" for x, y in points]
    (folder / "sixty.csv").write_text("\n".join(["x,y,side", *rows]) + "\n")
    words.choose_language("en")
    settings = ["train.steps=30", "train.plan=plain", "data.cache=false"]
    main(
        ["compare", "model.activation=sigmoid,relu", str(folder / "sixty.csv"), *settings, "--out", str(folder / "out")]
    )
    return folder / "out"


def test_each_variant_is_a_run_on_the_same_budget(compared):
    found = json.loads((compared / "compare.json").read_text())
    assert [variant["value"] for variant in found["variants"]] == ["sigmoid", "relu"]
    assert {variant["steps"] for variant in found["variants"]} == {30}
    assert all((compared / name / "run.toml").is_file() for name in ("1-sigmoid", "2-relu"))
    for variant in found["variants"]:
        figure = variant["figure"]
        assert figure["low"] <= figure["value"] <= figure["high"] and figure["n"] == 12
        assert variant["loss"] and variant["checks"]
        assert math.isfinite(variant["start"]["ratio"]) and len(variant["end"]["layers"]) == 7


def test_why_is_seen_by_layer(compared):
    sigmoid, relu = json.loads((compared / "compare.json").read_text())["variants"]
    assert sigmoid["start"]["ratio"] < 0.001 < relu["start"]["ratio"]
    assert sigmoid["start"]["remarks"][0]["kind"] == "vanishing"
    assert "vanishing" not in [remark["kind"] for remark in relu["start"]["remarks"]]
    gradients = [layer["gradient"] for layer in sigmoid["start"]["layers"]]
    assert gradients == sorted(gradients)


def test_the_page_stands_alone_in_both_languages(compared):
    page = (compared / "compare.html").read_text()
    assert page.count("<svg") == 8
    assert "Vanishing gradient" in page and "梯度消失" in page
    assert not re.search(r"""(src|href)=["']https?:""", page)
    assert "prefers-color-scheme: dark" in page


def test_curves_are_thinned_by_means():
    points = [(step, float(step)) for step in range(1000)]
    kept = thinned(points)
    assert len(kept) <= POINTS and kept[-1][0] == 999
    assert kept[0][1] == np.mean(range(kept[0][0] + 1))
    assert thinned([]) == []


@pytest.mark.parametrize(("ways", "said"), [(("judge a", "judge b"), 1), (("judge a", "judge a"), 0)])
def test_figures_that_were_measured_in_different_ways_are_not_ranked(ways, said):
    words.choose_language("en")
    empty = Moment([], [])
    variants = [
        Variant(str(place), "", 1, 1.0, "kid_pixels", Figure(0.1, 0.0, 0.2, 9, "down", by), [], [], empty, empty)
        for place, by in enumerate(ways)
    ]
    sentence = "These figures were measured in different ways and cannot be ranked: 0: judge a, 1: judge b."
    assert reasons(Comparison("task.latent", "gan", "digits", variants)) == [sentence] * said


def test_players_of_which_one_pays_for_a_slope_are_compared_on_a_task_of_ones_choice(tmp_path):
    words.choose_language("en")
    random = np.random.default_rng(0)
    for name in ("flat", "tall"):
        (tmp_path / "bars" / name).mkdir(parents=True)
        for number in range(12):
            pixels = random.integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "bars" / name / f"{number}.png")
    settings = ["model.features=4", "task.latent=8", "task.picture.size=8", "train.plan=plain", "train.batch=8"]
    asked = ["task.slope=0.5,5", str(tmp_path / "bars"), *settings, "train.steps=2", "task.slope_every=2"]
    named = ["--task", "generate_images", "--model", "cgan", "--out", str(tmp_path / "out"), "--debug"]
    main(["compare", *asked, *named])
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert [variant["value"] for variant in found["variants"]] == ["0.5", "5"]
    for variant in found["variants"]:  # the slope is paid for in the first step, not in the second
        names = [[layer["name"] for layer in variant[moment]["layers"]] for moment in ("start", "end")]
        assert names[0] == names[1]
        layers = variant["end"]["layers"]
        assert all(layer["name"].startswith(f"{layer['player']}.") for layer in layers)  # none in another's
        judges = [layer["gradient"] for layer in layers if layer["player"] == "discriminator"]
        assert variant["end"]["ratio"] == pytest.approx(judges[0] / judges[-1])
