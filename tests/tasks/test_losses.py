"""What each task minimises and answers, against torch's own losses."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import LANGUAGES, has, say
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.multilabel import MultiLabelSettings
from deepglass.tasks.regress import RegressSettings
from deepglass.tasks.task import total


def learned(settings, labels):
    ids = [str(row) for row in range(len(labels))]
    task = settings.build(settings.learn(Index(ids, labels, kind="vector", columns=("x", "y")), (0, 0), 0))
    values = np.random.default_rng(0).normal(size=(len(labels), 2)).astype(np.float32)
    task = settings.build(task.settle({"input": values}))
    batch = task.present(Batch(tuple(ids), {"input": torch.from_numpy(values), **task.code(labels)}))
    torch.manual_seed(1)
    return task, batch, nn.Linear(2, task.asks().gives.size)


def loss_of(task, model, batch):
    (turn,) = task.turns()
    assert turn.updates == ""
    return total(turn.loss(model, batch), turn.counts(batch))


SKEWED = ["a"] * 12 + ["b"] * 3 + ["c"]
SETS = [("a", "b"), ("a",), (), ("a", "c"), ("a",), ("b", "a")]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_classify_is_cross_entropy(weights, smoothing):
    task, batch, model = learned(ClassifySettings(class_weights=weights, smoothing=smoothing), SKEWED)
    theirs = torch.tensor([16 / (3 * 12), 16 / (3 * 3), 16 / 3]) if weights == "balanced" else None
    expected = F.cross_entropy(model(batch["input"]), batch["target"], weight=theirs, label_smoothing=smoothing)
    torch.testing.assert_close(loss_of(task, model, batch), expected)


@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_multilabel_is_binary_cross_entropy(weights):
    task, batch, model = learned(MultiLabelSettings(class_weights=weights), SETS)
    assert task.facts.labels == ("a", "b", "c") and task.facts.counts == (5, 2, 1) and task.facts.rows == 6
    theirs = torch.tensor([1 / 5, 4 / 2, 5 / 1]) if weights == "balanced" else None
    expected = F.binary_cross_entropy_with_logits(model(batch["input"]), batch["target"], pos_weight=theirs)
    torch.testing.assert_close(loss_of(task, model, batch), expected)


def test_balanced_yeses_weigh_as_much_as_noes():
    task, batch, model = learned(MultiLabelSettings(class_weights="balanced"), SETS)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    loss_of(task, model, batch).backward()
    torch.testing.assert_close(model.bias.grad, torch.zeros(3))  # at even odds no label pulls either way


def test_regress_is_the_squared_error_of_standardised_answers():
    answers = [1e6 + 250.0 * row for row in range(10)]
    task, batch, model = learned(RegressSettings(), answers)
    assert task.facts.mean == pytest.approx(np.mean(answers)) and task.facts.std == pytest.approx(np.std(answers))
    standard = torch.tensor((np.array(answers) - np.mean(answers)) / np.std(answers), dtype=torch.float32)
    torch.testing.assert_close(batch["target"], standard)
    expected = F.mse_loss(model(batch["input"])[:, 0], standard)
    torch.testing.assert_close(loss_of(task, model, batch), expected)
    values = task.predict(model, batch)["values"]
    torch.testing.assert_close(values, model(batch["input"])[:, 0] * task.facts.std + task.facts.mean)
    assert task.answers({"values": torch.tensor([2.5])}) == [{"prediction": 2.5}]


def test_codes_of_answers_known_and_unknown():
    classify, _, _ = learned(ClassifySettings(), ["10", "9", "b"])
    assert classify.facts.labels == ("9", "10", "b")
    assert classify.code(["10", "new", None])["target"].tolist() == [1, -1, -1]
    several, _, _ = learned(MultiLabelSettings(), SETS)
    coded = several.code([("c", "a"), (), ("new",), "b", None])["target"]
    assert coded.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]]
    number, _, _ = learned(RegressSettings(), [1.0, 2.0, 3.0])
    assert number.code(["2"])["target"].tolist() == [0.0]
    assert math.isnan(number.code([None])["target"][0])


def test_answers_of_several_labels():
    task, _, _ = learned(MultiLabelSettings(), SETS)
    answer, none = task.answers({"probability": torch.tensor([[0.6, 0.2, 0.9], [0.1, 0.5, 0.2]])})
    assert answer["prediction"] == ["c", "a"] and none["prediction"] == []
    assert answer["confidence"] == pytest.approx(0.6 * 0.8 * 0.9)
    assert [one["label"] for one in answer["top"]] == ["c", "a", "b"]
    assert answer["top"][0]["confidence"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("settings", "labels", "sentence"),
    [
        (ClassifySettings(), ["a", "a"], "Every example has the same answer, 'a'"),
        (MultiLabelSettings(), [(), None], "None of the 2 examples has a label"),
        (RegressSettings(), [3.0, 3.0, None], "All 2 answers are 3.0"),
        (RegressSettings(), ["3.5", "tall"], "The answer 'tall' is not a number"),
    ],
)
def test_nothing_to_learn_is_said(settings, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        learned(settings, labels)


def test_every_metric_has_a_name_for_people():
    for name, labels in {"classify": SKEWED, "multilabel": SETS, "regress": [1.0, 2.0]}.items():
        task, _, _ = learned(catalogue.find("tasks", name), labels)
        for metric in task.metrics():
            assert has(f"tasks.metric_{metric}")
            assert all(say(f"tasks.metric_{metric}", lang=language) for language in LANGUAGES)
