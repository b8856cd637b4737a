"""A model's card as the Hugging Face hub reads it: YAML in front for machines, Markdown for people."""

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepglass.foundation import catalogue
from deepglass.foundation.words import has, say

KINDS = {  # the hub's names for what is done, by task, or by task and kind of input
    "classify": "{kind}-classification",
    "multilabel": "{kind}-classification",
    "regress": "tabular-regression",
    "detect": "object-detection",
    "segment": "image-segmentation",
    "transcribe": "automatic-speech-recognition",
    "translate": "translation",
    "generate_text": "text-generation",
    "caption": "image-to-text",
    "cloze": "fill-mask",
    "tag": "token-classification",
    "forecast": "time-series-forecasting",
    "embed": "image-feature-extraction",
    "semi_supervised": "image-classification",
    "image_to_image": "image-to-image",
    "turn_faces": "image-to-image",
    "generate_images": "unconditional-image-generation",
    "read_plates": "image-to-text",
    "read_text": "image-to-text",
}
INPUTS = {"picture": "image", "text": "text", "sound": "audio", "vector": "tabular", "clip": "video"}
FEW = 30  # training examples of a class below which the card warns
MOST, NAMED = 1000, 10  # classes that are listed, and that a sentence names


@dataclass(frozen=True)
class Told:
    """What a card is written from."""

    name: str
    licence: str
    dataset: str  # what the data are called; empty: the user's own
    repo: str  # user/name, where it is known
    document: Mapping[str, Any]  # of the bundle, as it is published
    part: str  # whose figures these are
    figures: Mapping[str, Any]
    parameters: int

    @property
    def begun_with(self) -> str:
        """The hub's name of the public weights that training began with, where it has them."""
        name = self.document["about"].get("weights", {}).get("name", "")
        return catalogue.find("weights", name).repo if name else ""

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The facts of what goes in."""
        return inputs_of(self.document)

    @property
    def counts(self) -> dict[str, int]:
        """Training examples by class, where they were counted."""
        labels, facts = labels_of(self.document), self.document["facts"]
        counts = facts.get("counts") if isinstance(facts, dict) else None
        return dict(zip(labels, counts, strict=True)) if counts and len(counts) == len(labels) else {}


def inputs_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of what goes in; nothing for a task of its own kind."""
    facts = document["facts"]
    return (facts.get("inputs") if isinstance(facts, dict) else None) or {}


def labels_of(document: Mapping[str, Any]) -> list[str]:
    """The classes' names, where there are classes."""
    facts = document["facts"]
    found = (facts.get("labels") or facts.get("classes")) if isinstance(facts, dict) else None
    return [str(label) for label in found] if isinstance(found, list) else []


def card(told: Told) -> str:
    """The whole file."""
    parts = [_title(told), _figures(told), _classes(told), _preprocessing(told), _use(told), _limits(told)]
    front = "\n".join(["---", *yaml(front_matter(told)), "---"])
    return "\n\n".join([front, *(part for part in parts if part)]) + "\n"


def front_matter(told: Told) -> dict[str, Any]:
    """What the hub reads: licence, library, kind of task, and the figures as a model index."""
    model, kind = told.document["model"]["name"], pipeline(told)
    found: dict[str, Any] = {"license": told.licence, "library_name": "deepglass"}
    if kind:
        found["pipeline_tag"] = kind
    found["tags"] = ["deepglass", model, told.document["task"]["name"]]
    if begun := told.begun_with:
        found["base_model"] = begun
    metrics = [
        {"type": name, "name": _called(name), "value": round(float(figure["value"]), 6)}
        for name, figure in told.figures.items()
    ]
    dataset = {"type": "own", "name": told.dataset or say("export.own_data", "en"), "split": told.part}
    result = {"task": {"type": kind or "other"}, "dataset": dataset, "metrics": metrics}
    return found | ({"model-index": [{"name": told.name, "results": [result]}]} if metrics else {})


def pipeline(told: Told) -> str:
    """The hub's name for the kind of task; empty where it has none."""
    task, kind = told.document["task"]["name"], told.inputs.get("kind", "")
    if task == "regress" and kind != "vector":
        return ""
    named = KINDS.get(task, "")
    if "{kind}" not in named:
        return named
    return named.format(kind=INPUTS[kind]) if kind in INPUTS else ""


