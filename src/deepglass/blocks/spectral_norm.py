"""A layer held to a steepness of one: its matrix divided by its largest singular value (arXiv:1802.05957)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from deepglass.blocks.conv import Conv
from deepglass.blocks.dense import Dense
from deepglass.graph.shape import Shape

EPSILON = 1e-12


class SpectralNorm(nn.Module):
    """W / σ in place of the layer's W, a kernel seen as a matrix (outputs, inputs · places).

    v = Wᵀu / |Wᵀu|;   training: u <- W v / |W v|, one step of the power method a call;   σ = uᵀ W v
    u, a buffer (outputs,), is all that is remembered. In evaluation nothing is moved: σ = |Wᵀu| for the direction of
    u, which also holds for an average of weights and of u over steps.
    """

    u: Tensor

    def __init__(self, layer: Conv | Dense):
        super().__init__()
        self.layer = layer
        self.register_buffer("u", F.normalize(torch.randn(len(layer.weight)), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        return functional_call(self.layer, {"weight": self.weight()}, (x,))

    def weight(self) -> Tensor:
        """The layer's weight with a largest singular value of about one."""
        matrix = self.layer.weight.flatten(1)
        with torch.no_grad():
            u = F.normalize(self.u, dim=0, eps=EPSILON)
            v = F.normalize(matrix.mT @ u, dim=0, eps=EPSILON)
            if self.training:
                u = F.normalize(matrix @ v, dim=0, eps=EPSILON)  # a tensor of its own: the graph must keep this one
                self.u.copy_(u)
        return self.layer.weight / (u * (matrix @ v)).sum()  # no dot product: in bf16 one of the two is fp32

    def out_shape(self, shape: Shape) -> Shape:
        return self.layer.out_shape(shape)


CATALOGUE = {"spectral_norm": SpectralNorm}
