"""The cloze network: a word is told from its two sides and never from itself, and it learns to."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import PortMismatch, Ports, Steps, Tokens
from deepglass.models.cloze_bilstm import ClozeBiLSTMConfig

ROW = torch.tensor([[5, 9, 2, 7, 4, 3], [1, 6, 8, 2, 0, 0]])
LENGTHS = torch.tensor([6, 4])


def network(layers=1, **settings):
    torch.manual_seed(0)
    return ClozeBiLSTMConfig(vocabulary=10, features=12, hidden=10, layers=layers, **settings).build()


@pytest.mark.parametrize("layers", [1, 2])
def test_a_word_is_seen_by_all_others_and_not_by_itself(layers):
    net = network(layers).eval()
    with torch.no_grad():
        whole = net(Padded(ROW, LENGTHS)).values
        for place in range(4):
            other = ROW.clone()
            other[:, place] = (other[:, place] + 1) % 10
            found = net(Padded(other, LENGTHS)).values
            changed = ((found - whole).abs().amax(2) > 1e-6)[:, :4]
            assert (changed == (torch.arange(4) != place)).all()


def test_the_sides_are_those_of_two_networks_read_apart():
    net = network().eval()
    with torch.no_grad():
        found = net(Padded(ROW, LENGTHS)).values
        words = net.table.weight[ROW[1, :4]]
        left = net.left(Padded(words[None], torch.tensor([4])))[0].values[0]
        right = net.right(Padded(words.flip(0)[None], torch.tensor([4])))[0].values[0].flip(0)
        said = torch.tanh(net.joins(torch.cat((left[1], right[3]))))  # of the third of the four
    torch.testing.assert_close(found[1, 2], said @ net.table.weight.T + net.output.bias, rtol=1e-5, atol=1e-5)
    assert not found[1, 4:].any()


def test_it_learns_what_only_both_sides_tell():
    net = network(dropout=0.0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for step in range(150):
        draw = torch.Generator().manual_seed(step)
        rows = torch.randint(0, 2, (64, 3), generator=draw)
        rows[:, 1] = 2 + 2 * rows[:, 0] + rows[:, 2]  # the word in the middle
        logits = net(Padded(rows, torch.full((64,), 3))).values[:, 1]
        loss = F.cross_entropy(logits, rows[:, 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (logits.argmax(1) == rows[:, 1]).float().mean() > 0.95


def test_it_tells_the_words_that_it_reads():
    with pytest.raises(PortMismatch, match="cloze_bilstm gives numbers for every step, but the task asks for 9"):
        catalogue.find("models", "cloze_bilstm").fitted(Ports(Tokens(8), Steps(9)))
