"""The Hugging Face hub, where it is installed and the user asks for it: one file of one repository."""

from pathlib import Path

from deepglass.foundation.errors import MachineError


def fetch(repo: str, file: str) -> Path:
    """The file in the hub's own cache, downloaded where it is not there yet."""
    try:
        from huggingface_hub import hf_hub_download  # an extra: loaded when it is used
    except ImportError:
        raise MachineError("weights.no_hub", repo=repo) from None
    try:
        return Path(hf_hub_download(repo, file))
    except Exception as error:  # the network, the hub, the disk: its library raises a dozen kinds
        reason = str(error).split("\n")[0].rstrip(".") or type(error).__name__
        raise MachineError("weights.cannot_fetch", repo=repo, file=file, reason=reason) from None
