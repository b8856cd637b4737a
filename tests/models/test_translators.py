"""Translators: token by token they say what they say of whole rows, they learn, and they look where the answer lies."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.blocks.attention import Looks
from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import PortMismatch, Ports, Steps, Translation, Vector
from deepglass.graph.operations import tensors_in
from deepglass.graph.probe import Probe

NAMES = ["seq2seq", "conv_seq2seq"]
ENTRIES = [
    *(("seq2seq", {"score": score, "layers": 2}) for score in ("general", "additive", "dot")),
    *(("conv_seq2seq", {"kernel": kernel, "longest": 8}) for kernel in (2, 3)),
]
LEARNERS = [("seq2seq", {"features": 48, "hidden": 64}), ("conv_seq2seq", {"features": 48, "hidden": 64, "layers": 2})]
BEGIN, END, SYMBOLS = 1, 2, 12  # numbers from 3 on are what is written


def network(name, **settings):
    config = catalogue.find("models", name).fitted(Ports(Translation(SYMBOLS, SYMBOLS), Steps(SYMBOLS)))
    torch.manual_seed(0)
    return type(config)(**{**{field: getattr(config, field) for field in config.__slots__}, **settings}).build()


def looks_of(network):
    """The submodules whose output is attention."""
    return [name for name, module in network.named_modules() if isinstance(module, Looks)]


def padded(rows):
    values = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return Padded(values, torch.tensor([len(row) for row in rows]))


def backwards(count, seed):
    """Rows of symbols, what is written so far of them turned round, and what comes next."""
    draw = torch.Generator().manual_seed(seed)
    rows = [
        torch.randint(3, SYMBOLS, (int(torch.randint(2, 7, (), generator=draw)),), generator=draw).tolist()
        for _ in range(count)
    ]
    told = [row[::-1] for row in rows]
    return padded(rows), padded([[BEGIN, *row] for row in told]), padded([[*row, END] for row in told])


@pytest.mark.parametrize(("name", "settings"), ENTRIES)
def test_token_by_token_it_says_what_it_says_of_whole_rows_and_shows_where_it_looks(name, settings):
    writer = network(name, **settings).eval()
    source, so_far, _ = backwards(4, seed=0)
    names = looks_of(writer)
    with torch.no_grad(), Probe(writer, names) as probe:
        whole = writer(source, so_far)
        looks = torch.stack([probe[each].value for each in names]).mean(0)
        state = writer.encode(source)
        assert all(len(tensor) == 4 for tensor in tensors_in(state))  # rows first, as a beam wants them
        for u, token in enumerate(so_far.values.unbind(1)):
            logits, state, looked = writer.step(token, state)
            own = u < so_far.lengths
            torch.testing.assert_close(logits[own], whole.values[own, u], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(looked[own], looks[own, u], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(looked.sum(1), torch.ones(4))
    assert not looked[~source.mask].any()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_later_changes_nothing_before(name):
    writer = network(name).eval()
    source, so_far, _ = backwards(3, seed=1)
    other = so_far.values.clone()
    other[:, 2:] = 4
    with torch.no_grad():
        first, second = writer(source, so_far), writer(source, so_far.with_values(other))
    torch.testing.assert_close(first.values[:, :2], second.values[:, :2])
    assert not torch.allclose(first.values[:, 2], second.values[:, 2])


@pytest.mark.parametrize(("name", "settings"), LEARNERS)
def test_it_learns_to_turn_rows_round_and_looks_at_the_other_end(name, settings):
    writer = network(name, **settings, dropout=0.0)
    optimizer = torch.optim.Adam(writer.parameters(), lr=0.01)
    for step in range(150):
        source, so_far, following = backwards(64, seed=2 + step)
        logits = writer(source, so_far)
        loss = F.cross_entropy(logits.values[logits.mask], following.values[following.mask])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(writer.parameters(), 0.1)  # as Gehring 2017, section 4.2
        optimizer.step()
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - step / 150)
    source, so_far, following = backwards(64, seed=1)
    names = looks_of(writer)
    with torch.no_grad(), Probe(writer.eval(), names) as probe:
        logits = writer(source, so_far)
    right = (logits.values.argmax(2) == following.values)[following.mask].float().mean()
    assert right > 0.97
    first = [probe[each].value[:, 0].argmax(1) for each in names]  # the first token written is the last that was read
    assert max((place >= source.lengths - 2).float().mean() for place in first) > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_it_writes_the_second_languages_tokens_and_no_others(name):
    config = catalogue.find("models", name)
    with pytest.raises(PortMismatch, match=f"{name} gives numbers for every step, but the task asks for 9 numbers"):
        config.fitted(Ports(Translation(7, 8), Steps(9)))
    with pytest.raises(PortMismatch, match=f"{name} reads one text and writes another, but the data are rows of 4"):
        config.fitted(Ports(Vector(4), Steps(9)))
