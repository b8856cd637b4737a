"""The recipe for sorting: what it sets, that settings of one's own win, and a whole journey on made pictures."""

import pytest

from deepglass import journey
from deepglass.data.recognise import Survey
from deepglass.foundation import catalogue
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking
from deepglass.recipes.sorting import sorting


def survey(side=32, examples=1500, channels=(3,)):
    return Survey("picture", side, side, True, channels, {"a": examples}, 10, examples)


def test_small_pictures_get_the_quick_network_and_large_ones_the_usual_one():
    small, large = sorting("classify", survey(), "small", ""), sorting("classify", survey(200), "small", "")
    assert small.model.name == "airbench94" and small.train.optimizer == "muon" and small.train.epochs == 80
    assert large.model.name == "resnet18" and large.train.optimizer == "sgd"
    for run in (small, large):
        task = run.task.settings
        assert task.best == "f1" and task.adjustment == 1.0 and task.decision.abstain == 0.1
    assert sorting("classify", survey(), "small", "resnet50").model.name == "resnet50"
    assert sorting("classify", survey(examples=60), "tiny", "").train.batch == 8


def test_it_is_only_taken_where_it_is_asked_for(tmp_path):
    assert catalogue.find("recipes", "sorting").suits(survey()) == 0
    with speaking("en"):
        plain = journey.propose("made:skewed", size="tiny")
        words = ["recipe=sorting", "task.decision.abstain=0.25", "task.adjustment=0"]
        asked = journey.propose("made:skewed", parse_assignments(words), "tiny")
    assert plain.settings.recipe == "pictures tiny" and asked.settings.recipe == "sorting tiny"
    assert asked.settings.task.settings.decision.abstain == 0.25 and asked.settings.task.settings.adjustment == 0
    assert asked.settings.task.settings.best == "f1"


def test_with_public_weights_it_is_their_network_their_size_and_smaller_steps():
    with speaking("en"):
        words = ["recipe=sorting", "weights.name=resnet18.a1_in1k"]
        begun = journey.propose("made:skewed", parse_assignments(words), "small").settings
        fresh = journey.propose("made:skewed", parse_assignments([*words[:1], "model.name=resnet18"]), "small").settings
    assert begun.model.name == "resnet18" and begun.task.settings.picture.size == 224
    assert begun.train.lr == fresh.train.lr / 4 and begun.task.settings.decision.abstain == 0.1


@pytest.mark.slow
def test_the_demo_sorts_and_sets_aside(tmp_path):
    demo = catalogue.find("demos", "sorting")
    with speaking("en"):
        proposal = journey.propose(demo.place, parse_assignments(demo.settings), demo.size)
        outcome = journey.train(proposal, out=str(tmp_path / "run"))
    figures = outcome.figures["test"]
    assert figures["f1"].value > 0.9 and 0.8 < figures["sorted"].value < 1
    assert figures["sorted_error"].value < (1 - figures["accuracy"].value) / 2
