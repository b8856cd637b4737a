"""Trainings on a GPU that is not there: nothing stays on the processor, and nothing is added up in another order."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from deepglass.run import Run
from tests.device.pretended import OnGpu, pretended
from tests.kill.data import write_data
from tests.kill.families import FAMILIES

QUICK = ("generate_images", "semi_supervised", "volume_masks")
OTHERS = (
    "stylegan2 image_to_image pairs generate_series turn_faces volume_balls volumes caption tag_video clips".split()
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return folder


@pytest.mark.parametrize("family", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_a_training_is_all_on_the_device_and_asks_for_nothing_uneven(family, data, tmp_path):
    settings = FAMILIES[family].settings(data)
    settings = replace(settings, train=replace(settings.train, steps=3, device="cuda:0"))
    run = Run(tmp_path, settings, own=FAMILIES[family].own())
    with pretended() as seen:
        run.write()
        state = run.train()
    assert state.scores and all(isinstance(one, OnGpu) for one in state.model.parameters())
    assert not seen.uneven


def test_the_pretended_device_refuses_what_a_gpu_refuses():
    with pretended() as seen:
        there, here = torch.ones(3, device="cuda:0"), torch.ones(3)
        assert there.device.type == "cuda" and (there + 1.0).tolist() == [2.0] * 3 and there.cpu().device.type == "cpu"
        assert there[torch.tensor([0, 2])].tolist() == [1.0, 1.0]  # rows may be chosen from elsewhere
        for mixed in (lambda: there + here, lambda: torch.cat([there, here]), lambda: here[there.long()]):
            with pytest.raises(RuntimeError, match="on the same device"):
                mixed()
        with pytest.raises(TypeError, match="to numpy"):
            there.numpy()
        picture = torch.ones(1, 1, 4, 4, device="cuda:0", requires_grad=True)
        F.pad(picture, (1, 1, 1, 1), "reflect").sum().backward()
        assert seen.uneven == {"reflection_pad2d_backward"} and picture.grad.sum() == 36
