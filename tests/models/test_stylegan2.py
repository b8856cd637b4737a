"""StyleGAN2: sizes as published, noise and styles that follow from keys, truncation towards the running mean."""

import pytest
import torch

from deepglass.foundation.ports import Image, Latent, Players, PortMismatch, Ports, Vector
from deepglass.models.stylegan2 import StyleGAN2Config

TINY = StyleGAN2Config(latent=8, style=8, depth=2, base=64, most=8, channels=1, height=16, width=16)
NAMES = ("generator", "discriminator")


def network(config=TINY):
    torch.manual_seed(0)
    return config.build()


def shaken(model):
    """The same with noise switched on, as it is once trained."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("strength"):
                parameter.fill_(0.5)
    return model


def counted(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes_are_those_of_the_papers_own_program():
    """As its tables print them at 1024 pixels: noise, filters and the running mean of w are no parameters there."""
    with torch.device("meta"):
        model = StyleGAN2Config().build()
    assert counted(model.generator) == 30_370_060
    assert counted(model.generator.mapping) == 8 * (512 * 512 + 512)
    assert counted(model.discriminator) == 29_012_513
    assert sum(name.endswith("strength") for name, _ in model.named_parameters()) == 17
    assert [name for name, _ in model.generator.named_buffers() if "taps" not in name] == ["mapping.mean"]


@pytest.mark.parametrize("side", [32, 64, 128, 256, 512, 1024])
def test_every_size_makes_and_judges_pictures_of_it(side):
    config = StyleGAN2Config().fitted(Ports(Latent(512), Players(NAMES, Image(3, side, side))))
    with torch.device("meta"):
        model = config.build().eval()
        picture = model.generator(torch.empty(2, 512))
        assert picture.shape == (2, 3, side, side) and model.discriminator(picture).shape == (2, 1)


def test_noise_follows_from_keys_alone_and_is_one_for_all_without():
    model = shaken(network()).train()
    latent, keys = torch.randn(3, 8), torch.tensor([5, 6, 5])
    with torch.no_grad():
        first, second = model.generator(latent, noise=keys), model.generator(latent, noise=keys)
        assert torch.equal(first, second)
        assert not torch.allclose(first, model.generator(latent, noise=keys + 1), atol=1e-3)
        alone = model.generator(latent[1:2], noise=keys[1:2])
        torch.testing.assert_close(alone, first[1:2])
        same = model.generator(latent[:1].expand(2, -1), noise=torch.tensor([5, 5]))
        torch.testing.assert_close(same[0], same[1])
        torch.testing.assert_close(model.generator(latent), model.generator(latent))


def test_styles_cross_over_from_one_latent_to_another():
    generator = network().eval().generator
    latent, other = torch.randn(4, 8), torch.randn(4, 8)
    crossing = torch.tensor([0.0, 0.5, 0.999, 1.0])
    own, others = generator.styles(latent), generator.styles(other)
    mixed = generator.styles(latent, other=other, crossing=crossing)
    assert generator.layers == 6
    for row, kept in enumerate((1, 3, 5, 6)):  # the coarsest is always the latent's own
        assert torch.equal(mixed[row, :kept], own[row, :kept]) and torch.equal(mixed[row, kept:], others[row, kept:])


def test_truncation_brings_styles_nearer_to_the_mean_that_training_kept():
    generator = network().train().generator
    torch.manual_seed(1)
    for _ in range(1000):
        generator.mapping(torch.randn(64, 8))
    generator.eval()
    latent = torch.randn(2000, 8)
    mean, styles = generator.mapping.mean, generator.styles(latent)
    torch.testing.assert_close(mean, styles[:, 0].mean(0), rtol=0, atol=0.05)
    nearer = generator.styles(latent, truncation=0.25)
    torch.testing.assert_close(nearer - mean, 0.25 * (styles - mean))
    before = mean.clone()
    generator.styles(latent)
    assert torch.equal(mean, before)  # nothing is learned in evaluation
    assert "mapping.mean" in generator.state_dict()


def test_a_class_may_be_told_to_both_players():
    config = TINY.fitted(Ports(Latent(8, 3), Players(NAMES, Image(1, 16, 16))))
    model = network(config).eval()
    latent, labels = torch.randn(1, 8).expand(3, -1), torch.arange(3)
    pictures = model.generator(latent, labels)
    assert not torch.allclose(pictures[0], pictures[1])
    verdicts = model.discriminator(pictures[:1].expand(3, -1, -1, -1), labels)
    assert len(verdicts.unique()) == 3


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        (
            Ports(Latent(8), Players(NAMES, Image(3, 48, 48))),
            r"square pictures of 8, 16, .*1024 pixels.*these are 48x48",
        ),
        (Ports(Latent(8), Players(NAMES, Image(3, 32, 64))), r"these are 32x64\. Set task\.picture\.size"),
        (Ports(Image(3, 32, 32), Vector(2)), "stylegan2 makes pictures, but the task asks for"),
    ],
)
def test_what_it_cannot_make_is_refused(ports, said):
    with pytest.raises(PortMismatch, match=said):
        StyleGAN2Config().fitted(ports)
