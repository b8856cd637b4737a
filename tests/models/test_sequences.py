"""Networks over padded rows: each row as if it were alone, in training too, and what each family is known for."""

import dataclasses
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.blocks.time_conv import TimeNorm
from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Image, PortMismatch, Ports, Series, Steps, Tokens, Vector

FITTED = {  # small enough to be quick
    "series_cnn": ({"filters": 4, "depth": 4, "kernels": (7, 4)}, Ports(Series(2), Vector(3))),
    "series_lstm": ({"hidden": 5, "layers": 2}, Ports(Series(2), Vector(3))),
    "text_cnn": ({"width": 6, "maps": 4}, Ports(Tokens(30), Vector(3))),
    "audio_cnn": ({"maps": (4, 6)}, Ports(Series(10), Vector(3))),
}
COUNTS = {"series_cnn": 420_450, "series_lstm": 34_562, "text_cnn": 9_363_310, "audio_cnn": 1_175_210}


def built(name, **changed):
    values, ports = FITTED[name]
    torch.manual_seed(0)
    config = dataclasses.replace(catalogue.find("models", name), **values, **changed).fitted(ports)
    return config.build()


def rows(name, lengths, seed=0):
    generator = torch.Generator().manual_seed(seed)
    takes = FITTED[name][1].takes
    longest = max(lengths)
    if isinstance(takes, Tokens):
        values = torch.randint(takes.vocabulary, (len(lengths), longest), generator=generator)
    else:
        values = torch.randn(len(lengths), longest, takes.channels, generator=generator)
    return Padded(values, torch.tensor(lengths)).with_values(values)


def alone(x, row):
    length = int(x.lengths[row])
    return Padded(x.values[row : row + 1, :length], x.lengths[row : row + 1])


@pytest.mark.parametrize("name", FITTED)
def test_count_of_parameters_is_as_its_page_says(name):
    config = catalogue.find("models", name)
    assert sum(parameter.numel() for parameter in config.build().parameters()) == COUNTS[name]
    assert f"{COUNTS[name]:,}" in sys.modules[type(config).__module__].__doc__


@pytest.mark.parametrize("name", FITTED)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_a_row_alone_is_the_same_beside_longer_ones(name, lengths, seed):
    network = built(name).eval()
    x = rows(name, lengths, seed)
    with torch.no_grad():
        together = network(x)
        apart = torch.cat([network(alone(x, row)) for row in range(len(lengths))])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FITTED)
def test_what_is_padded_counts_for_nothing_in_training_either(name):
    """The same rows in a wider frame give the same logits, gradients and running statistics."""
    x = rows(name, [9, 23, 4])
    shape = (3, 11, *x.values.shape[2:])
    wide = Padded(torch.cat((x.values, torch.zeros(shape, dtype=x.values.dtype)), dim=1), x.lengths)
    found = []
    for batch in (x, wide):
        network = built(name, dropout=0.0).train()
        logits = network(batch)
        logits.square().sum().backward()
        state = {key: value for key, value in network.state_dict().items() if "running" in key}
        found.append((logits, {key: one.grad for key, one in network.named_parameters()}, state))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FITTED)
def test_every_parameter_learns(name):
    network = built(name, dropout=0.0).train()
    torch.nn.functional.cross_entropy(network(rows(name, [12, 30, 7, 7])), torch.tensor([0, 1, 2, 1])).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all() and parameter.grad.any(), key


@pytest.mark.parametrize("name", FITTED)
def test_stages_and_head_are_submodules(name):
    network = built(name)
    known = dict(network.named_modules())
    assert {*network.stages(), network.head} <= set(known)
    assert network.get_submodule(network.head).outputs == 3


@pytest.mark.parametrize("name", FITTED)
def test_a_refusal_is_one_clear_sentence(name):
    config = catalogue.find("models", name)
    wrong = Tokens(9) if isinstance(config.ports().takes, Series) else Series(9)
    for ports in (Ports(wrong, Vector(2)), Ports(Image(3, 32, 32), Vector(2)), Ports(config.ports().takes, Steps(3))):
        with pytest.raises(PortMismatch, match=rf"^{name} .{{30,}}\.$"):
            config.fitted(ports)
    fitted = config.fitted(FITTED[name][1])
    assert fitted.ports() == FITTED[name][1]


def test_inception_reads_at_several_speeds_and_each_step_votes():
    network = built("series_cnn")
    assert [len(unit.layers) for unit in network.units] == [3, 1]  # a shortcut around every three, and the rest
    x = rows("series_cnn", [30])
    with torch.no_grad():
        votes = x
        for unit in network.eval().units:
            votes = unit(votes)
        classes = network.output(votes.values)  # (B, T, K): a class activation map
        torch.testing.assert_close(classes.mean(1), network(x))


def test_a_stride_is_taken_once_and_shortens_every_row():
    network = built("series_cnn", stride=3)
    x = rows("series_cnn", [31, 7, 1])
    assert network.units[0](x).lengths.tolist() == [11, 3, 1]
    assert network.units[1](network.units[0](x)).lengths.tolist() == [11, 3, 1]


def test_normalisation_of_the_first_batch_is_over_its_own_steps():
    network = built("series_cnn").train()
    x = rows("series_cnn", [25, 3])
    norm = next(module for module in network.units[0].layers[0].modules() if isinstance(module, TimeNorm))
    seen = []
    norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(x)
    own = seen[0].values[seen[0].mask]
    torch.testing.assert_close(norm.running_mean, 0.1 * own.mean(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("summary", ["mean", "end"])
def test_the_lstm_sums_up_its_mean_or_its_ends(summary):
    network = built("series_lstm", summary=summary).eval()
    x = rows("series_lstm", [8, 5])
    with torch.no_grad():
        steps = network.lstm(x)[0]
        hidden = network.lstm.hidden
        own = [steps.values[row, :length] for row, length in enumerate(x.lengths.tolist())]
        ends = [torch.cat((one[-1, :hidden], one[0, hidden:])) for one in own]
        means = [one.mean(0) for one in own]
        expected = network.output(torch.stack(ends if summary == "end" else means))
        torch.testing.assert_close(network(x), expected)


def test_a_text_says_the_same_wherever_its_phrase_stands():
    """Maximum over time: with zeros for all other words, a phrase gives the same summary at any place."""
    network = built("text_cnn").eval()
    with torch.no_grad():
        network.words.weight[0] = 0
        texts = torch.zeros(2, 20, dtype=torch.int64)
        texts[0, 4:7] = texts[1, 11:14] = torch.tensor([3, 8, 5])
        first, second = network(Padded(texts, torch.tensor([20, 20])))
    torch.testing.assert_close(first, second)


def test_a_sound_of_one_step_and_few_bands_is_answered():
    config = catalogue.find("models", "audio_cnn").fitted(Ports(Series(3), Vector(2)))
    network = config.build().eval()
    assert network(Padded(torch.randn(2, 1, 3), torch.tensor([1, 1]))).shape == (2, 2)
