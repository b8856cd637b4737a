"""The perceptron's steps are Rosenblatt's rule, one by one: w += η y x and b += η y on a mistake, nothing on a hit."""

import numpy as np
import pytest

from deepglass.explain.step import take_step
from deepglass.explain.step_subject import subject_of
from deepglass.explain.step_words import rosenblatt, sequence, text
from deepglass.foundation.settings import parse_assignments


@pytest.mark.parametrize("eta", [1.0, 0.3])
def test_a_sequence_of_steps_is_his_rule(eta):
    subject = subject_of("perceptron", chosen=parse_assignments([f"train.lr={eta}"]))
    w, b, verdicts = np.zeros(2), 0.0, []
    for _ in range(40):
        step = take_step(subject)
        x, y = step.inputs[0].double().numpy(), (-1, 1)[step.classes[0]]
        mistake = y * (w @ x + b) <= 0
        if mistake:
            w, b = w + eta * y * x, b + eta * y
        rule, neuron = rosenblatt(step), step.turns[0].neurons[0]
        assert rule is not None and rule.mistake == mistake and rule.y == y
        assert rule.difference < 1e-6
        np.testing.assert_allclose(neuron.weight_after[0].numpy(), w, atol=1e-6)
        assert float(neuron.bias_after) == pytest.approx(b, abs=1e-6)
        verdicts.append(mistake)
    assert True in verdicts and (eta != 1.0 or False in verdicts)


def test_a_hit_changes_nothing_and_says_so():
    subject = subject_of("perceptron", "1,-1")
    first, second = take_step(subject), take_step(subject)
    assert rosenblatt(first).mistake and not rosenblatt(second).mistake
    weight = second.turns[0].weights[0]
    assert (weight.before == weight.after).all()
    assert "y·s > 0 is a hit" in text(second) and "No gradient flows" in text(second)
    assert "w ← w + η·y·x" in text(first)


def test_exclusive_or_is_never_learned():
    """The four corners in turn: after many rounds it still makes mistakes, as Minsky and Papert showed."""
    subject = subject_of("perceptron")
    steps = [take_step(subject) for _ in range(60)]
    assert any(rosenblatt(step).mistake for step in steps[-8:])
    assert "60 steps of Rosenblatt's rule" in sequence(steps)


def test_other_optimizers_and_losses_are_not_called_his_rule():
    for words in (["train.optimizer=adamw", "train.momentum=0.9"], ["task.loss=cross_entropy"]):
        step = take_step(subject_of("perceptron", "1,-1", chosen=parse_assignments(words)))
        assert rosenblatt(step) is None
        assert "Rosenblatt" not in text(step)
