"""What single sections say of planted facts: files left out, leaning confidence, groups apart, curves as they were."""

import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass.engine.journal import read_events
from deepglass.foundation.settings import Override, resolve
from deepglass.foundation.words import speaking
from deepglass.metrics.figure import Figure, share
from deepglass.report import headline
from deepglass.report.boxes import verdicts
from deepglass.report.calibration import _leaning
from deepglass.report.case import Classified
from deepglass.report.curves import _figure, _losses, _rates, averaged
from deepglass.report.groups import _gap, groups
from deepglass.report.masks import _inside
from deepglass.report.mistakes import Mistake, _table
from deepglass.report.settings import repeat
from deepglass.run import RunSettings
from deepglass.views.view import number
from tests.report.conftest import trained
from tests.report.test_report import section, written


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


def test_what_could_not_be_read_is_named_and_counted(tmp_path):
    generator = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "data" / label).mkdir(parents=True)
        for place in range(24):
            pixels = generator.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{place:02d}.png")
    (tmp_path / "data" / "b" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    words = ("model.name=mlp", "train.steps=4", "data.cache=false")
    page, document = written(trained(tmp_path / "data", tmp_path / "run", *words), "en")
    assert document["data"]["left_out"] == 1
    assert sum(document["data"]["parts"].values()) == 48
    assert "b/broken.png" in section(page, "data") and "left out" in section(page, "data")


def test_training_takes_the_time_of_its_lives_and_not_of_the_night_between(monkeypatch):
    told = [(1, 100.0), (1, 108.0), (2, 9000.0), (2, 9004.5), (3, 9999.0)]  # the third was a resume of a finished run
    events = [{"life": life, "time": moment} for life, moment in told]
    monkeypatch.setattr(headline, "read_events", lambda folder, *kinds: events)
    assert headline.training_seconds(SimpleNamespace(run=SimpleNamespace(folder=""))) == 12.5  # pyright: ignore


def test_a_headline_says_where_examples_are_too_few_for_an_interval(monkeypatch):
    for name in ("_sentence", "_facts", "_notes"):
        monkeypatch.setattr(headline, name, lambda *asked: [])
    data = SimpleNamespace(settings=SimpleNamespace(data=SimpleNamespace(place="a")))
    for n, said in (
        (3, "FROC (mean sensitivity) on the test part · 3 examples, too few for an interval"),
        (30, "30 ex"),
    ):
        found = {"froc": Figure(1.0, math.nan, math.nan, n, "up")}
        case = SimpleNamespace(part="test", results={"test": (found, None)}, run=data)
        small = headline.headline(case).small  # pyright: ignore
        assert said in small and ("too few" in small) == (n == 3)


def test_two_players_have_a_line_each_where_their_rates_differ():
    turns = [("discriminator", 0.002), ("generator", 0.001)]
    trained = [
        {"step": step, "turn": turn, "lr": rate, "losses": {turn: 1.0}} for step in range(4) for turn, rate in turns
    ]
    lines = _rates(trained, 2.0).view.lines
    assert [(one.name, set(one.y)) for one in lines] == [("discriminator", {0.002}), ("generator", {0.001})]
    alike = _rates([event | {"lr": 0.1} for event in trained], 2.0).view.lines
    assert [(one.name, len(one.y)) for one in alike] == [("Learning rate", 4)]
    assert [one.name for one in _losses(trained, [], 2.0, False).view.lines] == ["discriminator", "generator"]


def test_a_check_on_the_training_part_is_not_called_validation():
    figures = {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6, "better": "up"}}
    titles = [_figure([{"step": 2, "part": part, "figures": figures}], 2.0).view.title for part in ("train", "val")]
    assert titles[0].startswith("Training, as nothing is kept") and titles[1] == "Validation: accuracy"


def test_the_curves_are_the_journals(perceptron):
    _, document = written(perceptron, "en")
    events = read_events(perceptron.run.folder, "start", "train", "check")
    epoch = next(event["epoch_steps"] for event in events if event["kind"] == "start")
    losses = [event["losses"]["loss"] for event in events if event["kind"] == "train"]
    curve = document["curves"]["curve_0"]["lines"][0]
    assert np.mean(curve["y"]) == pytest.approx(np.mean(losses), rel=0.1)  # means of stretches that differ by one
    assert curve["y"][0] == pytest.approx(np.mean(losses[:2]))
    assert curve["x"][-1] == pytest.approx(perceptron.run.settings.train.steps / epoch, rel=0.05)


def test_many_steps_become_means_of_equal_stretches():
    places, values = averaged([(step, float(step)) for step in range(1200)], epoch=100)
    assert len(places) == len(values) == 120
    assert values == pytest.approx([4.5 + 10 * place for place in range(120)])
    assert places[0] == pytest.approx(0.055)


def answers(factor, right=0.75):
    """Answers of which `right` are, given with the confidence of logits (factor, 0)."""
    targets = (torch.arange(400) >= 400 * right).long()
    logits = torch.tensor([[factor, 0.0]]).repeat(400, 1)
    return Classified(np.arange(400), [str(row) for row in range(400)], logits, targets, ("a", "b"))


def test_confidence_leans_to_where_it_is_wrong():
    exact = float(np.log(3))  # softmax (3/4, 1/4), and three of four are right
    assert [_leaning(answers(factor)) for factor in (4 * exact, exact, exact / 4)] == ["over", "mixed", "under"]


