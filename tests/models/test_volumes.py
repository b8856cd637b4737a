"""Networks in three dimensions: the papers' counts, the public names, and costs that can be worked out by hand."""

from dataclasses import replace

import pytest
import torch

from deepglass.blocks.volume_conv import FactoredConv, between
from deepglass.foundation import catalogue
from deepglass.foundation.ports import Ports, Vector, Volume
from deepglass.graph.cost import cost
from deepglass.graph.probe import Probe
from deepglass.graph.trace import example, trace
from deepglass.networks import network_of


def made(name, **changes):
    with torch.device("meta"):
        return network_of(replace(catalogue.find("models", name), **changes))


def costs(name, **changes):
    config = replace(catalogue.find("models", name), **changes)
    return cost(trace(made(name, **changes), *example(config.ports().takes)))


def test_a_unet_without_normalisation_has_the_papers_count():
    assert sum(parameter.numel() for parameter in made("unet3d", norm="none").parameters()) == 19_069_955


@pytest.mark.parametrize(("name", "giga"), [("resnet3d18", 40.7), ("resnet2p1d18", 40.5)])
def test_costs_of_a_clip_are_the_published_ones(name, giga):
    assert costs(name).macs / 1e9 == pytest.approx(giga, abs=0.06)


def test_a_whole_convolution_costs_its_kernel_at_every_place():
    found = costs("cnn3d", widths=(4,), channels=2, classes=3, depth=5, height=6, width=7)
    assert found.macs == 5 * 6 * 7 * 2 * 4 * 27 + 4 * 3


@pytest.mark.parametrize("name", ["cnn3d", "resnet3d18"])
def test_what_is_small_is_told_by_the_largest_value_wherever_it_lies(name):
    sizes = {"widths": (2, 4)} if name == "cnn3d" else {"stem": 2}
    last = {"cnn3d": "looks.1", "resnet3d18": "layer4"}[name]
    for pool, told in (("mean", torch.mean), ("max", torch.amax)):
        network = network_of(replace(catalogue.find("models", name), channels=1, classes=3, pool=pool, **sizes)).eval()
        with Probe(network, [last]) as probe, torch.no_grad():
            logits = network(torch.randn(2, 1, 16, 32, 32))
        assert torch.allclose(logits, network.get_submodule(network.head)(told(probe[last].value, (2, 3, 4))))


@pytest.mark.parametrize(("halvings", "size"), [(0, (8, 12, 16)), (1, (4, 6, 8)), (2, (2, 3, 4)), (5, (1, 1, 2))])
def test_the_last_maps_are_as_fine_as_asked(halvings, size):
    config = replace(catalogue.find("models", "cnn3d"), widths=(2, 2, 2, 2), halvings=halvings)
    network = network_of(config)
    with Probe(network, ["looks.3"]) as probe, torch.no_grad():
        network(torch.zeros(1, 1, 8, 12, 16))
    assert probe["looks.3"].value.shape == (1, 2, *size)
    least = 2 ** min(halvings, 3)
    assert config.fitted(Ports(Volume(1, least, least, least), Vector(2))).depth == least


def test_frames_of_a_clip_are_halved_by_the_first_convolution_or_behind_it_and_told_by_their_largest_value():
    for stride, sizes in ((1, (16, 8, 4, 4)), (2, (8, 8, 4, 4))):
        config = replace(
            catalogue.find("models", "cnn_lstm"), widths=(2, 3, 4, 5), halvings=2, stride=stride, pool="max"
        )
        network = network_of(replace(config, features=5)).eval()
        names = [f"looks.{level}" for level in range(4)]
        with Probe(network, [*names, "frame"]) as probe, torch.no_grad():
            network(torch.randn(1, 3, 2, 16, 16))
        assert [probe[name].value.shape[-1] for name in names] == list(sizes)
        told = network.frame(probe["looks.3"].value.amax((2, 3)))
        assert torch.equal(probe["frame"].value, told)
        assert config.fitted(Ports(Volume(3, 2, 4, 4), Vector(2))).height == 4


def test_names_are_those_of_public_networks():
    plain, taken_apart = (list(made(name).state_dict()) for name in ("resnet3d18", "resnet2p1d18"))
    assert plain[0] == "stem.0.weight" and "layer2.0.downsample.1.running_var" in plain and plain[-1] == "fc.bias"
    assert {"layer1.0.conv1.0.weight", "layer1.0.conv2.1.bias"} <= set(plain)
    assert {"stem.3.weight", "stem.4.weight", "layer1.0.conv1.0.0.weight", "layer4.1.conv2.0.3.weight"} <= set(
        taken_apart
    )


def test_taken_apart_a_convolution_has_as_many_numbers():
    for inputs, outputs in ((64, 64), (64, 128), (3, 8)):
        halves = sum(p.numel() for p in FactoredConv(inputs, outputs).parameters() if p.ndim == 5)
        assert halves <= 27 * inputs * outputs < halves + 9 * inputs + 3 * outputs
    assert between(64, 64) == 144


def test_a_unet_sees_to_every_place_of_any_size():
    torch.manual_seed(0)
    config = replace(catalogue.find("models", "unet3d_small"), widths=(4, 8, 16))
    network = network_of(config).eval()
    volume = torch.randn(1, 1, 5, 9, 7)
    with torch.no_grad():
        logits = network(volume)
        assert logits.shape == (1, 2, 5, 9, 7)
        changed = volume.clone()
        changed[..., 4, 8, 6] += 5
        assert ((network(changed) - logits).abs() > 0)[..., 4, 8, 6].all()
