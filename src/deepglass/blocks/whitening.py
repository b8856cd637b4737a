"""A first convolution that is computed from the data instead of learned: neighbouring pixels no longer tell each other.

The idea is Page's (2019, "How to train your ResNet", part 8), as in Jordan 2024, arXiv:2404.00498, section 3.2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, each, expect_map, slide

ROWS = 512  # pictures whose patches are held at a time


class Whitening(nn.Module):
    """Every patch projected on the directions in which patches vary, each brought to spread 1, and their negatives.

    y = [V; -V] patch + b, V_i = e_i / √(λ_i + ε), with λ_i, e_i eigenvalues and -vectors of the mean of patch patchᵀ
    (B, C, H, W) -> (B, 2 C k², H - k + 1, W - k + 1); weight, fixed, (2 C k², C, k, k); bias (2 C k²,)
    Until `fit` is called the patches count as white: V is the identity.
    """

    weight: Tensor

    def __init__(self, channels: int, *, kernel: int = 2, epsilon: float = 5e-4):
        super().__init__()
        self.channels, self.kernel, self.epsilon = channels, each(kernel, 2), epsilon
        size = channels * kernel * kernel
        self.outputs = 2 * size
        self.register_buffer("weight", self._both(torch.eye(size)))
        self.bias = nn.Parameter(torch.zeros(self.outputs))

    @torch.no_grad()
    def fit(self, pictures: Tensor) -> None:
        """Take the directions from these pictures (N, C, H, W), which are standardised as the network's inputs are."""
        size = self.outputs // 2
        total = torch.zeros(size, size, dtype=torch.float64)
        count = 0
        for group in pictures.split(ROWS):
            patches = F.unfold(group.float(), self.kernel).transpose(1, 2).reshape(-1, size).double().cpu()
            total += patches.T @ patches
            count += len(patches)
        values, vectors = torch.linalg.eigh(total / count)
        self.weight.copy_(self._both((vectors / (values + self.epsilon).sqrt()).T))

    def forward(self, x: Tensor) -> Tensor:
        expect_map("Whitening", x.shape, 2, self.channels)
        return F.conv2d(x, self.weight, self.bias)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("Whitening", shape, 2, self.channels)
        return shape[0], self.outputs, *slide(shape[2:], self.kernel, (1, 1), (0, 0))

    def extra_repr(self) -> str:
        return f"{self.channels}, kernel={self.kernel}, epsilon={self.epsilon}"

    def _both(self, directions: Tensor) -> Tensor:
        """Directions as rows (D, D) and their negatives as kernels."""
        return torch.cat([directions, -directions]).reshape(-1, self.channels, *self.kernel)


CATALOGUE = {"whitening": Whitening}
