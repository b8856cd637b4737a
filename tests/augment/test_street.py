"""Windows and plates cut out of pictures of any size: pixels are torch's own, and corners stay on what they marked."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from deepglass.data.augment.street import (
    NOTHING,
    PARTLY,
    StreetAugment,
    blurred,
    jittered,
    looked_up,
    rectified,
    shrunk,
    stored,
    windows,
    worn,
)
from deepglass.data.example import Ragged, ragged
from deepglass.foundation.plane import inside, upright
from deepglass.foundation.seeds import Draws, row_keys

SIZES = torch.tensor([[40.0, 30.0], [24.0, 50.0]])


def pictures():
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randint(0, 256, (int(w * h), 3), generator=generator, dtype=torch.uint8) for w, h in SIZES.tolist()]
    return stored(ragged(rows), SIZES)


def draws(count=2, step=0):
    return Draws(row_keys(5, "street", step, count))


def test_what_is_looked_up_is_what_torch_samples():
    own = pictures()
    points = torch.rand(3, 5, 7, 2, generator=torch.Generator().manual_seed(1)) * torch.tensor([44.0, 54.0]) - 2
    owner = torch.tensor([0, 1, 0])
    found = looked_up(own, owner, points)
    for row, one in enumerate(owner.tolist()):
        picture = own.picture(one)[None].float()
        grid = 2 * points[row : row + 1] / own.sizes[one] - 1
        expected = F.grid_sample(picture, grid, padding_mode="border", align_corners=False)
        torch.testing.assert_close(found[row : row + 1], expected, rtol=1e-4, atol=2e-2)


def test_outside_is_grey_where_it_is_filled():
    points = torch.tensor([[[[-3.0, 5.0], [5.0, 5.0], [5.0, 60.0]]]])
    found = looked_up(pictures(), torch.tensor([1]), points, filled=True)[0]
    assert found[:, 0, 0].tolist() == found[:, 0, 2].tolist() == [114.0] * 3
    assert found[:, 0, 1].tolist() == looked_up(pictures(), torch.tensor([1]), points)[0, :, 0, 1].tolist()


def test_pictures_of_one_size_need_not_be_ragged():
    rows = torch.randint(0, 256, (2, 12, 3), dtype=torch.uint8)
    sizes = torch.tensor([[4.0, 3.0]]).repeat(2, 1)
    one, other = stored(rows, sizes), stored(Ragged(rows.flatten(0, 1), torch.tensor([12, 12])), sizes)
    assert torch.equal(one.values, other.values) and torch.equal(one.starts, other.starts)
    assert torch.equal(one.picture(1), rows[1].view(3, 4, 3).permute(2, 0, 1))


def test_a_plate_is_made_upright():
    """A plate painted upright, seen at an angle by PIL, and back."""
    face = np.zeros((40, 120, 3), dtype=np.uint8)
    face[:, :60, 0], face[20:, :, 1] = 200, 250
    corners = [(20.0, 10.0), (90.0, 22.0), (84.0, 60.0), (16.0, 44.0)]
    seen = Image.new("RGB", (110, 70), (90, 90, 90))
    back = _perspective(corners, [(0.0, 0.0), (120.0, 0.0), (120.0, 40.0), (0.0, 40.0)])
    warped = Image.fromarray(face).transform(seen.size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BILINEAR)
    flat = torch.from_numpy(np.array(warped)).view(1, -1, 3)
    own = stored(flat, torch.tensor([[110.0, 70.0]]))
    found = rectified(own, torch.tensor([0]), torch.tensor([corners]), upright(64, 192)[None])[0]
    assert found.shape == (3, 32, 96)
    assert found[0, 8:24, 8:42].mean() > 185 and found[0, 8:24, 54:88].mean() < 15
    assert found[1, 20:28, 8:88].mean() > 230 and found[1, 4:12, 8:88].mean() < 20


def _perspective(places, shares):
    rows, values = [], []
    for (x, y), (u, v) in zip(places, shares, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.linalg.solve(np.array(rows), np.array(values)).tolist()


def test_corners_stay_on_what_they_marked():
    """Four white dots in a dark picture: wherever the window looks, they are at the corners that are told."""
    size, corners = (96, 64), torch.tensor([[30.0, 20], [60, 24], [58, 40], [28, 36]])
    picture = np.zeros((64, 96, 3), dtype=np.uint8)
    for x, y in corners.long().tolist():
        picture[y - 1 : y + 1, x - 1 : x + 1] = 255
    own = stored(torch.from_numpy(picture).view(1, -1, 3).repeat(20, 1, 1), torch.tensor([size]).float().repeat(20, 1))
    every = corners.expand(20, 1, 4, 2)
    settings = StreetAugment(zoom_in=1.5, zoom_out=1.4, turn=15)
    shown, moved, kinds = windows(own, every, torch.ones(20, 1).bool(), draws(20), settings, (64, 96, 640))
    whole = kinds[:, 0] == 0
    assert whole.sum() > 8
    for row in whole.nonzero()[:, 0].tolist():
        for x, y in moved[row, 0].round().long().tolist():
            if 2 <= x < 94 and 2 <= y < 62:
                assert shown[row, :, y - 2 : y + 2, x - 2 : x + 2].max() > 120
    assert len(moved.unique(dim=0)) == 20


def test_a_plate_seen_in_part_is_neither_one_nor_none():
    own = stored(torch.zeros(1, 200 * 100, 3, dtype=torch.uint8), torch.tensor([[200.0, 100.0]]))
    plates = torch.tensor([[[20.0, 40], [60, 40], [60, 60], [20, 60]], [[90.0, 40], [130, 40], [130, 60], [90, 60]]])
    found = set()
    for step in range(40):
        _, moved, kinds = windows(
            own, plates[None], torch.tensor([[True, True]]), draws(1, step), StreetAugment(), (64, 96, 640)
        )
        for corners, kind in zip(moved[0], kinds[0].tolist(), strict=True):
            found.add(kind)
            inside_window = bool(((corners >= -2) & (corners <= torch.tensor([98.0, 66.0]))).all())
            assert (kind == 0) == inside_window
        assert 0 in kinds
    assert found == {0, PARTLY, NOTHING}


def test_rows_without_plates_have_windows_too():
    own = pictures()
    shown, moved, kinds = windows(
        own, torch.zeros(2, 0, 4, 2), torch.zeros(2, 0).bool(), draws(), StreetAugment(zoom_out=2), (32, 32, 640)
    )
    assert shown.shape == (2, 3, 32, 32) and moved.shape == (2, 0, 4, 2) and kinds.shape == (2, 0)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_shrunk_keeps_the_proportions_and_never_grows(device):
    assert shrunk(torch.zeros(3, 60, 100, dtype=torch.uint8, device=device), 50).shape == (3, 30, 50)
    small = torch.zeros(3, 30, 20, dtype=torch.uint8, device=device)
    assert shrunk(small, 50) is small


def test_shrunk_is_smoothed():
    stripes = torch.zeros(1, 64, 64, dtype=torch.uint8)
    stripes[:, :, ::2] = 200
    assert (shrunk(stripes, 16).float() - 100).abs().max() < 15


def test_jitter_is_of_the_plates_height_and_keyed():
    corners = torch.tensor([[[0.0, 0], [90, 0], [90, 30], [0, 30]]]).repeat(50, 1, 1).view(50, 1, 4, 2)
    moved = jittered(corners, draws(50), 0.1) - corners
    assert 3.0 < moved.abs().max() <= 6.0 and abs(float(moved.mean())) < 0.5
    assert torch.equal(moved, jittered(corners, draws(50), 0.1) - corners)
    assert jittered(corners, draws(50), 0.0) is corners


def test_places_inside_follow_the_corners():
    corners = torch.tensor([[[10.0, 10], [50, 10], [50, 20], [10, 20]]])
    points = inside(corners, upright(2, 4)[None])
    assert points[0, 0, 0, 0] < points[0, 0, 1, 0] and points[0, 0, 0, 1] < points[0, 1, 0, 1]


def test_a_gauss_keeps_what_there_is_and_spreads_it_so_many_pixels():
    dots = torch.zeros(3, 2, 33, 41)
    dots[:, :, 16, 20] = 100.0
    found = blurred(dots, torch.tensor([0.0, 1.0, 1.6]))
    torch.testing.assert_close(found.sum((2, 3)), torch.full((3, 2), 100.0))
    assert torch.equal(found[0], dots[0])
    away = (torch.arange(41) - 20.0).square()
    torch.testing.assert_close(
        (found[:, 0].sum(1) * away).sum(1) / 100, torch.tensor([0.0, 1.0, 2.56]), rtol=1e-2, atol=1e-4
    )
    even = blurred(torch.full((1, 3, 8, 9), 7.0), torch.tensor([2.0]))
    torch.testing.assert_close(even, torch.full((1, 3, 8, 9), 7.0))  # the edge is carried on
    assert blurred(torch.zeros(0, 3, 8, 8), torch.zeros(0)).shape == (0, 3, 8, 8)


@pytest.mark.parametrize("names", [("light",), ("smear",), ("grain",), ("light", "smear", "grain")])
def test_each_plate_is_worn_in_its_own_way_and_by_its_own_draws(names: tuple[str, ...]):
    asked = StreetAugment(**{name: {"light": 0.4, "smear": 1.6, "grain": 16.0}[name] for name in names})
    there = torch.tensor([[True, True], [False, True]])
    lines = 255 * torch.rand(3, 3, 16, 48, generator=torch.Generator().manual_seed(0)).round()
    found = worn(lines, there, draws(), asked)
    assert torch.equal(found, worn(lines, there, draws(), asked)) and 0 <= found.min() and found.max() <= 255
    alone = worn(lines[2:], there[1:], Draws(row_keys(5, "street", 0, 2)[1:]), asked)
    torch.testing.assert_close(alone, found[2:])  # whatever stands beside it
    apart = (found - lines).abs().mean((1, 2, 3))
    assert (apart > 0).all() and len(apart.unique()) == 3
    assert torch.equal(worn(lines, there, draws(), StreetAugment()), lines)
