"""The contract of a kind of input: what is learned of it, how it is prepared, encoded and seen by a network.

A kind is one file with a `CATALOGUE`; its facts name it, so a bundle finds it again. `settings` is the task's whole
settings, of which a kind reads its own section (`picture`, `text` ...).
"""

import functools
from typing import Any, NamedTuple, Protocol

from deepglass.data.example import Column, Encoder, Form
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.ports import Port
from deepglass.foundation.seeds import Draws
from deepglass.views.view import View

ROOM = "tasks.kinds"


class Seen(NamedTuple):
    """What a glance told of pictures, volumes or clips: the size that they are wanted at, and their channels."""

    size: tuple[int, ...] = (0, 0)  # height and width; of volumes and clips depth before them
    channels: int = 0


class Facts(Protocol):
    """What was learned of the inputs from the training part; frozen, kept in the bundle."""

    @property
    def kind(self) -> str: ...

    @property
    def columns(self) -> tuple[str, ...]: ...  # names of what a table must have, where inputs come from tables


class Kind(Protocol):
    """One kind of input."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> Any:
        """The facts before anything is prepared."""
        ...

    def form(self, facts: Any, settings: Any) -> Form:
        """How one raw input becomes one array; kept on the disk, so nothing learned goes into it."""
        ...

    def depends(self, facts: Any, settings: Any) -> Any:
        """All that the form depends on, as plain values."""
        ...

    def settle(self, facts: Any, settings: Any, values: Any) -> Any:
        """The facts with what the training part's prepared inputs tell; what is known already stays."""
        ...

    def encoder(self, facts: Any, settings: Any) -> Encoder | None:
        """What makes rows of prepared ones by what was learned; None where they are rows already."""
        ...

    def port(self, facts: Any) -> Port:
        """What a model must take."""
        ...

    def present(self, values: Column, facts: Any, settings: Any, draws: Draws | None) -> Any:
        """Rows as the network sees them: augmented where draws are given, standardised always."""
        ...

    def show(self, raw: Any, facts: Any, caption: str) -> View:
        """What was asked about."""
        ...


@functools.cache  # it is asked for at every step, and the catalogue looks at the disk each time
def kind_named(name: str) -> Kind:
    """The kind of that name, which is the one that a source's index says."""
    return catalogue.find(ROOM, name)


def kind_of(facts: Facts) -> Kind:
    """The kind that these facts are of."""
    return kind_named(facts.kind)