def test_groups_are_only_called_apart_where_their_intervals_are():
    note, gap = _gap({"A": share(95, 100), "B": share(60, 100)})
    assert note.level == "warning" and gap["worst"] == "B" and gap["clear"] is True
    assert gap["difference"] == pytest.approx(0.35)
    note, gap = _gap({"A": share(9, 10), "B": share(8, 10)})
    assert note.level == "note" and gap["clear"] is False
    assert _gap({"A": share(9, 10)}) == (None, None)


def test_groups_of_one_example_and_of_nobody_are_no_groups():
    def section_of(*names):
        logits = torch.tensor([[2.0, 0.0]] * len(names))
        rows = torch.arange(len(names))
        found = Classified(rows, list(names), logits, torch.zeros(len(names), dtype=torch.int64), ["a", "b"])
        store = SimpleNamespace(index=SimpleNamespace(groups=list(names)))
        return groups(SimpleNamespace(classified=lambda: found, material=SimpleNamespace(store=store)))

    assert section_of("p1", "p2", "p3", "") is None  # each patient once: bars of 0 or 1 say nothing
    assert section_of("p1", "p1", "", "") is None
    assert list(section_of("p1", "p1", "p2", "").figures["groups"]) == ["p1", "p2"]


def test_a_column_of_confidence_has_shares_alone():
    case = SimpleNamespace(kind="series")
    one = Mistake(0, "a", "cat", "dog", 0.8, 1, "dog")
    table = _table(case, [one])
    assert (list(table.columns)[-1], table.rows[0][-1]) == ("confidence", "80 %")
    with speaking("zh-CN"):
        assert _table(case, [one]).rows[0][-1] == "80 %"  # under the word for confidence, which it need not repeat
        several = _table(case, [one._replace(true=["cat"], predicted=["cat", "dog"])])
        assert (list(several.columns)[-1], several.rows[0][-1]) == ("最有把握的错误", "多报了“dog”，置信度 80 %")


def test_the_command_can_be_pasted():
    """What the command line gave is in it, quoted; what a recipe or a default gave is not."""
    given = [Override("train.lr", "0.5", "--lr"), Override("train.steps", "7", "recipe table")]
    settings, origins = resolve(RunSettings(recipe="table tiny"), given)
    settings, more = resolve(settings, [Override("data.place", "my flowers/it's", "command line")])
    command = repeat(settings, origins | more)
    assert command == """deepglass train 'my flowers/it'"'"'s' --size tiny train.lr=0.5"""


def test_a_network_of_ones_own_is_in_the_command(tmp_path):
    net = torch.nn.Sequential(torch.nn.Linear(2, 2))
    run = dg.train("made:moons", model=net, size="tiny", out=tmp_path / "run", settings={"train.steps": 3})
    command = json.loads((run.run.folder / "report.json").read_text())["settings"]["command"]
    assert re.search(r"--model \S+", command) and "external" not in command


def test_boxes_in_a_crowd_are_neither_right_nor_wrong():
    """A crowd is as large as the picture's left half; two marked boxes, of which one is found."""
    marked = torch.tensor([[0.0, 0, 0, 50, 100, 1], [0, 60, 0, 80, 20, 0], [1, 60, 40, 80, 60, 0]])
    found = torch.tensor(
        [
            [60.0, 0, 80, 20, 0.9, 0],  # one of the marked
            [0, 0, 50, 90, 0.8, 0],  # the crowd itself
            [10, 10, 20, 20, 0.7, 0],  # one of the crowd
            [20, 20, 30, 30, 0.7, 1],  # of another class than the crowd
            [45, 50, 65, 60, 0.6, 0],  # a quarter of it lies in the crowd
        ]
    )
    verdict = verdicts(found, marked)
    assert verdict.right.tolist() == [True, False, False, False, False]
    assert verdict.wrong.tolist() == [False, False, False, True, True]
    assert verdict.missed.tolist() == [False, False, True]
    nothing = verdicts(found[:0], marked)
    assert not len(nothing.right) and nothing.missed.tolist() == [False, True, True]
    assert verdicts(found, marked[:0]).wrong.all()


@pytest.mark.parametrize(("fit", "rows", "columns"), [("pad", (8, 24), (0, 32)), ("stretch", (0, 32), (0, 32))])
def test_what_was_put_beside_a_picture_is_not_under_its_mask(fit, rows, columns):
    inputs, picture = SimpleNamespace(width=32, height=32), SimpleNamespace(fit=fit)
    task = SimpleNamespace(facts=SimpleNamespace(inputs=inputs), settings=SimpleNamespace(picture=picture))
    store = SimpleNamespace(each=lambda name, places: [np.array([64, 32])])
    case = SimpleNamespace(task=task, material=SimpleNamespace(store=store))
    down, across = _inside(case, 0)
    assert (down.indices(32)[:2], across.indices(32)[:2]) == (rows, columns)


@pytest.mark.parametrize(
    ("low", "value", "high", "reaches"),
    [
        (-0.05, -0.02, 0.04, True),
        (-0.02, 0.5, 1.1, True),
        (0.0, 0.02, 0.04, True),
        (0.01, 0.02, 0.04, False),
        (np.nan, -0.1, np.nan, False),
    ],
)
@pytest.mark.parametrize(
    ("lang", "part"), [("en", "cannot be told apart with 30 of them (95 % interval "), ("zh-CN", "区间触及 0")]
)
def test_a_kid_whose_interval_reaches_0_is_called_not_told_apart(low, value, high, reaches, lang, part):
    case, figure = SimpleNamespace(part="test"), Figure(value, low, high, 30, "down")
    with speaking(lang):
        said = headline._sentence(case, "kid_pixels", figure)
        assert (part in said) == reaches and part not in headline._sentence(case, "variety", figure)
        assert not reaches or all(number(end) in said for end in (low, high))
