"""Ways through the codes of made pictures: their ends are known pictures, their strongest directions known ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass.data.source import Index
from deepglass.foundation.errors import UsageError
from deepglass.networks import choose_model, fit_model
from deepglass.tasks.generate_images import GenerateImagesSettings, as_bytes
from deepglass.tasks.latents import Latents, around
from deepglass.tasks.semi_supervised import SemiSupervisedSettings

INDEX = Index(tuple("abcdef"), ("cat", "dog", "cat", "owl", None, "dog"), kind="picture")
SIZES = {
    "gan": {"hidden": 16, "judged": 4},
    "dcgan": {"features": 4},
    "cgan": {"features": 4},
    "biggan": {"features": 2, "shared": 4, "attention": 16},
    "stylegan2": {"style": 8, "depth": 2, "base": 64, "most": 8},
}


def made(name, by_class=False):
    """An untrained generator of small pictures and its task."""
    torch.manual_seed(0)
    size = 32 if name == "biggan" else 8
    settings = GenerateImagesSettings(latent=8, by_class=by_class)
    task = settings.build(settings.learn(INDEX, (size, size), 1))
    chosen = choose_model(name)
    model = fit_model(replace(chosen, settings=replace(chosen.settings, **SIZES[name])), task.asks()).settings.build()
    for module in model.modules():  # stages that a fresh network has nearly silent
        if isinstance(getattr(module, "strength", None), torch.nn.Parameter):
            torch.nn.init.constant_(module.strength, 0.3)
    return task, model


@pytest.mark.parametrize(
    ("name", "by_class"),
    [("gan", False), ("dcgan", False), ("cgan", True), ("biggan", True), ("stylegan2", False), ("stylegan2", True)],
)
def test_a_walk_begins_and_ends_at_known_pictures(name, by_class):
    task, model = made(name, by_class)
    label = "owl" if by_class else ""
    rows = Latents(task, model).walk((3, 4, 3), steps=5, label=label)
    assert [len(row) for row in rows] == [5, 5]
    assert rows[0][0].dtype == np.uint8 and rows[0][0].shape == next(task.paint(model, 1, label, 3)).shape
    np.testing.assert_array_equal(rows[0][0], next(task.paint(model, 1, label, 3)))
    np.testing.assert_array_equal(rows[0][-1], rows[1][0])
    np.testing.assert_array_equal(rows[1][-1], rows[0][0])
    if name != "stylegan2":  # whose noise stays that of the first
        np.testing.assert_array_equal(rows[0][-1], next(task.paint(model, 1, label, 4)))
    steps = [np.abs(a.astype(int) - b.astype(int)).mean() for a, b in zip(rows[0], rows[0][1:], strict=False)]
    whole = np.abs(rows[0][0].astype(int) - rows[0][-1].astype(int)).mean()
    assert max(steps) < whole  # it goes by small steps


def test_the_circle_keeps_the_length_and_a_line_is_no_circle():
    start, end = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    third = around(start, end, torch.tensor(1 / 3))
    torch.testing.assert_close(third, 3 * torch.tensor([[np.cos(np.pi / 6), np.sin(np.pi / 6)]]).float())
    torch.testing.assert_close(around(start, 2 * start, torch.tensor(0.5)), 1.5 * start)
    torch.testing.assert_close(around(start, end, torch.tensor(1.0)), end, atol=1e-6, rtol=0)


def test_mixtures_have_the_coarse_of_the_row_and_the_fine_of_the_column():
    task, model = made("stylegan2")
    latents = Latents(task, model)
    found = latents.mixed((0, 1), (2, 0, 5), layer=1)
    assert len(found.between) == 2 and len(found.between[0]) == 3
    np.testing.assert_array_equal(found.rows[1], next(task.paint(model, 1, seed=1)))
    np.testing.assert_array_equal(found.columns[2], next(task.paint(model, 1, seed=5)))
    np.testing.assert_array_equal(found.between[0][1], found.rows[0])  # mixed with itself
    assert not np.array_equal(found.between[0][0], found.between[1][0])
    coarse, fine = (latents.drawn(seed) for seed in (0, 2))
    crossed = {"other": fine["latent"], "crossing": torch.tensor([0.34]), "noise": coarse["noise"]}  # at layer 2 of 4
    with torch.no_grad():
        known = as_bytes(model.generator(coarse["latent"], **crossed)).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(latents.mixed((0,), (2,)).between[0], known)
    with pytest.raises(UsageError, match=r"Fine styles begin at a layer from 1 to 3; got 4\."):
        latents.mixed((0,), (1,), layer=4)
    with pytest.raises(UsageError, match=r"without styles, so none can be mixed\. Train with --model stylegan2\."):
        Latents(*made("gan")).mixed((0,), (1,))


def test_styles_move_along_the_eigenvectors_of_what_makes_scales_of_them():
    task, model = made("stylegan2")
    found = Latents(task, model).directions(3)
    matrix = model.generator.affine()
    assert matrix.shape[1] == 8
    _, lengths, vectors = torch.linalg.svd(matrix)
    torch.testing.assert_close((found.vectors * vectors[:3]).sum(1).abs(), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.shares, (lengths.square() / lengths.square().sum())[:3], atol=1e-4, rtol=0)
    assert (found.spreads > 0).all()


@pytest.mark.parametrize(("name", "by_class"), [("gan", False), ("dcgan", False), ("cgan", True), ("biggan", True)])
def test_latents_move_along_the_components_of_the_first_layer(name, by_class):
    """That layer is linear in the latent, so its components are known: the singular vectors of its matrix."""
    task, model = made(name, by_class)
    with torch.no_grad():
        grow = {"gan": "layers.0", "dcgan": "layers.0", "cgan": "grow.layers.0", "biggan": "begin.layer"}[name]
        weight = model.generator.get_submodule(grow).weight
        weight.mul_(0.01)
        first = weight.movedim(1, 0) if name in ("gan", "biggan") else weight  # (inputs, ...): numbers first
        first[1] += 5.0  # one number of the latent by far the strongest
    found = Latents(task, model).directions(2, "owl" if by_class else "")
    assert found.vectors.shape == (2, 8) and found.shares[0] > 0.9
    assert int(found.vectors[0].abs().argmax()) == 1 and float(found.vectors[0, 1]) > 0.99
    torch.testing.assert_close(found.spreads, torch.ones(2), atol=0.1, rtol=0)


@pytest.mark.parametrize("name", ["gan", "stylegan2"])
def test_strips_have_the_picture_in_the_middle_and_change_to_both_sides(name):
    task, model = made(name)
    latents = Latents(task, model)
    rows = latents.strips(latents.directions(4), seed=2, steps=5)
    assert len(rows) == 4 and all(len(row) == 5 for row in rows)
    own = next(task.paint(model, 1, seed=2)).astype(int)
    for row in rows:
        np.testing.assert_array_equal(row[2], own)
        assert np.abs(row[0] - own).sum() > 0 and np.abs(row[4].astype(int) - row[0]).sum() > 0
    again = Latents(task, model)
    np.testing.assert_array_equal(rows, again.strips(again.directions(4), seed=2, steps=5))


def test_the_generator_of_a_semi_supervised_network_can_be_walked_through():
    torch.manual_seed(0)
    settings = SemiSupervisedSettings(latent=8)
    task = settings.build(settings.learn(INDEX, (8, 8), 1))
    chosen = choose_model("semi_gan")
    model = fit_model(replace(chosen, settings=replace(chosen.settings, features=4)), task.asks()).settings.build()
    latents = Latents(task, model)
    (row,) = latents.walk((0, 1), steps=3)
    np.testing.assert_array_equal(row[2], next(task.paint(model, 1, seed=1)))
    assert latents.directions(2).vectors.shape == (2, 8)
    with pytest.raises(UsageError, match="of none in particular, so 'cat' cannot be asked for"):
        latents.walk(label="cat")


def test_what_has_no_codes_is_refused():
    digits = dg.load("digits")
    with pytest.raises(UsageError, match=r"makes no pictures out of random numbers, so there is nothing to walk"):
        Latents(digits.task, digits.model)
    with pytest.raises(UsageError, match=r"from the picture of one seed to that of another in two pictures or more"):
        Latents(*made("gan")).walk((1,))
