"""The gates of any network with recurrent layers: what its fused run did, told by its cells."""

import pytest
import torch
from torch import nn

from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Tokens, Translation
from deepglass.graph.gates import probe_gates
from deepglass.graph.probe import Probe

TEXT = Padded(torch.tensor([[4, 8, 1, 0], [3, 6, 2, 7]]), torch.tensor([3, 4]))


def char_lm():
    torch.manual_seed(0)
    return catalogue.find("models", "char_lm").fitted(Ports(Tokens(9), Steps(9))).build()


def test_letters_over_time_are_those_of_the_run():
    network = char_lm().train()
    with Probe(network.eval(), ["lstm"]) as probe:
        network(TEXT)
    (gates,) = probe_gates(network.train(), TEXT)["lstm"]
    assert network.training and network.lstm.training
    assert list(gates) == ["l0", "l1"] and list(gates["l0"]) == ["i", "f", "g", "o", "c", "h"]
    torch.testing.assert_close(gates["l1"]["h"], probe["lstm"].value, rtol=1e-5, atol=1e-6)
    assert all(((part >= 0) & (part <= 1)).all() for part in (gates["l0"][gate] for gate in "ifo"))
    assert not gates["l0"]["c"][0, 3].any()  # behind the first row's end
    assert not gates["l0"]["c"].requires_grad


def test_each_call_of_each_layer_is_told_with_the_state_that_it_was_given():
    torch.manual_seed(0)
    network = catalogue.find("models", "seq2seq").fitted(Ports(Translation(9, 9), Steps(9))).build()
    found = probe_gates(network, TEXT, TEXT)
    assert list(found) == ["reader", "writer"]
    assert list(found["reader"][0]) == ["l0", "l0_reverse"]
    ends = found["reader"][0]["l0"]["c"][1, 3], found["reader"][0]["l0_reverse"]["c"][1, 0]
    said = found["writer"][0]["l0"]
    expected = said["f"][1, 0] * torch.cat(ends) + said["i"][1, 0] * said["g"][1, 0]
    torch.testing.assert_close(said["c"][1, 0], expected, rtol=1e-5, atol=1e-6)

    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = Recurrent("gru", 2, 3)

        def forward(self, x):
            _, state = self.layer(x)
            return self.layer(x, state)[0].values

    calls = probe_gates(Twice(), Padded(torch.randn(1, 4, 2), torch.tensor([4])))["layer"]
    assert len(calls) == 2 and list(calls[0]["l0"]) == ["r", "z", "n", "h"]
    assert not torch.equal(calls[0]["l0"]["h"], calls[1]["l0"]["h"])


def test_a_network_without_recurrence_has_nothing_to_tell_and_an_error_leaves_no_hook():
    assert probe_gates(nn.Linear(2, 3), torch.zeros(1, 2)) == {}
    network = char_lm().train()
    with pytest.raises(AttributeError):
        probe_gates(network, None)
    assert network.training and not network.lstm._forward_pre_hooks
