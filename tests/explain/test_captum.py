"""Captum's methods by their names; ours give what Captum's of the same name give."""

import sys

import numpy as np
import pytest
import torch
from torch import nn

import deepglass as dg
from deepglass.explain.answer import choose_method, explain, methods
from deepglass.explain.by_captum import InTurn, once_each, parts_of
from deepglass.explain.grad_cam import grad_cam
from deepglass.explain.integrated_gradients import integrated_gradients
from deepglass.foundation.errors import MachineError, UsageError
from deepglass.foundation.words import speaking
from deepglass.models.resnet import ResNetConfig

attr = pytest.importorskip("captum.attr")


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = ResNetConfig(unit="basic", units=(1, 1, 1, 1), stem=8, classes=3, height=32, width=32).build().eval()
    with torch.no_grad():  # norms of a network that has learned
        for name, buffer in made.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return made, torch.randn(1, 3, 32, 32)


def test_our_grad_cam_is_captums(network):
    model, picture = network
    ours = grad_cam(model, picture, lambda said: said[:, 0], "layer3")
    theirs = attr.LayerGradCam(model, model.layer3).attribute(picture, target=0, relu_attributions=True)
    assert ours.max() > 0 and torch.allclose(ours, theirs[:, 0], atol=1e-4)


def test_our_integrated_gradients_are_captums(network):
    model, picture = network
    ours = integrated_gradients(lambda inputs: model(inputs)[:, 2], picture, steps=32)
    theirs = attr.IntegratedGradients(model).attribute(picture, target=2, n_steps=32, method="gausslegendre")
    assert ours.abs().max() > 1e-3 and torch.allclose(ours, theirs.float(), atol=1e-4)


def test_the_copy_that_captum_asks_says_the_same_and_calls_no_rectifier_twice(network):
    model, picture = network
    copied = once_each(model, picture)
    assert any(isinstance(part, InTurn) for part in copied.modules())
    assert not any(getattr(part, "inplace", False) for part in copied.modules())
    assert torch.allclose(copied(picture), model(picture)) and torch.allclose(copied(picture), model(picture))
    assert model.relu.inplace and not any(isinstance(part, InTurn) for part in model.modules())


def test_deep_lift_adds_up_only_where_no_rectifier_is_called_twice(network):
    """What the copy is for."""
    model, picture = network
    with pytest.raises(RuntimeError):
        attr.DeepLift(model).attribute(picture, target=1)
    blank, copied = torch.zeros_like(picture), once_each(model, picture)
    parts = attr.DeepLift(copied).attribute(picture, blank, target=1)
    assert float(parts.sum()) == pytest.approx(float((model(picture) - model(blank))[0, 1]), rel=0.01)


def test_what_is_taken_away_together():
    assert parts_of(torch.zeros(1, 5)).tolist() == [[0, 1, 2, 3, 4]]
    assert parts_of(torch.zeros(1, 16, 2))[0, :, 0].tolist() == [place // 2 for place in range(16)]
    patches = parts_of(torch.zeros(1, 3, 16, 24))
    assert (
        patches.shape == (1, 3, 16, 24) and len(patches.unique()) == 64 and bool((patches[0, 0] == patches[0, 2]).all())
    )


@pytest.mark.parametrize("method", ["DeepLift", "GradientShap", "FeatureAblation", "ShapleyValueSampling", "Saliency"])
def test_rows_of_a_table_by_name(xor, method):
    bundle = dg.load(xor)
    name, chosen = choose_method(bundle, f"captum.{method}")
    one, again = (next(iter(explain(bundle, ["0.1,0.9"], name))).explanation for _ in range(2))
    assert one.arrays["parts"].shape == (2,) and np.array_equal(one.arrays["parts"], again.arrays["parts"])
    assert one.words.startswith(f"{method} (Captum) for ") and chosen.check
    assert ("Its parts add up to" in one.words) == (method in ("DeepLift", "GradientShap"))


def test_generators_are_left_as_they_were(xor):
    bundle = dg.load(xor)
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    list(explain(bundle, ["0.1,0.9"], "captum.GradientShap"))
    assert torch.equal(torch.rand(3), expected[0]) and np.array_equal(np.random.rand(3), expected[1])


def test_heat_of_captum_lies_on_the_square(squares):
    root, run = squares
    bundle, file = dg.load(run), str(root / "square" / "00.png")
    assert "captum.LayerGradCam" in methods(bundle, extras=True) and "captum.LayerGradCam" not in methods(bundle)
    ours = next(iter(explain(bundle, [file], "grad_cam"))).explanation.arrays["heat"]
    theirs = next(iter(explain(bundle, [file], "captum.LayerGradCam"))).explanation.arrays["parts"]
    assert np.allclose(ours, theirs[0], atol=1e-4)


def test_what_does_not_fit_or_is_not_known_is_said(xor):
    bundle = dg.load(xor)
    with pytest.raises(UsageError, match=r"'captum.LayerGradCam' does not fit .* Use one of: boundary, weights"):
        choose_method(bundle, "captum.LayerGradCam")
    with pytest.raises(UsageError, match=r"No entry 'captum.DeepLit' .* Did you mean captum.DeepLift"):
        choose_method(bundle, "captum.DeepLit")


def test_a_missing_captum_is_named_before_anything_is_read(xor, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(MachineError, match=r"captum, which is not installed.*pip install 'deepglass\[captum\]'"):
        choose_method(dg.load(xor), "captum.DeepLift")


def test_a_network_whose_parts_are_called_once_keeps_them():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True), nn.Linear(3, 1))
    assert not any(isinstance(part, InTurn) for part in once_each(model, torch.zeros(1, 2)).modules())
