"""Networks by their names in the catalogue: sized for what a task asks, built, or refused in one sentence.

A model that stands on another one is handed that one's trunk here, for models never import each other.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.foundation import catalogue
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Image, Map, Plates, Players, PortMismatch, Ports, Steps, Vector
from deepglass.foundation.settings import Choice, from_json
from deepglass.foundation.words import say
from deepglass.models.contract import sees

EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class ExternalConfig:
    """A network or task of the user's own: deepglass knows its weights and facts, not its code."""


def choose_model(name: str) -> Choice:
    """The catalogue's model of that name; "external" stands for a network handed in from Python."""
    return Choice("models", name, ExternalConfig() if name == EXTERNAL else catalogue.find("models", name))


def build(name: str, settings: Any) -> nn.Module:
    """A fresh network by registry name and settings: never by import path."""
    config = catalogue.find("models", name)
    if type(config) is not type(settings):
        settings = from_json(type(config), settings, name)
    return network_of(settings)


def network_of(config: Any) -> nn.Module:
    """A fresh network; one that stands on another model of the catalogue is handed that model's trunk."""
    backbone = getattr(config, "backbone", "")
    if not backbone:
        return config.build()
    below = catalogue.find("models", backbone)
    if not hasattr(below, "trunk"):
        fitting = [name for name in catalogue.entries("models") if hasattr(catalogue.find("models", name), "trunk")]
        raise UsageError("run.no_backbone", name=backbone, fitting=", ".join(fitting))
    return config.build(below.trunk(config.channels, config.stem))


def fit_model(model: Choice, asks: Ports) -> Choice:
    """The model sized for what the task asks; where it cannot be, says which models would fit."""
    if model.name == EXTERNAL:
        return model
    try:
        return replace(model, settings=model.settings.fitted(asks))
    except PortMismatch as mismatch:
        if str(mismatch.values.get("model", model.name)) in model.name:  # several entries share their settings' class
            mismatch = PortMismatch(mismatch.code, **mismatch.values | {"model": model.name})
        raise _does_not_fit(mismatch, asks) from None


def learns_pairs(name: str) -> bool | None:
    """Whether a network translates what it learned from pairs of pictures, or from two sides; None for any other."""
    if name not in catalogue.entries("models"):
        return None
    ports = choose_model(name).settings.ports()
    translates = isinstance(ports.takes, Image) and isinstance(ports.gives, Players) and not ports.gives.people
    return ports.gives.names == ("generator", "discriminator") if translates else None


def _does_not_fit(mismatch: PortMismatch, asks: Ports) -> UsageError:
    return UsageError("run.does_not_fit", reason=mismatch, fitting=", ".join(models_that_fit(asks)) or "-")


def check_own(model: nn.Module, asks: Ports, *row: Any) -> None:
    """Refuse a network of the user's own that cannot take one row, gives something else, or sees what it must tell."""
    given = _shape(row[0])
    wanted = {Vector: (1,), Map: (1,), Plates: (1,), Steps: _shape(row[-1])[:2]}.get(type(asks.gives), ())
    wanted += (getattr(asks.gives, "size", 0), *_map_of(asks.gives, given))
    was_training, seen = model.training, False
    model.eval()
    try:
        with torch.no_grad():
            gave = _shape(_first(model(*row)))
        fits = len(gave) == len(wanted) and gave[-1] == wanted[-1]  # of steps it may give fewer
        found = say("run.own_gave", shape=gave) if len(wanted) > 1 and not fits else ""
        if isinstance(asks.gives, Steps) and asks.gives.unseen != "nothing" and not found:
            seen = sees(model, asks.gives, *row)
    except Exception as error:  # whatever the user's code raises
        found = f"{type(error).__name__}: {error}"
    finally:
        model.train(was_training)
    if found:
        raise UsageError("run.own_does_not_fit", given=given, wanted=wanted, found=found)
    if seen:
        raise _does_not_fit(PortMismatch(f"models.sees_{asks.gives.unseen}", model=say("models.own")), asks)  # pyright: ignore


def before_head(model: nn.Module, *inputs: Any) -> Tensor:
    """What the head of a network is called with, one vector a row; the network is in evaluation mode. (B, F)"""
    caught: list[Any] = []
    head = getattr(model, "head", "")
    if isinstance(head, str) and head:
        hook = model.get_submodule(head).register_forward_pre_hook(lambda module, given: caught.append(given[0]))
        try:
            model(*inputs)
        finally:
            hook.remove()
    if len(caught) != 1 or not isinstance(caught[0], Tensor) or caught[0].ndim != 2:
        raise UsageError("bundle.no_vector", model=type(model).__name__)
    return caught[0]


def _map_of(gives: Any, given: tuple[int, ...]) -> tuple[int, ...]:
    """Rows and columns of the map that must come out for a picture of this shape."""
    if isinstance(gives, Plates):
        return tuple(-(-side // gives.stride) for side in given[2:])
    return given[2:] if isinstance(gives, Map) else ()


def _first(said: Any) -> Any:
    """What a network gives, or the first of several things that it does."""
    return said[0] if isinstance(said, tuple) and not isinstance(said, Padded) else said


def _shape(values: Any) -> tuple[int, ...]:
    return tuple((values.values if isinstance(values, Padded) else values).shape)


def models_that_fit(asks: Ports) -> list[str]:
    """The names of the models that take and give what is asked."""
    fitting: list[str] = []
    for name in catalogue.entries("models"):
        try:
            choose_model(name).settings.fitted(asks)
        except PortMismatch:
            continue
        fitting.append(name)
    return fitting
