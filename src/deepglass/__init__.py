"""deepglass: a folder of your own data in, a trained, evaluated, explained network of glass out.

import deepglass as dg;  run = dg.train("flowers/");  run.predict("rose.jpg")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepglass.bundle import Bundle as Bundle
    from deepglass.index.index import Index as Index
    from deepglass.python import check as check
    from deepglass.python import convert as convert
    from deepglass.python import evaluate as evaluate
    from deepglass.python import load as load
    from deepglass.python import publish as publish
    from deepglass.python import resume as resume
    from deepglass.python import search as search
    from deepglass.python import train as train

_HOMES = {
    "Bundle": "bundle",
    "Index": "index.index",
    "train": "python",
    "resume": "python",
    "evaluate": "python",
    "check": "python",
    "convert": "python",
    "load": "python",
    "publish": "python",
    "search": "python",
}

__all__ = ["Bundle", "Index", "check", "convert", "evaluate", "load", "publish", "resume", "search", "train"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: `import deepglass` alone needs neither torch nor numpy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'deepglass' has no attribute {name!r}. It has: {', '.join(__all__)}.")
    import importlib

    return getattr(importlib.import_module(f"deepglass.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
