"""A step of our own loop, taken out of it, for benchmarks that set it beside another one."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deepglass.engine.journal import Journal
from deepglass.engine.loop import Training, finished, look_up, one_step
from deepglass.foundation.settings import parse_assignments
from deepglass.journey import propose
from deepglass.run import Run


def opened(place: Path, settings: Mapping[str, Any], run: Path) -> tuple[Callable[[], None], Training]:
    """What `deepglass train` repeats, look and journal included, as a function; and what it trains with.

    The network is named first, for settings of it are known only then.
    """
    given = [(name, list(value) if isinstance(value, tuple) else value) for name, value in settings.items()]
    words = [f"{name}={value}" for name, value in sorted(given, key=lambda one: one[0] != "model.name")]
    proposal = propose(str(place), parse_assignments(words))
    made = Run(run, proposal.settings, proposal.origins, source=proposal.source)
    made.folder.mkdir()
    material = made.material()
    training, state = made.training(material, Journal(made.folder))

    def step() -> None:
        look_up(state, training)
        finished(state, training)
        one_step(material.task, state, training, training.batch(state.step))

    return step, training
