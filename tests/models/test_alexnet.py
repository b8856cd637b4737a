"""Both AlexNets against plain torch layers with the same weights."""

import torch
from torch import nn

from deepglass.foundation import catalogue
from deepglass.foundation.ports import Image, Ports, Vector


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5 * b.abs().max().item())


def test_one_tower_equals_plain_layers():
    relu = nn.ReLU()
    features = nn.Sequential(
        *(nn.Conv2d(3, 64, 11, 4, 2), relu, nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(64, 192, 5, padding=2), relu, nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(192, 384, 3, padding=1), relu, nn.Conv2d(384, 256, 3, padding=1), relu),
        *(nn.Conv2d(256, 256, 3, padding=1), relu, nn.MaxPool2d(3, 2)),
    )
    dense = nn.Sequential(
        *(nn.Dropout(), nn.Linear(9216, 4096), relu, nn.Dropout(), nn.Linear(4096, 4096), relu, nn.Linear(4096, 1000))
    )
    plain = nn.ModuleDict({"features": features, "classifier": dense}).eval()
    ours = catalogue.find("models", "alexnet").build().eval()
    ours.load_state_dict(plain.state_dict(), strict=True)
    with torch.no_grad():
        for size in (224, 96):  # at 224 the last maps are 6x6 already
            x = torch.randn(2, 3, size, size)
            maps = nn.functional.adaptive_avg_pool2d(features(x), 6)
            close(ours(x), dense(maps.flatten(1)))
            assert size != 224 or torch.equal(maps, features(x))


def test_paper_form_equals_two_towers_by_hand():
    """The halves are computed apart, as on the two cards of 2012, and meet only where the paper says."""
    config = catalogue.find("models", "alexnet_2012").fitted(Ports(Image(3, 67, 67), Vector(10)))
    ours = config.build().eval()
    with torch.no_grad():
        for parameter in ours.features.parameters():
            parameter.normal_(std=0.05)
    weights = ours.state_dict()

    def conv(x, layer, *, pad=0, stride=1, half=None):
        w, b = weights[f"features.{layer}.weight"], weights[f"features.{layer}.bias"]
        if half is not None:
            n = len(w) // 2
            w, b = w[half * n : (half + 1) * n], b[half * n : (half + 1) * n]
        return nn.functional.conv2d(x, w, b, stride, pad).clamp(min=0)

    def inhibit(x):
        squares = nn.functional.pad(x.square(), (0, 0, 0, 0, 2, 2))
        near = sum(squares[:, i : i + x.shape[1]] for i in range(5))
        return x / (2 + 1e-4 * near) ** 0.75

    def pool(x):
        return nn.functional.max_pool2d(x, 3, 2)

    def halves(x, layer, pad):
        return torch.cat([conv(part, layer, pad=pad, half=i) for i, part in enumerate(x.chunk(2, dim=1))], dim=1)

    x = torch.randn(2, 3, 67, 67)
    with torch.no_grad():
        y = pool(inhibit(conv(x, 0, stride=4)))
        y = pool(inhibit(halves(y, 4, 2)))
        y = halves(halves(conv(y, 8, pad=1), 10, 1), 12, 1)
        y = pool(y).flatten(1)
        for layer in (0, 3):
            y = (y @ weights[f"classifier.{layer}.weight"].T + weights[f"classifier.{layer}.bias"]).clamp(min=0)
        close(ours(x), y @ weights["classifier.6.weight"].T + weights["classifier.6.bias"])


def test_paper_form_starts_as_the_paper_says():
    ours = catalogue.find("models", "alexnet_2012").fitted(Ports(Image(3, 67, 67), Vector(10))).build()
    ones = {f"features.{i}" for i in (4, 10, 12)} | {f"classifier.{i}" for i in (0, 3)}
    for name, parameter in ours.named_parameters():
        layer, _, kind = name.rpartition(".")
        if kind == "bias":
            assert parameter.unique().tolist() == [1.0 if layer in ones else 0.0], name
        else:
            assert abs(parameter.std().item() - 0.01) < 0.0005, name
