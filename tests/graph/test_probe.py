"""The probe sees what autograd sees, changes nothing, and leaves no hook behind."""

import pytest
import torch
from torch import nn

from deepglass.foundation import catalogue
from deepglass.graph.probe import Probe, copied, first_tensor, leaves, summarise


def hooks(network):
    return sum(len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules())


def test_values_and_gradients_are_those_of_autograd():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.randn(5, 3)
    with Probe(network, ["0", "1", ""], inputs=True) as probe:
        network(x).square().sum().backward()
    a = (x @ network[0].weight.T + network[0].bias).detach().requires_grad_()
    h = a.tanh()
    h.retain_grad()
    y = network[2](h)
    y.retain_grad()
    y.square().sum().backward()
    for name, value in (("0", a), ("1", h), ("", y)):
        torch.testing.assert_close(probe[name].value, value.detach())
        torch.testing.assert_close(probe[name].gradient, value.grad)
    torch.testing.assert_close(probe["0"].input, x)


def test_results_are_bit_for_bit_unchanged():
    torch.manual_seed(0)
    network = catalogue.find("models", "resnet20").build()
    x = torch.randn(4, 3, 16, 16)

    def step():
        network.zero_grad()
        logits = network.eval()(x)
        logits.logsumexp(1).sum().backward()
        return [logits.detach(), *(parameter.grad.clone() for parameter in network.parameters())]

    plain = step()
    with Probe(network):
        watched = step()
    assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))


def test_what_is_kept_survives_operations_in_place():
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    x = torch.randn(6, 3)
    with Probe(network) as probe:
        network(x).sum().backward()
    before = x @ network[0].weight.T + network[0].bias
    torch.testing.assert_close(probe["0"].value, before.detach())
    torch.testing.assert_close(probe["0"].gradient, (before > 0).float())  # of the value before the rectifier


def test_every_call_of_a_shared_module_is_kept():
    cell = nn.Linear(2, 2)
    network = nn.ModuleDict({"cell": cell})
    with Probe(network, ["cell"]) as probe:
        h = torch.ones(1, 2)
        for _ in range(3):
            h = cell(h)
        h.sum().backward()
    calls = probe["cell"].calls
    assert len(calls) == 3
    torch.testing.assert_close(calls[1].gradient, torch.ones(1, 2) @ cell.weight.detach())
    assert torch.equal(probe["cell"].value, calls[2].value)


def test_hooks_are_gone_afterwards_even_after_an_error():
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
    with pytest.raises(RuntimeError), Probe(network):
        assert hooks(network) == 2
        network(torch.randn(2, 7))
    assert hooks(network) == 0
    with Probe(network) as probe:
        y = network(torch.randn(2, 3))
    y.sum().backward()  # too late to be seen
    assert hooks(network) == 0
    assert probe["0"].gradient is None


def test_without_gradients_values_are_still_seen():
    network = nn.Sequential(nn.Linear(3, 4))
    with torch.no_grad(), Probe(network) as probe:
        network(torch.randn(2, 3))
    assert probe["0"].value.shape == (2, 4) and probe["0"].gradient is None


def test_unknown_names_are_answered_with_neighbours():
    network = catalogue.find("models", "resnet20").build()
    with pytest.raises(ValueError, match="no submodule 'layer9'. Did you mean layer"):
        Probe(network, ["layer9"])
    with Probe(network, ["layer1"]) as probe:
        pass
    with pytest.raises(KeyError, match="'layer1' was not called while the probe was open; called were: nothing"):
        probe["layer1"]


def test_by_default_the_leaves_in_order_of_their_calls():
    network = catalogue.find("models", "lenet5").build()
    with torch.no_grad(), Probe(network) as probe:
        network(torch.randn(1, 1, 32, 32))
    assert [capture.name for capture in probe] == leaves(network)
    assert len(probe) == 12 and "digit.5" in probe and "digit" not in probe
    assert leaves(nn.Linear(2, 2)) == [""]


def test_a_recurrent_layers_first_tensor_is_its_output():
    network = nn.Sequential(nn.LSTM(3, 4, batch_first=True))
    with Probe(network) as probe:
        y, _ = network(torch.randn(2, 5, 3))
        y.sum().backward()
    assert probe["0"].value.shape == probe["0"].gradient.shape == (2, 5, 4)
    assert first_tensor({"a": [None, (torch.ones(2),)]}).shape == (2,)
    assert first_tensor("nothing") is None


def test_a_summary_can_be_kept_instead_of_the_values():
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.ReLU())
    with torch.no_grad():
        network[0].bias.fill_(100.0)
        network[2].bias.copy_(torch.tensor([-100.0, -100.0, 100.0, 100.0]))
    with Probe(network, keep=summarise) as probe:
        network(torch.randn(8, 3)).sum().backward()
    assert probe["1"].value.saturated == 1.0
    assert probe["3"].value.dead == 0.5
    assert probe["1"].gradient.norm >= 0 and probe["3"].gradient.dead == 0.0


def test_summary_figures():
    x = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    found = summarise(x, "ReLU")
    assert (found.mean, found.smallest, found.largest, found.dead) == (1.0, 0.0, 3.0, 0.5)
    assert found.spread == pytest.approx(1.5**0.5)
    assert found.norm == pytest.approx(10**0.5)
    assert summarise(torch.zeros(2, 3, 4, 4).index_fill(1, torch.tensor([1]), 1.0), "ReLU").dead == pytest.approx(2 / 3)
    assert summarise(torch.tensor([0.0, 0.5, 1.0, 0.99]), "Sigmoid").saturated == 0.75
    assert not summarise(torch.tensor([1.0, float("nan")])).finite
    assert summarise(torch.empty(0)).norm == 0.0
    assert summarise(torch.tensor([1, 3])).mean == 2.0


def test_saturation_begins_where_the_slope_is_a_twentieth():
    x = torch.linspace(-6, 6, 4001, dtype=torch.float64, requires_grad=True)
    for kind, function in (("Sigmoid", torch.sigmoid), ("Tanh", torch.tanh)):
        y = function(x)
        (slope,) = torch.autograd.grad(y.sum(), x)
        flat = (slope < slope.max() / 20).double().mean().item()
        assert summarise(y, kind).saturated == pytest.approx(flat, abs=2e-3)


def test_copied_is_a_copy():
    x = torch.ones(2)
    y = copied(x)
    x.zero_()
    assert y.tolist() == [1.0, 1.0]
