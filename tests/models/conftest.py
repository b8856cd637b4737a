"""What the comparisons share: statistics that are not the trivial ones a fresh network has."""

import pytest
import torch

from deepglass.blocks.norm import BatchNorm


@pytest.fixture
def worn():
    """Give every batch normalisation running statistics and scales as after training."""

    def wear(network, kind=BatchNorm):
        torch.manual_seed(5)
        for module in network.modules():
            if isinstance(module, kind):
                torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
                torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
                torch.nn.init.uniform_(module.weight, 0.3, 1.0)
                torch.nn.init.uniform_(module.bias, -0.1, 0.1)
        return network.eval()

    return wear
