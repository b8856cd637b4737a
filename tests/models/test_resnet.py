"""ResNets against independent implementations with the same weights."""

import importlib.util
import re

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation import catalogue


@pytest.fixture(scope="module")
def transformers_resnet():
    """Their ResNet; a torchvision that does not load beside this torch is hidden while it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        find = importlib.util.find_spec
        hidden = lambda name, package=None: None if name.startswith("torchvision") else find(name, package)  # noqa: E731
        patch.setattr(importlib.util, "find_spec", hidden)
        pytest.importorskip("transformers")
        from transformers import ResNetConfig, ResNetForImageClassification

    def make(unit, units, classes):
        wide = 4 if unit == "bottleneck" else 1
        widths = [wide * width for width in (64, 128, 256, 512)]
        config = ResNetConfig(
            layer_type=unit, depths=list(units), hidden_sizes=widths, num_labels=classes, downsample_in_bottleneck=False
        )
        return ResNetForImageClassification(config).eval()

    return make


def their_name(ours):
    """layer2.0.conv1.weight -> resnet.encoder.stages.1.layers.0.layer.0.convolution.weight"""
    part = lambda kind: "convolution" if kind == "conv" else "normalization"  # noqa: E731
    ours = re.sub(r"^fc\.", "classifier.1.", ours)
    ours = re.sub(r"^(conv|bn)1\.", lambda m: f"resnet.embedder.embedder.{part(m[1])}.", ours)
    ours = re.sub(r"downsample\.0\.", "shortcut.convolution.", ours)
    ours = re.sub(r"downsample\.1\.", "shortcut.normalization.", ours)
    ours = re.sub(r"\.(conv|bn)(\d)\.", lambda m: f".layer.{int(m[2]) - 1}.{part(m[1])}.", ours)
    return re.sub(r"^layer(\d)\.(\d+)\.", lambda m: f"resnet.encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.", ours)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_outputs_equal_transformers(name, transformers_resnet, worn):
    config = catalogue.find("models", name)
    ours = worn(config.build())
    theirs = transformers_resnet(config.unit, config.units, config.classes)
    theirs.load_state_dict({their_name(key): value for key, value in ours.state_dict().items()}, strict=True)
    x = torch.randn(2, 3, 75, 96)
    with torch.no_grad():
        expected = theirs(x).logits
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def cifar_by_hand(weights, x, units):
    """The CIFAR network written out from section 4.2 of the paper, on a dictionary of weights."""

    def norm(x, name):
        mean, var = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        scale = weights[f"{name}.weight"] / (var + 1e-5).sqrt()
        return (x - mean[:, None, None]) * scale[:, None, None] + weights[f"{name}.bias"][:, None, None]

    x = norm(F.conv2d(x, weights["conv1.weight"], padding=1), "bn1").clamp(min=0)
    for stage in (1, 2, 3):
        for unit in range(units):
            name = f"layer{stage}.{unit}"
            stride = 2 if stage > 1 and unit == 0 else 1
            y = norm(F.conv2d(x, weights[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1").clamp(min=0)
            y = norm(F.conv2d(y, weights[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if stride == 2:
                x = x[:, :, ::2, ::2]
                zeros = torch.zeros_like(x)[:, : x.shape[1] // 2]
                x = torch.cat((zeros, x, zeros), dim=1)
            x = (x + y).clamp(min=0)
    return x.mean(dim=(2, 3)) @ weights["fc.weight"].T + weights["fc.bias"]


@pytest.mark.parametrize(("name", "units"), [("resnet20", 3), ("resnet56", 9)])
def test_cifar_outputs_equal_the_paper_by_hand(name, units, worn):
    ours = worn(catalogue.find("models", name).build())
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = cifar_by_hand(ours.state_dict(), x, units)
        torch.testing.assert_close(ours(x), expected, rtol=1e-5, atol=1e-5 * expected.abs().max().item())


def test_cifar_shortcuts_have_no_parameters():
    network = catalogue.find("models", "resnet20").build()
    assert not [name for name, _ in network.named_parameters() if "downsample" in name]


@pytest.mark.parametrize(
    ("name", "layers"), [("resnet18", 18), ("resnet50", 50), ("resnet152", 152), ("resnet110", 110)]
)
def test_name_is_the_number_of_layers(name, layers):
    with torch.device("meta"):
        network = catalogue.find("models", name).build()
    counted = [key for key, value in network.named_parameters() if value.ndim in (2, 4) and "downsample" not in key]
    assert len(counted) == layers
