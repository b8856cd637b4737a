"""Every number of a step equals autograd's to 1e-6, and steps in slow motion are the steps of the run."""

import copy

import pytest
import torch
import torch.nn.functional as F

from deepglass import journey
from deepglass.explain.step import take_step
from deepglass.explain.step_chain import local_derivative
from deepglass.explain.step_subject import subject_of
from deepglass.foundation.settings import parse_assignments
from deepglass.graph.probe import leaves
from deepglass.losses.perceptron import perceptron
from deepglass.run import Run

SAME = {"rtol": 0, "atol": 1e-6}


def watched(model, x):
    """Forward with every leaf's output kept, its gradient too, by torch's own means; in the order of calls."""
    outputs = {}

    def keep(name):
        def hook(module, args, output):
            outputs[name] = output
            output.retain_grad()

        return hook

    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in leaves(model)]
    logits = model(x)
    for handle in handles:
        handle.remove()
    return logits, outputs


@pytest.mark.parametrize(
    ("name", "given", "criterion"),
    [
        ("perceptron", "1,-1", perceptron),
        ("perceptron", "0.5,2,-1", perceptron),
        ("mlp", "1,0", lambda z, t: F.cross_entropy(z, t, reduction="sum")),
        ("lenet5", "", lambda z, t: F.cross_entropy(z, t, reduction="sum")),
        ("lenet5", "3", lambda z, t: F.cross_entropy(z, t, reduction="sum")),
    ],
)
def test_a_step_equals_autograd(name, given, criterion):
    subject = subject_of(name, given)
    model = copy.deepcopy(subject.state.model)
    step = take_step(subject)
    turn = step.turns[0]
    logits, outputs = watched(model, step.inputs)
    loss = criterion(logits, torch.tensor(step.classes)) / len(step.ids)
    loss.backward()

    assert turn.losses["loss"] == pytest.approx(loss.item(), abs=1e-6)
    parameters = dict(model.named_parameters())
    assert [weight.name for weight in turn.weights] == list(parameters)
    for weight in turn.weights:
        torch.testing.assert_close(weight.gradient, parameters[weight.name].grad, **SAME)
        torch.testing.assert_close(weight.after, weight.before - turn.lr * weight.gradient, **SAME)
    assert [layer.name for layer in turn.layers] == list(outputs)
    for layer in turn.layers:
        value, gradient = outputs[layer.name].detach(), outputs[layer.name].grad
        assert layer.value.shape == tuple(value.shape)
        assert layer.value.summary.mean == pytest.approx(value.mean().item(), abs=1e-6)
        assert layer.value.size == pytest.approx(value.square().mean().sqrt().item(), abs=1e-6)
        assert layer.gradient.summary.norm == pytest.approx(gradient.norm().item(), abs=1e-5)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "scaled_tanh", "relu", "leaky_relu", "elu", "silu", "gelu"])
def test_back_propagation_by_hand_equals_autograd(activation):
    chosen = parse_assignments([f"model.activation={activation}", "model.hidden=[4, 3]", "seed=5"])
    subject = subject_of("mlp", "1,0.25", chosen=chosen)
    model = copy.deepcopy(subject.state.model)
    step = take_step(subject)
    logits, outputs = watched(model, step.inputs)
    F.cross_entropy(logits, torch.tensor(step.classes)).backward()
    neurons = step.turns[0].neurons
    assert [layer.name for layer in neurons] == ["hidden.0.dense", "hidden.1.dense", "output"]
    for layer in neurons:
        torch.testing.assert_close(layer.z.float(), outputs[layer.name][0], **SAME)
        torch.testing.assert_close(layer.delta.float(), outputs[layer.name].grad[0], **SAME)
        torch.testing.assert_close(
            layer.weight_gradient.float(), model.get_parameter(f"{layer.name}.weight").grad, **SAME
        )
        torch.testing.assert_close(layer.bias_gradient.float(), model.get_parameter(f"{layer.name}.bias").grad, **SAME)
        assert layer.difference < 1e-6
    p, t = logits.detach().softmax(1)[0], F.one_hot(torch.tensor(step.classes[0]), 2)
    torch.testing.assert_close(neurons[-1].delta.float(), p - t, **SAME)
    assert step.turns[0].losses_after["loss"] < step.turns[0].losses["loss"]


def test_the_local_derivative_of_a_sigmoid_is_a_times_one_minus_a():
    z = torch.linspace(-4, 4, 9, dtype=torch.float64)
    torch.testing.assert_close(local_derivative(torch.nn.Sigmoid(), z), z.sigmoid() * (1 - z.sigmoid()))


def test_a_large_network_has_no_single_numbers_and_a_branched_one_no_chain():
    step = take_step(subject_of("resnet20", "3"))
    assert step.turns[0].neurons == [] and step.turns[0].layers[0].value.numbers is None
    assert step.ids[0] == "3" and len(step.ids) == 10  # batch normalisation needs company


@pytest.mark.parametrize("model", ["mlp", "perceptron"])
def test_steps_in_slow_motion_are_the_steps_of_the_run(tmp_path, model):
    settings = [
        f"model.name={model}",
        "train.steps=12",
        "train.plan=plain",
        "train.check_epochs=100",
        "data.cache=false",
    ]
    proposal = journey.propose("made:moons", parse_assignments(settings), "tiny")
    run = Run(tmp_path / "run", proposal.settings, proposal.origins, source=proposal.source)
    run.write()
    run.train()
    slow = subject_of(str(run.folder), first=True)
    assert slow.state.step == 0
    for _ in range(12):
        take_step(slow)
    before = sorted(file.name for file in run.folder.rglob("*"))
    trained = subject_of(str(run.folder))
    for name, weight in trained.state.model.named_parameters():
        assert torch.equal(weight, slow.state.model.get_parameter(name)), name
    assert sorted(file.name for file in run.folder.rglob("*")) == before  # looking writes nothing
