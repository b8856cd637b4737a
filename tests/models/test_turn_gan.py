"""A turner moves pixels where its pose says, a pose is even over its pictures, and what cannot be fitted is refused."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation import catalogue
from deepglass.foundation.ports import Image, Players, PortMismatch, Ports, Vector
from deepglass.models.turn_gan import NAMES, between, fetched

SMALL = Image(1, 32, 24)


def network(people=3, seed=0):
    torch.manual_seed(seed)
    ports = Ports(SMALL, Players(NAMES, SMALL, people=people))
    return catalogue.find("models", "turn_gan").fitted(ports).build()


def pictures(count=6):
    return torch.rand(count, 1, 32, 24, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_no_move_is_the_picture_itself_and_a_move_of_one_pixel_is_one_pixel():
    image = pictures()
    still = torch.zeros(6, 2, 32, 24)
    torch.testing.assert_close(fetched(image, still), image)
    right = still.clone()
    right[:, 0] = 2 / 24  # fetched from one pixel to the right
    torch.testing.assert_close(fetched(image, right)[..., :-1], image[..., 1:], rtol=0, atol=1e-5)
    down = still.clone()
    down[:, 1] = 2 / 32
    torch.testing.assert_close(fetched(image, down)[:, :, :-1], image[:, :, 1:], rtol=0, atol=1e-5)
    far = torch.full_like(still, 9.0)
    torch.testing.assert_close(fetched(image, far), image[:, :, -1:, -1:].expand_as(image))


@pytest.mark.parametrize(("count", "places"), [(32, 8), (24, 6), (16, 4), (8, 8)])
def test_between_places_is_as_torch_has_it(count, places):
    values = torch.randn(1, 1, places, generator=torch.Generator().manual_seed(0))
    wanted = F.interpolate(values, size=count, mode="linear", align_corners=False)
    torch.testing.assert_close(values @ between(count, places).T, wanted)


def test_a_face_stays_almost_as_it_is_to_begin_with_and_within_its_range():
    model, image = network().eval(), pictures()
    with torch.no_grad():
        made = model.turner(image, torch.randn(6, 4, generator=torch.Generator().manual_seed(2)))
    assert made.shape == image.shape and made.abs().max() <= 1
    assert (made - image).abs().mean() < 0.25


def test_poses_have_mean_nought_and_spread_one():
    model = network().train()
    pose = model.turner.pose(pictures(64))
    torch.testing.assert_close(pose.mean(0), torch.zeros(4), rtol=0, atol=1e-4)
    torch.testing.assert_close(pose.std(0, correction=0), torch.ones(4), rtol=0, atol=1e-2)


def test_another_pose_is_another_picture_and_the_judge_knows_so_many_people():
    model, image = network(people=5).eval(), pictures()
    with torch.no_grad():
        one, other = (model.turner(image, torch.full((6, 4), value)) for value in (-1.5, 1.5))
        assert not torch.equal(one, other)
        assert model.judge(image).shape == (6, 5)
        verdict = model(image)
    assert verdict.shape == (6, 1)


def test_what_it_cannot_be_fitted_to_is_said():
    config = catalogue.find("models", "turn_gan")
    with pytest.raises(PortMismatch, match=r"turn_gan turns faces to other angles, but the task asks for"):
        config.fitted(Ports(SMALL, Vector(3)))
    with pytest.raises(PortMismatch, match=r"divide by eight; these are 36x24"):
        config.fitted(Ports(Image(1, 36, 24), Players(NAMES, people=3)))
    fitted = config.fitted(Ports(Image(3, 64, 48), Players(NAMES, people=7)))
    assert (fitted.people, fitted.channels, fitted.height, fitted.width) == (7, 3, 64, 48)
