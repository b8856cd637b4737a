"""BigGAN: sizes as its authors' program counts them, a class and a share of the latent at every level."""

import pytest
import torch

from deepglass.blocks.dense import Dense
from deepglass.blocks.self_attention import SelfAttention
from deepglass.blocks.spectral_norm import SpectralNorm
from deepglass.foundation.ports import Image, Latent, Players, PortMismatch, Ports
from deepglass.models.biggan import BigGANConfig

TINY = BigGANConfig(latent=8, classes=3, features=2, shared=4, attention=16, channels=1, height=32, width=32)
NAMES = ("generator", "discriminator")


def network(config=TINY):
    torch.manual_seed(0)
    return config.build()


def counted(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes_are_those_of_the_authors_own_program():
    with torch.device("meta"):
        model = BigGANConfig().build()
    assert counted(model.generator) == 70_433_988
    assert counted(model.discriminator) == 87_982_370
    assert sum(isinstance(part, SelfAttention) for part in model.modules()) == 2  # at 64x64 of each player


@pytest.mark.parametrize("side", [32, 64, 128, 256])
def test_every_size_makes_and_judges_pictures_of_it(side):
    config = BigGANConfig().fitted(Ports(Latent(120, 10), Players(NAMES, Image(3, side, side))))
    with torch.device("meta"):
        model = config.build().eval()
        label = torch.zeros(2, dtype=torch.int64)
        picture = model.generator(torch.empty(2, 120), label)
        assert picture.shape == (2, 3, side, side) and model.discriminator(picture, label).shape == (2, 1)
        assert model.discriminator.shrink(picture).shape[2:] == ((4, 4) if side > 32 else (8, 8))


def test_everything_but_the_shared_vectors_is_held_by_its_spectral_norm():
    model = network()
    held = {id(part.layer) for part in model.modules() if isinstance(part, SpectralNorm)}
    free = [
        part for part in model.modules() if hasattr(part, "weight") and isinstance(part, Dense) and id(part) not in held
    ]
    assert free == [model.generator.known]
    for part in (model.generator.units[0].conv2.layer, model.discriminator.of_class.layer):
        matrix = part.weight.detach().flatten(1)
        short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
        torch.testing.assert_close(short @ short.T, torch.eye(len(short)), rtol=0, atol=1e-5)  # begins at right angles


def test_each_level_has_its_own_share_of_the_latent():
    """What is told to a level changes nothing before it: the units before give what they gave."""
    model = network().eval()
    generator, label = model.generator, torch.zeros(1, dtype=torch.int64)
    assert (generator.begins, generator.share) == (2, 2)
    uneven = BigGANConfig(latent=11, classes=3, features=2, height=32, width=32).build().generator
    assert (uneven.begins, uneven.share) == (5, 2)

    def outputs(latent):
        found = []
        hooks = [unit.register_forward_hook(lambda module, given, out: found.append(out)) for unit in generator.units]
        generator(latent, label)
        for hook in hooks:
            hook.remove()
        return found

    latent = torch.randn(1, 8)
    other = latent.clone()
    other[:, 4:6] += 1
    first, second = outputs(latent), outputs(other)
    assert [torch.equal(a, b) for a, b in zip(first, second, strict=True)] == [True, False, False]


def test_the_class_changes_picture_and_verdict():
    model = network().eval()
    latent, labels = torch.randn(1, 8).expand(3, -1), torch.arange(3)
    pictures = model.generator(latent, labels)
    assert not torch.allclose(pictures[0], pictures[1], atol=1e-4) and pictures.abs().max() <= 1
    verdicts = model.discriminator(pictures[:1].expand(3, -1, -1, -1), labels)
    assert len(verdicts.unique()) == 3


@pytest.mark.parametrize(
    ("classes", "side", "said"),
    [(0, 32, "no classes are known"), (3, 48, r"square pictures of 32, 64, 128, 256 pixels a side; these are 48x48")],
)
def test_what_it_cannot_make_is_refused(classes, side, said):
    with pytest.raises(PortMismatch, match=said):
        BigGANConfig().fitted(Ports(Latent(8, classes), Players(NAMES, Image(3, side, side))))
