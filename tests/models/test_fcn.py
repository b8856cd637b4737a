"""FCN answers for every pixel of any picture, on any residual network, and begins as plain interpolation."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.models.fcn import FCNConfig, Scores, Twice
from deepglass.networks import network_of

TINY = FCNConfig(backbone="resnet18", stem=8, classes=2)


@pytest.mark.parametrize("size", [(32, 32), (37, 50), (65, 33)])
@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet101"])
def test_any_picture_on_any_residual_network(backbone, size):
    with torch.device("meta"):
        network = network_of(FCNConfig(backbone=backbone, stem=8, classes=5, channels=1))
        assert network(torch.empty(2, 1, *size)).shape == (2, 5, *size)


def test_what_is_no_residual_network_is_refused():
    with pytest.raises(UsageError, match="resnet18"):
        network_of(FCNConfig(backbone="lenet5"))


def test_what_is_cut_back_is_what_was_added():
    torch.manual_seed(0)
    network = network_of(TINY).eval()
    picture = torch.randn(1, 3, 40, 61)
    larger = F.pad(picture, (0, 3, 0, 24), mode="replicate")
    with torch.no_grad():
        assert torch.equal(network(picture), network(larger)[:, :, :40, :61])


def test_doubling_begins_as_bilinear_interpolation():
    maps = torch.randn(2, 3, 5, 6)
    found = Twice(3)(maps)
    wanted = F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found[:, :, 1:-1, 1:-1], wanted[:, :, 1:-1, 1:-1])


def test_every_map_has_its_say():
    torch.manual_seed(0)
    scores = Scores((4, 6, 8), 2)
    maps = [torch.randn(1, width, 8 // 2**level, 8 // 2**level) for level, width in enumerate((4, 6, 8))]
    first = scores(*maps)
    assert first.shape == (1, 2, 8, 8)
    for level in range(3):
        other = [found + (place == level) for place, found in enumerate(maps)]
        assert not torch.allclose(scores(*other), first)


def test_it_learns_where_light_is():
    torch.manual_seed(0)
    network = network_of(TINY)
    pictures = F.interpolate(torch.randn(4, 3, 4, 4), scale_factor=16.0, mode="nearest")
    masks = (pictures[:, 0] > 0).long()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(40):
        loss = F.cross_entropy(network(pictures), masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network(pictures).argmax(1) == masks).float().mean() > 0.9


def test_the_catalogue_has_the_papers_classes():
    assert catalogue.find("models", "fcn").ports().gives.size == 21
