"""The writer that looks at pictures: word by word as with the true words, where it looks and things lie, learning."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Captions, Image, PortMismatch, Ports, Steps, Vector
from deepglass.graph.probe import Probe
from deepglass.graph.trace import trace
from deepglass.models.caption_lstm import lying
from deepglass.networks import models_that_fit, network_of
from deepglass.tasks.beam import Beam, at_rows

WORDS = 11
ASKS = Ports(Captions(Image(3, 64, 96), WORDS), Steps(WORDS, "later"))
SMALL = {"stem": 4, "memory": 12, "features": 8, "hidden": 10, "dropout": 0.0}


def config(**changes):
    fitted = catalogue.find("models", "caption_lstm").fitted(ASKS)
    return type(fitted)(**{**{name: getattr(fitted, name) for name in fitted.__slots__}, **SMALL, **changes})


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = network_of(config()).train()
    with torch.no_grad():  # running statistics of BatchNorm that make maps of use
        for _ in range(3):
            network.backbone(torch.randn(8, 3, 64, 96))
    return network.eval()


def batch():
    generator = torch.Generator().manual_seed(1)
    pictures = torch.randn(4, 3, 64, 96, generator=generator)
    lengths = torch.tensor([5, 2, 7, 1])
    tokens = torch.randint(3, WORDS, (4, 7), generator=generator)
    return pictures, Padded(tokens, lengths).with_values(tokens)


@torch.no_grad()
def test_every_step_gives_what_all_steps_at_once_give(model):
    pictures, so_far = batch()
    whole = model(pictures, so_far)
    assert whole.values.shape == (4, 7, WORDS) and not whole.values[~whole.mask].any()
    state = model.encode(pictures)
    for place, token in enumerate(so_far.values.unbind(1)):
        logits, state, looked = model.step(token, state)
        own = so_far.lengths > place
        torch.testing.assert_close(logits[own], whole.values[own, place], rtol=1e-4, atol=1e-5)
        assert looked.shape == (4, 4, 6)  # of a picture 64 x 96 at stride 16
        torch.testing.assert_close(looked.sum((1, 2)), torch.ones(4))


@torch.no_grad()
def test_its_looks_can_be_probed_and_differ_from_picture_to_picture(model):
    pictures, so_far = batch()
    with Probe(model, ["attention.looks"]) as probe:
        model(pictures, so_far)
    calls = [call.value for call in probe["attention.looks"].calls]
    assert [tuple(call.shape) for call in calls] == [(4, 1, 24)] * 7
    assert (calls[0][0] - calls[0][1]).abs().max() > 1e-6


@torch.no_grad()
def test_a_state_has_its_rows_first_and_the_beam_finds_maps(model):
    pictures, so_far = batch()
    order = torch.tensor([2, 0, 0, 3, 1])
    _, state, _ = model.step(so_far.values[:, 0], model.encode(pictures))
    logits, _, looked = model.step(so_far.values[:, 1], state)
    again, _, looked_again = model.step(so_far.values[order, 1], at_rows(state, order))
    torch.testing.assert_close(again, logits[order])
    torch.testing.assert_close(looked_again, looked[order])
    found = Beam(begin=1, end=2, width=3, norm=0.6).search(model, pictures, torch.full((4,), 6))
    assert found.attention.shape == (4, int(found.tokens.lengths.max()), 4, 6)
    for row in range(4):
        one = Beam(begin=1, end=2, width=3, norm=0.6).search(model, pictures[row : row + 1], torch.tensor([6]))
        length = int(found.tokens.lengths[row])
        assert torch.equal(one.tokens.values[0], found.tokens.values[row, :length])
        torch.testing.assert_close(one.attention[0], found.attention[row, :length], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("stride", "grid"), [(8, (8, 12)), (16, (4, 6)), (32, (2, 3))])
def test_places_are_as_fine_as_is_asked(stride, grid):
    network = network_of(config(stride=stride)).eval()
    pictures, so_far = batch()
    with torch.no_grad():
        _, _, looked = network.step(so_far.values[:, 0], network.encode(pictures))
    assert looked.shape == (4, *grid)
    assert trace(network, pictures, so_far).unused == ()


def test_each_place_knows_where_it_lies():
    found = lying((2, 4), torch.zeros(0))
    assert found.shape == (1, 2, 2, 4)
    assert found[0, 0].tolist() == [[-0.75, -0.25, 0.25, 0.75]] * 2
    assert found[0, 1].tolist() == [[-0.5] * 4, [0.5] * 4]


def test_it_learns_to_name_what_stands_left_and_what_stands_right():
    """A bright and a dark box side by side: the words follow where each is, which no single place tells."""
    torch.manual_seed(0)
    network = network_of(config(height=64, width=64))
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    bright_first = torch.arange(16) % 2 == 0
    pictures = torch.zeros(16, 3, 64, 64)
    for row in range(16):
        top = 4 + 2 * row
        pictures[row, :, top : top + 20, 4:24] = 2.0 if bright_first[row] else -2.0
        pictures[row, :, top : top + 20, 40:60] = -2.0 if bright_first[row] else 2.0
    told = torch.where(bright_first[:, None], torch.tensor([[1, 5, 6, 2]]), torch.tensor([[1, 6, 5, 2]]))
    so_far = Padded(told[:, :-1], torch.full((16,), 3))
    for _ in range(100):
        loss = F.cross_entropy(network(pictures, so_far).values.flatten(0, 1), told[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = Beam(begin=1, end=2).search(network.eval(), pictures, torch.full((16,), 5))
    assert found.tokens.values.tolist() == told[:, 1:-1].tolist()


def test_it_alone_fits_captions_and_says_what_it_wants():
    assert models_that_fit(ASKS) == ["caption_lstm"]
    entry = catalogue.find("models", "caption_lstm")
    with pytest.raises(
        PortMismatch, match="caption_lstm writes sentences about pictures, but the data are pictures of"
    ):
        entry.fitted(Ports(Image(3, 64, 64), Steps(9, "later")))
    with pytest.raises(PortMismatch, match="needs pictures of at least 32x32; these are 20x64"):
        entry.fitted(Ports(Captions(Image(3, 20, 64), 9), Steps(9, "later")))
    with pytest.raises(PortMismatch, match="but the task asks for rows of 9 numbers"):
        entry.fitted(Ports(Captions(Image(3, 64, 64), 9), Vector(9)))
    with pytest.raises(PortMismatch, match="but the data are pictures with sentences of 9 different tokens"):
        catalogue.find("models", "seq2seq").fitted(Ports(Captions(Image(3, 64, 64), 9), Steps(9, "later")))
