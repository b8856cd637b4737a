"""CycleGAN: what lies beyond an edge is mirrored as torch does it, by operations that repeat themselves on a GPU."""

import pytest
import torch
import torch.nn.functional as F

from deepglass.models.cyclegan import CycleGANConfig, Mirrored


@pytest.mark.parametrize(("by", "size"), [(1, (2, 5)), (3, (4, 7))])
def test_beyond_its_edges_a_map_is_mirrored_and_so_is_the_slope(by, size):
    torch.manual_seed(0)
    ours, torchs = (values.requires_grad_() for values in torch.randn(1, 2, 3, *size).repeat(2, 1, 1, 1, 1))
    found, expected = Mirrored(by)(ours), F.pad(torchs, (by,) * 4, "reflect")
    assert torch.equal(found, expected)
    weights = torch.randn_like(found)
    slopes = torch.autograd.grad((found * weights).sum(), ours), torch.autograd.grad((expected * weights).sum(), torchs)
    torch.testing.assert_close(*slopes)


def test_nothing_in_its_slope_adds_up_in_another_order_each_time_on_a_gpu():
    network = CycleGANConfig(blocks=1, features=2, judged=2, layers=1, channels=1, height=16, width=16).build()
    names = {step.name() for step in graph_of(network(torch.zeros(2, 1, 16, 16)).grad_fn)}
    assert any("Convolution" in name for name in names)
    assert not [name for name in names if "Pad2D" in name or "Upsample" in name or "GridSampler" in name]


def graph_of(last):
    """All steps that lead to a result."""
    seen, waiting = set(), [last]
    while waiting:
        step = waiting.pop()
        if step is not None and step not in seen:
            seen.add(step)
            waiting += [before for before, _ in step.next_functions]
    return seen
