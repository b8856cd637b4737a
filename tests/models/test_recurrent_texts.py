"""Texts read by recurrent networks: each setting is what its page says, and both learn what they are made for."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation.padded import Padded
from deepglass.models.text_lstm import TextLSTMConfig
from deepglass.models.text_rnn import TextRNNConfig

SMALL = {"vocabulary": 20, "classes": 2, "features": 8, "hidden": 16, "dropout": 0.0}
TEXT = Padded(torch.tensor([[3, 9, 4, 1], [7, 2, 0, 0]]), torch.tensor([4, 2]))


def texts(seed, telling):
    """Rows of words 2 to 19 in which `telling` puts word 0 or 1, which is the class."""
    draw = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 12, (64,), generator=draw)
    words = torch.randint(2, 20, (64, 12), generator=draw)
    classes = torch.randint(0, 2, (64,), generator=draw)
    words[torch.arange(64), telling(lengths, draw)] = classes
    return Padded(words, lengths).with_values(words), classes


def anywhere(lengths, draw):
    return (torch.rand(64, generator=draw) * lengths).long()


def last(lengths, draw):
    return lengths - 1


def right(network, telling, steps=120):
    """The share of new texts that are told right after some training."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for step in range(steps):
        words, classes = texts(1 + step, telling)
        loss = F.cross_entropy(network(words), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    words, classes = texts(0, telling)
    return (network.eval()(words).argmax(1) == classes).float().mean()


@pytest.mark.parametrize("summary", ["max", "mean", "end"])
def test_an_lstm_finds_the_telling_word_wherever_it_stands(summary):
    torch.manual_seed(0)
    assert right(TextLSTMConfig(**SMALL, summary=summary, words=0.0).build(), anywhere) > 0.95


@pytest.mark.parametrize("kind", ["rnn_tanh", "rnn_relu", "gru"])
def test_a_plain_network_answers_from_the_state_behind_the_last_word(kind):
    torch.manual_seed(0)
    assert right(TextRNNConfig(**SMALL, kind=kind).build(), last) > 0.95


def test_summaries_are_of_a_texts_own_words():
    for summary in ("max", "mean", "end"):
        torch.manual_seed(0)
        network = TextLSTMConfig(**SMALL, summary=summary).build().eval()
        steps = network.lstm(network.table(TEXT))[0].values[1, :2]  # (2, 2H) of the short text
        expected = {
            "max": steps.amax(0),
            "mean": steps.mean(0),
            "end": torch.cat((steps[1, :16], steps[0, 16:])),
        }[summary]
        torch.testing.assert_close(network(TEXT)[1], network.output(expected), rtol=1e-5, atol=1e-6)


def test_what_is_missing_in_training_is_there_in_evaluation():
    torch.manual_seed(0)
    network = TextLSTMConfig(**{**SMALL, "dropout": 0.5}, words=0.5).build()
    assert not torch.equal(network.train()(TEXT), network(TEXT))
    assert torch.equal(network.eval()(TEXT), network(TEXT))