def yaml(value: Any, indent: int = 0) -> list[str]:
    """Lists, mappings and JSON's scalars as lines of YAML; a string is written as JSON writes it, which is YAML too.

    >>> print("\\n".join(yaml({"license": "mit", "tags": ["a", {"b": 1, "c": [True]}]})))
    license: "mit"
    tags:
      - "a"
      - b: 1
        c:
          - true
    """
    space = " " * indent
    lines: list[str] = []
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, Mapping | list) and inner:
                lines += [f"{space}{name}:", *yaml(inner, indent + 2)]
            else:
                lines.append(f"{space}{name}: {json.dumps(inner, ensure_ascii=False)}")
        return lines
    for inner in value:
        if isinstance(inner, Mapping):
            first, *rest = yaml(inner, indent + 2)
            lines += [f"{space}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{space}- {json.dumps(inner, ensure_ascii=False)}")
    return lines


def _title(told: Told) -> str:
    """What it is, in two sentences."""
    document = told.document
    values = {"model": document["model"]["name"], "task": document["task"]["name"], "parameters": told.parameters}
    kind = told.inputs.get("kind", "")
    what = say("export.what", kind=say(f"export.kind_{kind}") if kind else "-", **values)
    begun = [say("export.begun", repo=told.begun_with)] if told.begun_with else []
    if made := document["about"].get("generated"):
        begun.append(say("export.generated", count=made["count"], each=made["each"], digest=made["digest"][:12]))
    return "\n\n".join([f"# {told.name}", " ".join([what, *begun])])


def _figures(told: Told) -> str:
    """A table of the figures with their intervals."""
    if not told.figures:
        return ""
    rows = [f"| {say('export.figure')} | {say('export.value')} | {say('export.interval')} | n |", "|---|---|---|---|"]
    for name, figure in told.figures.items():
        ends = [figure.get(end) for end in ("low", "high")]
        interval = "–" if None in ends else f"{ends[0]:.4g} – {ends[1]:.4g}"
        rows.append(f"| {_called(name, None)} | {figure['value']:.4g} | {interval} | {figure.get('n', '–')} |")
    dataset = told.dataset or say("export.own_data")
    lead = say(f"export.figures_{told.part}", dataset=_safe(dataset))
    return "\n\n".join([f"## {say('export.title_figures')}", lead, "\n".join(rows)])


def _classes(told: Told) -> str:
    """The classes with how many training examples each had."""
    labels, counts = labels_of(told.document), told.counts
    if not labels:
        return ""
    rows = [f"| | {say('export.class')} | {say('export.training_examples')} |", "|---|---|---|"]
    rows += [f"| {place} | {_safe(label)} | {counts.get(label, '–')} |" for place, label in enumerate(labels[:MOST])]
    return "\n\n".join([f"## {say('export.title_classes')}", "\n".join(rows)])


def _preprocessing(told: Told) -> str:
    """What is done to a raw input before the network sees it."""
    inputs = told.inputs
    if inputs.get("kind") != "picture":
        return ""
    names = ("height", "width", "channels", "smooth")
    shown = {name: inputs[name] for name in names}
    mean, std = (", ".join(f"{value:.4g}" for value in inputs[name]) for name in ("mean", "std"))
    words = say("export.preprocessing", mean=mean, std=std, **shown)
    return "\n\n".join([f"## {say('export.title_preprocessing')}", words])


def _use(told: Told) -> str:
    """The lines that load and ask it."""
    place = f"hub:{told.repo}" if told.repo else say("export.your_repo")
    own = ", model=MyNet()" if told.document["model"]["name"] == "external" else ""
    code = [
        "```python",
        "import deepglass as dg  # pip install 'deepglass[hub]'",
        "",
        f'model = dg.load("{place}"{own})',
        f"model.predict({_asked_with(told)})",
        "```",
    ]
    return "\n\n".join([f"## {say('export.title_use')}", "\n".join(code), say("export.no_code")])


def _asked_with(told: Told) -> str:
    kind = told.inputs.get("kind", "picture")
    return {"text": '["..."]', "vector": "[[...]]", "sound": '"sound.wav"'}.get(kind, '"picture.jpg"')


def _limits(told: Told) -> str:
    """What the figures do not promise, and which classes rest on few examples."""
    lines = [say("export.limits")]
    few = [_safe(label) for label, count in told.counts.items() if count < FEW]
    if few:
        lines.append(say("export.few", few=FEW, names=", ".join(few[:NAMED]), count=len(few)))
    facts = told.document["facts"]
    decision = (facts.get("decision") if isinstance(facts, dict) else None) or {}
    if decision.get("judged"):
        lines.append(say("export.decides", judged=decision["judged"]))
    title = f"## {say('export.title_limits')}"
    return "\n\n".join([title, " ".join(lines), f"{say('export.title_licence')}: {told.licence}"])


def _called(name: str, lang: str | None = "en") -> str:
    return say(f"tasks.metric_{name}", lang) if has(f"tasks.metric_{name}") else name


def _safe(text: str) -> str:
    """A name of the user's inside Markdown, where it must be neither HTML nor a column."""
    return html.escape(" ".join(text.split()), quote=False).replace("|", "\\|")
