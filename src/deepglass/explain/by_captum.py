"""Methods of Captum, called as they are called there: --method captum.DeepLift. The one file that adapts it.

Each explains the number that our own methods explain (explain/target.py); what is compared with is the training part's
mean, 0 after standardising. A copy of the network is asked, whose rectifiers overwrite nothing and serve once each, for
several of the methods change what flows back through them. What is drawn by lot is drawn the same every time.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.bundle import Bundle
from deepglass.explain.integrated_gradients import against, inside_of, path_of, shown
from deepglass.explain.maps import gives_maps, inside_words, laid_over, read_at
from deepglass.explain.method import Explanation, Method, Row, kind_of, sentences
from deepglass.explain.moments import KINDS
from deepglass.explain.target import has_target
from deepglass.foundation.errors import MachineError
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import say
from deepglass.views.view import number

SAMPLES = 32  # of the methods that draw by lot
ACROSS = 8  # patches beside each other, or stretches of time, that are taken away together
SPREAD = 0.1  # of the noise around an input, in spreads of the training part


class Asked(nn.Module):
    """The explained number as a module, with the network inside it. (B, ...) -> (B,)"""

    def __init__(self, bundle: Bundle, row: Row):
        super().__init__()
        assert row.target is not None
        self.network, self.score, self.given = once_each(bundle.model, row.presented), row.target.score, row.presented

    def forward(self, inputs: Tensor) -> Tensor:
        if not isinstance(self.given, Padded):
            return self.score(self.network(inputs))
        return self.score(self.network(Padded(inputs, self.given.lengths.repeat(len(inputs)))))


class InTurn(nn.Module):
    """Copies of a part without weights, one for each time that a pass calls it."""

    def __init__(self, part: nn.Module, calls: int):
        super().__init__()
        self.parts = nn.ModuleList(copy.deepcopy(part) for _ in range(calls))
        self.calls = 0

    def forward(self, *inputs: Any) -> Any:
        part = self.parts[self.calls % len(self.parts)]
        self.calls += 1
        return part(*inputs)


def once_each(model: nn.Module, given: Any) -> nn.Module:
    """A copy of the network in which no rectifier overwrites its input or is called twice."""
    network = copy.deepcopy(model).eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    counts: dict[str, int] = {}
    handles = []
    for name, part in network.named_modules():
        if hasattr(part, "inplace"):
            part.inplace = False  # pyright: ignore
        if name and not any(part.children()) and next(part.parameters(), None) is None:
            note = partial(_count, counts, name)
            handles.append(part.register_forward_hook(note))
    with torch.no_grad():
        network(given)
    for handle in handles:
        handle.remove()
    for name, calls in counts.items():
        if calls > 1:
            network.set_submodule(name, InTurn(network.get_submodule(name), calls))
    return network


def _count(counts: dict[str, int], name: str, *_: Any) -> None:
    counts[name] = counts.get(name, 0) + 1


@contextmanager
def _same_every_time() -> Iterator[None]:
    """Captum draws from torch's and numpy's own generators: both begin at 0 and are left as they were."""
    before = np.random.get_state()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hooks that it sets and inputs that it makes ready
        torch.manual_seed(0)
        np.random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(before)


def _plain(attr: Any, name: str, asked: Asked, inputs: Tensor, stage: str) -> Tensor:
    return getattr(attr, name)(asked).attribute(inputs)


def _compared(attr: Any, name: str, asked: Asked, inputs: Tensor, stage: str) -> Tensor:
    return getattr(attr, name)(asked).attribute(inputs, baselines=torch.zeros_like(inputs))


def _sampled(attr: Any, name: str, asked: Asked, inputs: Tensor, stage: str) -> Tensor:
    many: dict[str, Any] = {"n_samples": SAMPLES, "stdevs": SPREAD, "baselines": torch.zeros_like(inputs)}
    return getattr(attr, name)(asked).attribute(inputs, **many)


def _taken_away(attr: Any, name: str, asked: Asked, inputs: Tensor, stage: str) -> Tensor:
    values: dict[str, Any] = {"baselines": torch.zeros_like(inputs), "feature_mask": parts_of(inputs)}
    if name == "ShapleyValueSampling":
        values["n_samples"] = SAMPLES // 4
    with torch.no_grad():
        return getattr(attr, name)(asked).attribute(inputs, **values)


def _of_maps(attr: Any, name: str, asked: Asked, inputs: Tensor, stage: str) -> Tensor:
    return getattr(attr, name)(asked, asked.network.get_submodule(stage)).attribute(inputs)


def _grad_cam(attr: Any, name: str, asked: Asked, inputs: Tensor, stage: str) -> Tensor:
    layer = asked.network.get_submodule(stage)
    return attr.LayerGradCam(asked, layer).attribute(inputs, relu_attributions=True)


def parts_of(inputs: Tensor) -> Tensor:
    """What is taken away together: a patch of a picture, a stretch of time, a column. (1, ...) -> int (1, ...)"""
    if inputs.ndim == 2:
        return torch.arange(inputs.shape[1])[None]
    if inputs.ndim == 3:
        places = torch.arange(inputs.shape[1]) * min(ACROSS, inputs.shape[1]) // inputs.shape[1]
        return places[None, :, None].expand(inputs.shape)
    down, across = (torch.arange(side) * min(ACROSS, side) // side for side in inputs.shape[-2:])
    return (down[:, None] * min(ACROSS, inputs.shape[-1]) + across).expand(inputs.shape)


def _fits(kinds: tuple[str, ...], name: str, bundle: Bundle) -> bool:
    """Guided slopes are those of rectifiers that are modules; they would be plain ones where there are none."""
    guided = name.startswith("Guided") and not any(isinstance(part, nn.ReLU) for part in bundle.model.modules())
    maps = "GradCam" not in name or gives_maps(bundle)
    return kind_of(bundle) in kinds and has_target(bundle) and maps and not guided


def _captum() -> Any:
    try:
        import captum.attr
    except ImportError:
        raise MachineError("explain.no_captum") from None
    return captum.attr


def _check() -> None:
    _captum()


def _explain(name: str, how: Callable[..., Tensor], bundle: Bundle, row: Row | None) -> Explanation:
    assert row is not None and row.target is not None
    bundle.model.eval()
    stage = read_at(bundle.model, row) if how in (_of_maps, _grad_cam) else ""
    score, inputs = path_of(bundle, row)
    with _same_every_time():
        asked = Asked(bundle, row)
        parts = how(_captum(), name, asked, inputs.clone().requires_grad_(), stage).detach()[0].float().cpu()
    if how is _grad_cam:
        view, seen, inside = laid_over(row, parts[0], row.target.name), "", inside_words(row, parts[0])
    else:
        view, seen = shown(bundle, row, parts, "part")
        inside = inside_of(row, parts)
    words = say("explain.captum", method=name, name=row.target.name, seen=seen or view.text())
    adds = ""
    if how in (_compared, _sampled):  # what is not in modules is not known to Captum, and the sums then differ
        with torch.no_grad():
            difference = number(float(score(inputs) - score(torch.zeros_like(inputs))))
        adds = say("explain.adds_up", sum=number(float(parts.sum())), difference=difference, against=against(bundle))
    return Explanation({f"captum.{name}": view}, {"parts": parts.numpy()}, sentences(words, adds, inside))


def _method(name: str, how: Callable[..., Tensor], rank: int, *kinds: str) -> Method:
    return Method(partial(_fits, kinds, name), partial(_explain, name, how), rank=100 + rank, check=_check)


ANY = ("picture", "vector", *KINDS)

CATALOGUE = {
    "captum.DeepLift": _method("DeepLift", _compared, 0, *ANY),
    "captum.GradientShap": _method("GradientShap", _sampled, 1, *ANY),
    "captum.IntegratedGradients": _method("IntegratedGradients", _compared, 2, *ANY),
    "captum.InputXGradient": _method("InputXGradient", _plain, 3, *ANY),
    "captum.Saliency": _method("Saliency", _plain, 4, *ANY),
    "captum.FeatureAblation": _method("FeatureAblation", _taken_away, 5, *ANY),
    "captum.ShapleyValueSampling": _method("ShapleyValueSampling", _taken_away, 6, *ANY),
    "captum.LayerGradCam": _method("LayerGradCam", _grad_cam, 7, "picture"),
    "captum.GuidedGradCam": _method("GuidedGradCam", _of_maps, 8, "picture"),
    "captum.GuidedBackprop": _method("GuidedBackprop", _plain, 9, "picture"),
}
