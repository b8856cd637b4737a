"""Reading a file of weights: safetensors, or a .pth that holds tensors alone. The only torch.load of the house."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from deepglass.foundation.errors import UsageError
from deepglass.foundation.sealed import file_sha256

PICKLED = (".pth", ".pt", ".bin", ".ckpt")
WRAPPERS = ("state_dict", "model")  # under which training scripts put the weights


def read_weights(file: Path, sha256: str = "") -> dict[str, Tensor]:
    """Every tensor by its name; UsageError where the file is none of weights or not the one expected."""
    if not file.is_file():
        raise UsageError("weights.no_file", file=file)
    if sha256 and not (found := file_sha256(file)).startswith(sha256):
        raise UsageError("weights.other_file", file=file, wanted=sha256[:12], found=found[:12])
    if file.suffix in PICKLED:
        return _unpickled(file)
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise UsageError("weights.unreadable", file=file, reason=str(error).rstrip(".")) from None


def _unpickled(file: Path) -> dict[str, Tensor]:
    """Tensors without their code: what else a pickle holds is not run but refused."""
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # pickle's own errors and whatever a damaged file makes of it
        raise UsageError("weights.has_code", file=file) from None
    for name in WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise UsageError("weights.has_code", file=file)
    return {str(name): value for name, value in found.items()}
