"""Recurrent layers: torch's networks to the last digits, forwards and backwards, and the gates as the textbook's."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from deepglass.blocks.cells import GRUCell, LSTMCell, RNNCell
from deepglass.blocks.recurrent import Recurrent, turned
from deepglass.foundation.padded import Padded

THEIRS = {
    "rnn_tanh": torch.nn.RNN,
    "rnn_relu": lambda *sizes, **named: torch.nn.RNN(*sizes, nonlinearity="relu", **named),
    "gru": torch.nn.GRU,
    "lstm": torch.nn.LSTM,
}
CELLS = {"rnn": (RNNCell, torch.nn.RNNCell), "gru": (GRUCell, torch.nn.GRUCell), "lstm": (LSTMCell, torch.nn.LSTMCell)}
LETTERS = {"rnn_tanh": "h", "rnn_relu": "h", "gru": "rznh", "lstm": "ifgoch"}


def rows(lengths, features=5, seed=0):
    values = torch.randn(len(lengths), max(lengths), features, generator=torch.Generator().manual_seed(seed))
    padded = Padded(values, torch.tensor(lengths))
    return padded.with_values(values)


def pair(kind, **named):
    """Ours and torch's with the same weights."""
    torch.manual_seed(0)
    theirs = THEIRS[kind](
        5, 7, batch_first=True, num_layers=named.get("layers", 1), bidirectional=named["bidirectional"]
    )
    ours = Recurrent(kind, 5, 7, **named)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    return ours, theirs


def packed(theirs, x, start=None):
    """torch's outputs, padded, and its last state, from a packed sequence."""
    given = pack_padded_sequence(x.values, x.lengths, batch_first=True, enforce_sorted=False)
    outputs, state = theirs(given) if start is None else theirs(given, start)
    return pad_packed_sequence(outputs, batch_first=True)[0], state if isinstance(state, tuple) else (state,)


def loss(outputs, state):
    return outputs.square().sum() + sum((part * part.cos()).sum() for part in state)


@pytest.mark.parametrize("kind", THEIRS)
@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), layers=st.integers(1, 3), both=st.booleans())
def test_outputs_states_and_gradients_are_those_of_torchs_packed_networks(kind, lengths, layers, both):
    ours, theirs = pair(kind, layers=layers, bidirectional=both)
    x = rows(lengths)
    mine, its = x.values.clone().requires_grad_(), x.values.clone().requires_grad_()
    outputs, state = ours(Padded(mine, x.lengths))
    expected, last = packed(theirs, Padded(its, x.lengths))
    torch.testing.assert_close(outputs.values, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(state, last, rtol=1e-5, atol=1e-5)
    loss(outputs.values, state).backward()
    loss(expected, last).backward()
    torch.testing.assert_close(mine.grad, its.grad, rtol=1e-5, atol=1e-5)
    for (name, parameter), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=1e-5, atol=2e-5, msg=name)


