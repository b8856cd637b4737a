"""The quick network for CIFAR-10: its identity start, its small logits, and the first layer that comes from data."""

import torch

from deepglass.foundation import catalogue


def build(**settings):
    torch.manual_seed(0)
    config = catalogue.find("models", "airbench94")
    return type(config)(**settings).build()


def test_kernels_start_as_the_identity_on_common_channels():
    net = build()
    x = torch.randn(2, 24, 9, 9)
    assert torch.equal(net.groups[0].conv1(x)[:, :24], x)
    x = torch.randn(2, 64, 9, 9)
    torch.testing.assert_close(net.groups[1].conv1(x)[:, :64], x)
    narrow = build(widths=(8, 8))
    x = torch.randn(1, 24, 9, 9)
    assert torch.equal(narrow.groups[0].conv1(x), x[:, :8])


def test_logits_start_small_and_of_one_spread():
    weight = build().fc.weight.detach()
    assert abs(float(weight.std()) * 256 - 1) < 0.05


def test_the_start_depends_on_the_pictures_alone_and_is_kept_with_the_weights():
    pictures = torch.randn(600, 3, 12, 12).cumsum(-1)
    nets = [build(), build(), build()]
    for net in nets[:2]:
        net.start_from(pictures)
    first, second, third = (net.state_dict() for net in nets)
    assert torch.equal(first["whitening.weight"], second["whitening.weight"])
    assert not torch.equal(first["whitening.weight"], third["whitening.weight"])
    assert all(torch.equal(first[name], third[name]) for name in first if name != "whitening.weight")
    nets[2].load_state_dict(first)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(nets[0].eval()(x), nets[2].eval()(x))


def test_the_first_layer_is_no_parameter_but_its_bias_learns():
    net = build()
    net(torch.randn(4, 3, 16, 16)).square().sum().backward()
    names = [name for name, _ in net.named_parameters()]
    assert "whitening.weight" not in names and net.whitening.bias.grad.abs().max() > 0
