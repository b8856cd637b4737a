"""What moves which parameter, by how much: Muon against its equations, the rest against torch's own optimizers."""

import copy
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from deepglass.engine.optimizers import all_finite, build_optimizer, move, orthogonal, set_rate
from deepglass.engine.schedules import rate
from deepglass.engine.settings import MuonSettings, TrainSettings

SETTINGS = TrainSettings(optimizer="muon", lr=0.24, momentum=0.6)
UNIT = replace(SETTINGS, muon=MuonSettings(iterations=3, unit=True, rest="sgd", rest_lr=0.5, head_lr=0.02))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(self.norm(self.conv(x)).amax((2, 3)))


def steps(settings, count, stages=("conv", "fc")):
    """The network after so many steps, and all gradients on the way."""
    torch.manual_seed(0)
    net, grads = Net(), []
    optimizer = build_optimizer(settings, dict(net.named_parameters()), stages)
    for step in range(count):
        net.zero_grad()
        x = torch.randn(16, 3, 6, 6, generator=torch.Generator().manual_seed(step))
        nn.functional.cross_entropy(net(x), torch.arange(16) % 4).backward()
        grads.append({name: parameter.grad.clone() for name, parameter in net.named_parameters()})
        set_rate(optimizer, settings.lr)
        optimizer.step()
    return net, grads, optimizer


def started():
    torch.manual_seed(0)
    return Net()


def test_a_unit_matrix_has_its_norm_and_one_orthogonal_step():
    net, grads, _ = steps(UNIT, 2)
    weight, momentum = started().conv.weight.detach(), torch.zeros(8, 3, 3, 3)
    for grad in (step["conv.weight"] for step in grads):
        momentum = 0.6 * momentum + grad
        weight = weight * 8**0.5 / weight.norm()
        weight = weight - 0.24 * orthogonal((grad + 0.6 * momentum).flatten(1), 3).reshape(weight.shape)
    torch.testing.assert_close(net.conv.weight, weight)


def test_without_it_the_step_is_scaled_by_its_shape_and_the_weights_decay():
    settings = replace(SETTINGS, weight_decay=0.1)
    net, grads, _ = steps(settings, 1, stages=())
    grad, before = grads[0]["fc.weight"], started().fc.weight.detach()
    expected = before * (1 - 0.24 * 0.1) - 0.24 * orthogonal(grad)
    torch.testing.assert_close(net.fc.weight, expected)


@pytest.mark.parametrize(("name", "its_rate"), [("fc.weight", 0.02), ("norm.bias", 0.5), ("fc.bias", 0.02)])
def test_the_rest_by_sgd_is_torchs_with_nesterov_and_decay(name, its_rate):
    settings = replace(UNIT, muon=replace(UNIT.muon, rest_momentum=0.85, rest_decay=0.01))
    net, grads, _ = steps(settings, 3)
    parameter = nn.Parameter(started().get_parameter(name).detach().clone())
    theirs = torch.optim.SGD([parameter], lr=its_rate, momentum=0.85, nesterov=True, weight_decay=0.01 / its_rate)
    for grad in grads:
        parameter.grad = grad[name]
        theirs.step()
    torch.testing.assert_close(net.get_parameter(name), parameter)


@pytest.mark.parametrize("name", ["norm.bias", "norm.weight"])
def test_the_rest_by_adam_is_torchs(name):
    net, grads, _ = steps(SETTINGS, 3)
    parameter = nn.Parameter(started().get_parameter(name).detach().clone())
    theirs = torch.optim.Adam([parameter], lr=0.024)
    for grad in grads:
        parameter.grad = grad[name]
        theirs.step()
    torch.testing.assert_close(net.get_parameter(name), parameter)


@pytest.mark.parametrize(("settings", "moved"), [(SETTINGS, "muon"), (UNIT, "sgd")])
def test_the_head_is_a_matrix_unless_it_has_its_own_rate(settings, moved):
    net, _, optimizer = steps(settings, 0)
    (group,) = [group for group in optimizer.param_groups if any(one is net.fc.weight for one in group["params"])]
    assert group["moved"] == moved
    assert group["lr" if moved == "muon" else "base"] == (0.24 if moved == "muon" else 0.02)


def test_a_copy_goes_on_as_the_original_does():
    settings = replace(UNIT, muon=replace(UNIT.muon, rest_decay=0.01))
    net, _, optimizer = steps(settings, 2)
    twin, twins = copy.deepcopy((net, optimizer))
    for one, its in ((net, optimizer), (twin, twins)):
        one.zero_grad()
        one(torch.ones(4, 3, 6, 6)).square().sum().backward()
        its.step()
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, twin.get_parameter(name)), name


def test_orthogonal_steps_are_nearly_orthogonal():
    for shape in ((16, 64), (64, 16)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=torch.Generator().manual_seed(1))))
        assert 0.5 < values.min() and values.max() < 1.3


def test_the_linear_rate_falls_evenly_from_the_whole_to_nothing():
    settings = TrainSettings(schedule="linear", warmup=0.0, lr=0.8)
    assert [rate(settings, step, 4, ()) for step in range(5)] == pytest.approx([0.8, 0.6, 0.4, 0.2, 0.0])
    warm = replace(settings, warmup=0.5)
    assert [rate(warm, step, 4, ()) for step in range(4)] == pytest.approx([0.4, 0.8, 0.8, 0.4])


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_single_number_that_is_not_finite_is_seen_and_finite_ones_are_left_alone(value, place):
    grads = [torch.randn(3, 4), torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)]
    before = [grad.clone() for grad in grads]
    assert all_finite(grads) and all(torch.equal(*pair) for pair in zip(grads, before, strict=True))
    grads[place][(-1,) * grads[place].ndim] = value
    assert not all_finite(grads)
    assert all_finite([])


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.float16, torch.complex64])
def test_gradients_of_any_kind_may_be_asked(kind):
    grads = [torch.ones(3, dtype=kind), torch.ones(2)]
    assert all_finite(grads) and all_finite(grads[:1])
    grads[0][1] = float("nan")
    assert not all_finite(grads) and not all_finite(grads[:1])


WITHOUT_COMPILER = """
import sys, torch
from torch import nn
from deepglass.engine.optimizers import build_optimizer, move
from deepglass.engine.settings import TrainSettings
for name in ("sgd", "adamw", "muon"):
    net = nn.Linear(3, 2)
    optimizer = build_optimizer(TrainSettings(optimizer=name), dict(net.named_parameters()), [])
    net(torch.ones(4, 3)).sum().backward()
    before = net.weight.clone()
    move(optimizer)
    assert not torch.equal(net.weight, before)
print("torch._dynamo" in sys.modules, "sympy" in sys.modules)
"""


def test_nothing_loads_the_compiler_where_nothing_is_compiled():
    """0.9 s of every start: an update of torch that brings it back is seen here."""
    said = subprocess.run([sys.executable, "-c", WITHOUT_COMPILER], check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_a_move_is_what_the_optimizer_calls_a_step(name):
    nets = [started(), started()]
    optimizers = [build_optimizer(TrainSettings(optimizer=name), dict(net.named_parameters()), []) for net in nets]
    for step in range(3):
        x = torch.randn(16, 3, 6, 6, generator=torch.Generator().manual_seed(step))
        for net in nets:
            net.zero_grad()
            nn.functional.cross_entropy(net(x), torch.arange(16) % 4).backward()
        move(optimizers[0])
        optimizers[1].step()
    for ours, theirs in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(ours, theirs)