@pytest.mark.parametrize("kind", THEIRS)
def test_a_state_handed_in_is_where_each_row_goes_on(kind):
    ours, theirs = pair(kind, layers=2, bidirectional=True)
    x = rows([4, 7, 2])
    start = tuple(torch.randn(4, 3, 7) for _ in range(2 if kind == "lstm" else 1))
    outputs, state = ours(x, start)
    expected, last = packed(theirs, x, start if kind == "lstm" else start[0])
    torch.testing.assert_close(outputs.values, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(state, last, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", THEIRS)
def test_the_readable_path_gives_the_same_with_the_same_gradients(kind):
    ours, _ = pair(kind, layers=2, bidirectional=True)
    x = rows([6, 1, 4])
    outputs, state = ours(x)
    loss(outputs.values, state).backward()
    fused = {name: parameter.grad.clone() for name, parameter in ours.named_parameters()}
    ours.zero_grad()
    told = ours.tell(x)
    torch.testing.assert_close(told.outputs.values, outputs.values, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(told.state, state, rtol=1e-5, atol=1e-5)
    loss(told.outputs.values, told.state).backward()
    for name, parameter in ours.named_parameters():
        torch.testing.assert_close(parameter.grad, fused[name], rtol=1e-4, atol=1e-5)
    assert list(told.gates) == ["l0", "l0_reverse", "l1", "l1_reverse"]
    assert all("".join(said) == LETTERS[kind] for said in told.gates.values())
    assert all(values.shape == (3, 6, 7) for said in told.gates.values() for values in said.values())
    assert not any(values[1, 1:].any() for said in told.gates.values() for values in said.values())
    h = torch.cat((told.gates["l1"]["h"], told.gates["l1_reverse"]["h"]), dim=-1)
    torch.testing.assert_close(h, outputs.values, rtol=1e-5, atol=1e-5)


def test_the_gates_explain_the_memory():
    ours, _ = pair("lstm", bidirectional=False)
    said = ours.tell(rows([9])).gates["l0"]
    before = torch.cat((torch.zeros(1, 1, 7), said["c"][:, :-1]), dim=1)
    torch.testing.assert_close(said["c"], said["f"] * before + said["i"] * said["g"])
    torch.testing.assert_close(said["h"], said["o"] * said["c"].tanh())
    ours, _ = pair("gru", bidirectional=True)
    said = ours.tell(rows([9])).gates["l0_reverse"]  # told at the steps to which they belong: its first is the last
    before = torch.cat((said["h"][:, 1:], torch.zeros(1, 1, 7)), dim=1)
    torch.testing.assert_close(said["h"], (1 - said["z"]) * said["n"] + said["z"] * before)


@pytest.mark.parametrize("name", CELLS)
def test_cells_are_torchs(name):
    make_ours, make_theirs = CELLS[name]
    theirs, ours = make_theirs(5, 7), make_ours(5, 7)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x, state = torch.randn(3, 5), tuple(torch.randn(3, 7) for _ in range(2 if name == "lstm" else 1))
    expected = theirs(x, state if name == "lstm" else state[0])
    torch.testing.assert_close(ours(x, state), expected if name == "lstm" else (expected,))
    torch.testing.assert_close(ours(x)[0], theirs(x)[0] if name == "lstm" else theirs(x))


def test_weights_start_as_torchs_do():
    torch.manual_seed(3)
    ours = Recurrent("lstm", 5, 7, layers=2, bidirectional=True).state_dict()
    torch.manual_seed(3)
    theirs = torch.nn.LSTM(5, 7, num_layers=2, bidirectional=True).state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("kind", THEIRS)
def test_rows_without_steps_remember_what_they_were_given(kind):
    ours, _ = pair(kind, bidirectional=True)
    x = Padded(torch.zeros(2, 3, 5), torch.tensor([0, 3]))
    start = tuple(torch.randn(2, 2, 7) for _ in range(2 if kind == "lstm" else 1))
    outputs, state = ours(x, start)
    assert not outputs.values[0].any()
    for part, given_part in zip(state, start, strict=True):
        assert torch.equal(part[:, 0], given_part[:, 0])


def test_a_memory_is_kept_behind_an_end_to_the_last_bit_also_in_half_precision():
    ours, _ = pair("lstm", bidirectional=True)
    short = rows([3])
    noise = Padded(torch.cat((short.values, 50 * torch.randn(1, 40, 5)), dim=1), short.lengths)
    assert all(torch.equal(a, b) for a, b in zip(ours(short)[1], ours(noise)[1], strict=True))
    with torch.autocast("cpu", torch.bfloat16):
        assert all(torch.equal(a, b) for a, b in zip(ours(short)[1], ours(noise)[1], strict=True))


def test_bfloat16_runs_the_fused_kernel_also_in_training():
    ours, _ = pair("lstm", layers=2, bidirectional=True)
    with torch.profiler.profile() as seen:
        with torch.autocast("cpu", torch.bfloat16):
            outputs, _ = ours(rows([6, 4]))
        outputs.values.float().square().sum().backward()
    names = {event.key for event in seen.key_averages()}
    assert outputs.values.dtype == torch.bfloat16
    assert {"aten::mkldnn_rnn_layer", "aten::mkldnn_rnn_layer_backward"} <= names
    assert all(parameter.grad.dtype == torch.float32 for parameter in ours.parameters())


def test_gradients_flow_also_in_evaluation():
    ours, _ = pair("lstm", layers=2, bidirectional=False)
    x = rows([6, 4])
    values = x.values.requires_grad_()
    ours.eval()(Padded(values, x.lengths))[0].values.sum().backward()
    assert values.grad.abs().sum() > 0


def test_dropout_lies_between_layers_and_on_the_recurrent_weights_in_training_only():
    x = rows([6, 4])
    between = Recurrent("gru", 5, 7, layers=2, dropout=0.5)
    one = Recurrent("gru", 5, 7, layers=1, dropout=0.5)
    weights = Recurrent("lstm", 5, 7, weight_dropout=0.5)
    for network, drops in ((between, True), (one, False), (weights, True)):
        a, b = (network.train()(x)[0].values for _ in range(2))
        assert torch.equal(a, b) is not drops
        a, b = (network.eval()(x)[0].values for _ in range(2))
        assert torch.equal(a, b)
    first = (weights.train()(x)[0].values, weights.eval()(x)[0].values)
    torch.testing.assert_close(first[0][:, 0], first[1][:, 0])  # the first step has no past for the drop to touch


def test_turning_twice_is_the_row_itself_with_its_gradient():
    x = rows([5, 1, 3])
    values = x.values.double().requires_grad_()
    once = turned(Padded(values, x.lengths))
    assert torch.equal(once.values[0], values[0].flip(0)) and torch.equal(once.values[2, :3], values[2, :3].flip(0))
    assert torch.equal(turned(once).values, values)
    assert torch.autograd.gradcheck(lambda v: turned(Padded(v, x.lengths)).values, values)
    assert torch.autograd.gradgradcheck(lambda v: turned(Padded(v, x.lengths)).values.square(), values)
