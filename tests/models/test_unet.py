"""U-Net is what others know by that name: as large, as deep, for any picture, and it sees where things are."""

import pytest
import torch

from deepglass.models.unet import CATALOGUE, UNetConfig


def count(**settings):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in UNetConfig(**settings).build().parameters())


@pytest.mark.parametrize(
    ("settings", "parameters"),
    [  # of the padded form that is passed around in PyTorch, with up-convolutions: by channels and classes
        ({"channels": 3, "classes": 2}, 31_037_698),
        ({"channels": 3, "classes": 1}, 31_037_633),
        ({"channels": 1, "classes": 1, "norm": "none"}, 31_030_593),
        ({"channels": 3, "classes": 1, "norm": "none"}, 31_031_745),
    ],
)
def test_it_is_as_large_as_others_are(settings, parameters):
    assert count(**settings) == parameters


@pytest.mark.parametrize("size", [(1, 1), (37, 50), (16, 16), (33, 65)])
@pytest.mark.parametrize("name", ["unet", "unet_small"])
def test_any_picture_goes_in_and_a_class_for_every_pixel_comes_out(name, size):
    config = CATALOGUE[name]
    with torch.device("meta"):
        network = config.build()
        logits = network(torch.empty(2, 3, *size))
    assert logits.shape == (2, config.classes, *size)


def test_what_is_cut_back_is_what_was_added():
    """A picture of odd size is answered as its continuation to the right and below is."""
    torch.manual_seed(0)
    network = UNetConfig(widths=(4, 6, 8), block=2).build().eval()
    picture = torch.randn(1, 3, 13, 22)
    larger = torch.nn.functional.pad(picture, (0, 2, 0, 3), mode="replicate")
    with torch.no_grad():
        assert torch.equal(network(picture), network(larger)[:, :, :13, :22])


def test_blocks_of_pixels_keep_every_pixel_apart():
    """With blocks of 2 x 2 pixels four classes come out of one place, each from its own numbers."""
    network = UNetConfig(widths=(4, 6), block=2, classes=3).build()
    assert network.logits.weight.shape[0] == 3 * 4 and network.down[0][0].weight.shape[1] == 3 * 4


def test_it_learns_to_copy_an_edge():
    torch.manual_seed(0)
    network = UNetConfig(widths=(8, 16), block=1, channels=1).build()
    pictures = torch.randn(6, 1, 20, 20).cumsum(3)
    masks = (pictures[:, 0] > 0).long()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(pictures), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network(pictures).argmax(1) == masks).float().mean() > 0.97


def test_the_pixels_of_a_block_begin_alike():
    torch.manual_seed(0)
    logits = UNetConfig(widths=(4, 6), block=2).build().eval()(torch.randn(1, 3, 8, 8))
    assert torch.equal(logits[:, :, ::2, ::2], logits[:, :, 1::2, 1::2]) and logits.std() > 0
