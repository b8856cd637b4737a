"""Normalisation: over the batch (ResNet) and over neighbouring maps (AlexNet)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.graph.shape import Shape, expect_map


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Each channel brought to mean 0 and spread 1 over the batch, then scaled and moved (arXiv:1502.03167).

    y = γ (x - mean) / √(var + ε) + β
    (B, C, H, W) -> the same; weight γ (C,), bias β (C,), running_mean (C,), running_var (C,)
    Without `scale` γ is 1 and nothing is learned of it, without `shift` β is 0.

    The parent is torch's: SyncBatchNorm, freezing and averaging find batch normalisation by that class.
    """

    def __init__(
        self,
        channels: int,
        *,
        dims: int,
        epsilon: float = 1e-5,
        momentum: float = 0.1,
        scale: bool = True,
        shift: bool = True,
    ):
        super().__init__(channels, eps=epsilon, momentum=momentum)
        self.dims = dims
        if not scale:  # ones, not None: without a weight torch's backward on a GPU fails for channels last
            del self.weight
            self.register_buffer("weight", torch.ones(channels), persistent=False)
        if not shift:
            del self.bias
            self.register_buffer("bias", torch.zeros(channels), persistent=False)

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002  torch's own name
        expect_map("BatchNorm", input.shape, self.dims, self.num_features)

    def out_shape(self, shape: Shape) -> Shape:
        expect_map("BatchNorm", shape, self.dims, self.num_features)
        return shape


class LocalResponseNorm(nn.Module):
    """Each value divided by what its neighbouring maps do at the same place (AlexNet 2012, sec. 3.3).

    b_c = a_c / (k + α Σ_{|j-c| <= n/2} a_j²)^β
    (B, C, H, W) -> the same
    """

    def __init__(self, neighbours: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0):
        super().__init__()
        self.neighbours, self.alpha, self.beta, self.k = neighbours, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        # torch divides α by the number of neighbours, the paper does not
        return F.local_response_norm(x, self.neighbours, self.alpha * self.neighbours, self.beta, self.k)

    def out_shape(self, shape: Shape) -> Shape:
        return shape

    def extra_repr(self) -> str:
        return f"{self.neighbours}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


CATALOGUE = {"batch_norm": BatchNorm, "local_response_norm": LocalResponseNorm}
