"""torchmetrics' classification functions, importable beside a torchvision that was built for another torch.

Such a torchvision stops at its own import because its operators are not there, and torchmetrics imports it for metrics
of pictures that are not used here; the operators' names are enough for both.
"""

import torch

OPERATORS = torch.library.Library("torchvision", "FRAGMENT")  # kept: the names live as long as it does

try:
    import torchvision  # noqa: F401
except ImportError:
    pass
except RuntimeError:
    for name in ("nms", "qnms"):
        OPERATORS.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")

import torchmetrics.functional.classification as theirs  # noqa: E402

__all__ = ["theirs"]
