"""Perceptron, MLP and both LeNets against their textbooks, in numpy where that is plainest."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation import catalogue
from deepglass.foundation.ports import Image, Ports, Vector
from deepglass.models.lenet5_1998 import CONNECTIONS, codes


def build(name, ports=None):
    config = catalogue.find("models", name)
    return (config.fitted(ports) if ports else config).build()


def test_perceptron_logits_differ_by_its_score():
    network = build("perceptron", Ports(Vector(3), Vector(2)))
    assert all((parameter == 0).all() for parameter in network.parameters())
    with torch.no_grad():
        network.neuron.weight.copy_(torch.tensor([[1.0, -2.0, 0.5]]))
        network.neuron.bias.fill_(0.25)
    x = torch.randn(5, 3)
    score = x @ torch.tensor([1.0, -2.0, 0.5]) + 0.25
    torch.testing.assert_close(network.score(x), score)
    logits = network(x)
    torch.testing.assert_close(logits[:, 1] - logits[:, 0], score)
    torch.testing.assert_close(logits[:, 0], -logits[:, 1])


def test_perceptron_criterion_with_sgd_is_rosenblatts_rule():
    network = build("perceptron")
    rule_w, rule_b = np.zeros(2), 0.0
    rng = np.random.default_rng(0)
    for _ in range(60):
        x, y = rng.normal(size=2), rng.choice((-1.0, 1.0))
        if y * (rule_w @ x + rule_b) <= 0:  # a mistake
            rule_w, rule_b = rule_w + 0.5 * y * x, rule_b + 0.5 * y
        score = network.score(torch.tensor(x, dtype=torch.float32)[None])
        network.zero_grad()
        # at a score of exactly zero the criterion's slope counts as a mistake, as the rule does
        loss = torch.where(y * score <= 0, -y * score, 0 * score).sum()
        loss.backward()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter -= 0.5 * parameter.grad
        np.testing.assert_allclose(network.neuron.weight.detach()[0].numpy(), rule_w, atol=1e-5)
        assert network.neuron.bias.item() == pytest.approx(rule_b, abs=1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "scaled_tanh", "relu", "leaky_relu", "elu", "silu", "gelu"])
def test_mlp_keeps_its_signal_through_ten_layers(name):
    """The start suits the activation: neither signal nor gradient vanishes or explodes, but for the sigmoid."""
    config = dataclasses.replace(catalogue.find("models", "mlp"), takes=(64,), hidden=(64,) * 10, activation=name)
    torch.manual_seed(0)
    network = config.build()
    x = torch.randn(256, 64)
    h = network.hidden(x)
    assert 0.03 < h.std().item() < 3
    network(x).square().mean().backward()
    first, last = network.hidden[0].dense.weight.grad.norm(), network.hidden[-1].dense.weight.grad.norm()
    lowest = 1e-8 if name == "sigmoid" else 0.05  # the vanishing gradient of the textbook, to be seen
    assert lowest < (first / last).item() < 20


def test_mlp_equals_the_textbook():
    network = build("mlp", Ports(Image(1, 4, 4), Vector(3)))
    weights = {name: value.detach().double().numpy() for name, value in network.named_parameters()}
    x = np.random.default_rng(0).normal(size=(5, 1, 4, 4))
    h = x.reshape(5, 16)
    for layer in (0, 1):
        h = np.maximum(h @ weights[f"hidden.{layer}.dense.weight"].T + weights[f"hidden.{layer}.dense.bias"], 0)
    expected = h @ weights["output.weight"].T + weights["output.bias"]
    np.testing.assert_allclose(network.double()(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-10)


def test_mlp_drops_only_while_training():
    network = dataclasses.replace(catalogue.find("models", "mlp"), takes=(8,), dropout=0.5).build()
    x = torch.randn(4, 8)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_lenet5_equals_plain_layers():
    network = build("lenet5")
    w = network.state_dict()
    x = torch.randn(3, 1, 32, 32)
    y = F.avg_pool2d(torch.tanh(F.conv2d(x, w["strokes.0.weight"], w["strokes.0.bias"])), 2)
    y = F.avg_pool2d(torch.tanh(F.conv2d(y, w["strokes.3.weight"], w["strokes.3.bias"])), 2).flatten(1)
    for layer in (1, 3):
        y = torch.tanh(y @ w[f"digit.{layer}.weight"].T + w[f"digit.{layer}.bias"])
    torch.testing.assert_close(network(x), y @ w["digit.5.weight"].T + w["digit.5.bias"], rtol=1e-5, atol=1e-6)


def lenet5_1998_by_hand(w, x):
    """Section II-B of the paper in plain loops over maps. (B, 32, 32) -> (B, 10)"""

    def squash(a):
        return 1.7159 * np.tanh(2 / 3 * a)

    def slide(image, kernel):  # (B, H, W) by (k, k): valid correlation
        k = len(kernel)
        windows = np.lib.stride_tricks.sliding_window_view(image, (k, k), axis=(1, 2))
        return (windows * kernel).sum(axis=(3, 4))

    def shrink(maps, name):
        sums = [m[:, ::2, ::2] + m[:, 1::2, ::2] + m[:, ::2, 1::2] + m[:, 1::2, 1::2] for m in maps]
        return [squash(a * s + b) for s, a, b in zip(sums, w[f"{name}.weight"], w[f"{name}.bias"], strict=True)]

    c1 = [squash(slide(x, kernel[0]) + b) for kernel, b in zip(w["c1.weight"], w["c1.bias"], strict=True)]
    s2 = shrink(c1, "s2")
    kernels = iter(w["c3.weight"])
    c3 = [squash(sum(slide(s2[m], next(kernels)) for m in maps) + b)
          for maps, b in zip(CONNECTIONS, w["c3.bias"], strict=True)]  # fmt: skip
    s4 = shrink(c3, "s4")
    c5 = np.stack([
        squash(sum(slide(m, k)[:, 0, 0] for m, k in zip(s4, kernel, strict=True)) + b)
        for kernel, b in zip(w["c5.weight"], w["c5.bias"], strict=True)
    ], axis=1)  # fmt: skip
    f6 = squash(c5 @ w["f6.weight"].T + w["f6.bias"])
    return -((f6[:, None] - w["output.codes"]) ** 2).sum(axis=2)


def test_lenet5_1998_equals_the_paper_by_hand():
    network = build("lenet5_1998").double()
    with torch.no_grad():
        for name in ("s2", "s4"):  # away from their start, so that a mistake shows
            getattr(network, name).weight.normal_(0.25, 0.1)
            getattr(network, name).bias.normal_(0, 0.1)
    x = torch.randn(2, 1, 32, 32, dtype=torch.float64)
    weights = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    expected = lenet5_1998_by_hand(weights, x[:, 0].numpy())
    np.testing.assert_allclose(network(x).detach().numpy(), expected, rtol=1e-9)


def test_lenet5_1998_has_the_papers_parameters_layer_by_layer():
    network = build("lenet5_1998")
    counted = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    stated = {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164}
    assert {name: count for name, count in counted.items() if count} == stated


def test_connections_are_table_one():
    assert [len(maps) for maps in CONNECTIONS] == [3] * 6 + [4] * 9 + [6]
    assert all(sum(m in maps for maps in CONNECTIONS) == 10 for m in range(6))  # every map of S2 is used equally
    assert len(set(CONNECTIONS)) == 16


def test_codes_are_ten_different_drawings_that_never_move():
    drawn = codes()
    assert drawn.shape == (10, 84)
    assert drawn.unique().tolist() == [-1.0, 1.0]
    apart = (drawn[:, None] != drawn).sum(dim=2) + 84 * torch.eye(10)
    assert apart.min() >= 6  # pixels between the two digits most alike
    network = build("lenet5_1998")
    assert "output.codes" in network.state_dict() and "output.codes" not in dict(network.named_parameters())
