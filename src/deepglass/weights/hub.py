"""The Hugging Face hub, where it is installed and the user names it: safetensors and what describes them, no pickles.

A place "hub:user/name" is a model there that `deepglass publish` wrote; its files are kept in the hub's own cache.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepglass.foundation.errors import MachineError, UsageError

PREFIX = "hub:"
PUBLISHED = ("bundle.json", "config.json", "manifest.json", "model.safetensors", "preprocessor_config.json")
REPO = re.compile(r"[\w.-]+/[\w.-]+")


def fetch(repo: str, file: str) -> Path:
    """One file in the hub's own cache, downloaded where it is not there yet."""
    if not file.endswith(".safetensors"):
        raise UsageError("weights.hub_pickle", repo=repo, file=file)
    failed = functools.partial(MachineError, "weights.cannot_fetch", repo=repo, file=file)
    return Path(_hub(repo, lambda hub: hub.hf_hub_download(repo, file), failed))


def here(place: str | Path) -> Path:
    """A place as a path: itself, or where the files of "hub:user/name" lie, fetched where they are not there yet."""
    return _fetched(_repo(str(place).removeprefix(PREFIX))) if str(place).startswith(PREFIX) else Path(place)


def file_here(place: str) -> Path:
    """A file of weights as a path: itself, or "hub:user/name", or "hub:user/name/folder/file.safetensors"."""
    if not place.startswith(PREFIX):
        return Path(place)
    owner, _, rest = place.removeprefix(PREFIX).partition("/")
    name, _, file = rest.partition("/")
    return fetch(_repo(f"{owner}/{name}"), file or "model.safetensors")


def send(folder: Path, repo: str) -> str:
    """Upload a folder, into a new repository that only its owner sees where there is none; its address."""

    def upload(hub: Any) -> str:
        api = hub.HfApi()
        address = api.create_repo(repo, private=True, exist_ok=True)
        api.upload_folder(repo_id=repo, folder_path=str(folder))
        return str(address)

    return _hub(_repo(repo), upload, functools.partial(MachineError, "weights.cannot_send", repo=repo))


def ready(repo: str) -> None:
    """Raise what would keep `send` from beginning."""
    _hub(_repo(repo), lambda hub: None, functools.partial(MachineError, "weights.cannot_send", repo=repo))


@functools.cache  # a run asks several times
def _fetched(repo: str) -> Path:
    failed = functools.partial(MachineError, "weights.cannot_read_hub", repo=repo)
    return Path(_hub(repo, lambda hub: hub.snapshot_download(repo, allow_patterns=list(PUBLISHED)), failed))


def _repo(name: str) -> str:
    if not REPO.fullmatch(name):
        raise UsageError("weights.no_repo", name=name)
    return name


def _hub(repo: str, ask: Callable[[Any], Any], failed: Callable[..., MachineError]) -> Any:
    """What the hub's library answers; every failure of its dozen kinds in one sentence."""
    try:
        import huggingface_hub  # an extra: loaded when it is used
    except ImportError:
        raise MachineError("weights.no_hub", repo=repo) from None
    try:
        return ask(huggingface_hub)
    except Exception as error:  # the network, the hub, a login, the disk
        raise failed(reason=str(error).split("\n")[0].rstrip(".") or type(error).__name__) from None
