"""Methods on networks small enough to know the answer."""

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.explain.eigen_cam import eigen_cam
from deepglass.explain.grad_cam import grad_cam
from deepglass.explain.integrated_gradients import integrated_gradients
from deepglass.explain.maps import last_map, stages
from deepglass.explain.occlusion import occlusion
from deepglass.explain.weights import first_layer, signed


class Bright(nn.Module):
    """Class 1 for brightness, class 0 for darkness: two maps and their means."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.maps.weight.copy_(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))
            self.maps.bias.copy_(torch.tensor([1.0, 0.0]))
            self.head.weight.copy_(20 * torch.eye(2))

    def forward(self, x):
        return self.head(self.relu(self.maps(x)).mean((2, 3)))

    def stages(self):
        return ["maps", "relu"]


def shares(x):
    return Bright()(x).softmax(1)[:, 1]


def logits(*classes):
    return lambda said: said.gather(1, torch.tensor(classes)[:, None])[:, 0]


@pytest.fixture
def picture():
    x = torch.zeros(1, 1, 24, 24)
    x[..., 14:20, 3:9] = 1
    return x


def test_grad_cam_finds_the_planted_square(picture):
    network = Bright()
    stage = last_map(network, picture)
    assert stage == "relu"
    bright, dark = grad_cam(network, picture.repeat(2, 1, 1, 1), logits(1, 0), stage)
    square = picture[0, 0] > 0
    assert bright[square].min() > 0 and bright[~square].max() == 0
    assert dark[square].max() == 0 and dark[~square].min() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_grad_cam_of_a_row_does_not_depend_on_the_others(picture):
    network, many = Bright(), torch.cat([picture, torch.rand(3, 1, 24, 24)])
    alone = grad_cam(network, picture, logits(1), "relu")
    together = grad_cam(network, many, logits(1, 0, 1, 1), "relu")
    assert torch.allclose(alone[0], together[0])


def test_slopes_kept_in_their_places_tell_one_of_two_squares_from_the_other(picture):
    picture[..., 2:8, 14:20] = 1  # another of the same kind
    one, other = np.s_[14:20, 3:9], np.s_[2:8, 14:20]

    class Here(Bright):
        def forward(self, x):
            return self.relu(self.maps(x))

    score = lambda maps: maps[:, 1, 16, 5]  # noqa: E731  what a detector says at a place of the first
    pooled, local = (grad_cam(Here(), picture, score, "relu", keep)[0] for keep in (False, True))
    assert pooled[one].min() > 0 and pooled[other].min() > 0
    assert local[16, 5] > 0 and local[other].max() == 0


def test_eigen_cam_lights_what_the_maps_answer_to_whatever_the_signs():
    maps = torch.zeros(2, 3, 8, 8)
    maps[0, :, 2:4, 5:7] = torch.tensor([3.0, 2.0, 0.5])[:, None, None]
    maps[1] = -maps[0]  # the same direction turned round
    heat = eigen_cam(maps + 0.01 * torch.randn(maps.shape, generator=torch.Generator().manual_seed(0)))
    assert heat.shape == (2, 8, 8)
    for one in heat:
        assert one[2:4, 5:7].min() > 10 * one[4:].max()
    shown = maps[0] + 0.1 * torch.rand(maps[0].shape, generator=torch.Generator().manual_seed(1))
    flat = shown.flatten(1).T.numpy()
    flat -= flat.mean(0)
    by_hand = flat @ np.linalg.svd(flat)[2][0]
    assert np.allclose(
        eigen_cam(shown[None])[0].flatten(), np.maximum(0, np.sign((by_hand**3).sum()) * by_hand), atol=1e-4
    )


def test_occlusion_finds_the_planted_square(picture):
    heat = occlusion(shares, picture)
    assert heat.shape == (24, 24)
    row, column = divmod(int(heat.argmax()), 24)
    assert 12 <= row < 22 and 1 <= column < 11
    assert heat[:8, 14:].abs().max() < heat.max() / 10


def test_occlusion_covers_every_place():
    heat = occlusion(shares, torch.rand(1, 1, 17, 29))
    assert bool(torch.isfinite(heat).all())


@pytest.mark.parametrize("shape", [(6,), (1, 8, 8)])
def test_integrated_gradients_add_up_to_the_difference_of_scores(shape):
    torch.manual_seed(0)
    size = int(np.prod(shape))
    network = nn.Sequential(nn.Flatten(), nn.Linear(size, 16), nn.Tanh(), nn.Linear(16, 3))
    x = 2 * torch.randn(1, *shape)
    parts = integrated_gradients(lambda inputs: network(inputs)[:, 2], x)
    difference = (network(x) - network(torch.zeros_like(x)))[0, 2]
    assert parts.shape == x.shape
    assert float(parts.sum()) == pytest.approx(difference.item(), abs=1e-4)


def test_integrated_gradients_of_a_linear_network_are_weights_times_inputs():
    network = nn.Linear(4, 2)
    x = torch.randn(1, 4)
    assert torch.allclose(
        integrated_gradients(lambda inputs: network(inputs)[:, 1], x), x * network.weight[1], atol=1e-6
    )


def test_a_network_without_stages_is_read_by_its_parts():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 22 * 22, 2))
    assert stages(network) == ["0", "1"]
    assert last_map(network, torch.zeros(1, 1, 24, 24)) == "0"


def test_the_first_layer_is_the_one_that_reads_the_input():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 3, 5), nn.Flatten(), nn.Linear(12, 2))
    assert first_layer(network) is network[1]


def test_signed_colours_tell_for_from_against():
    colours = signed(np.array([[2.0, 0.0, -1.0]]))
    assert colours[0, 0, 2] > colours[0, 0, 0]  # blue speaks for
    assert np.allclose(colours[0, 1], 1)
    assert colours[0, 2, 0] > colours[0, 2, 2]  # orange against
