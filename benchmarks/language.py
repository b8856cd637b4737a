"""Language models of letters on the same texts, split by file: a 6-gram, a plain PyTorch LSTM, and deepglass.

    python benchmarks/language.py FOLDER --steps 3000 [--only ngram,plain,deepglass] [--out FILE] [SETTING=VALUE ...]

FOLDER holds plain text files, for Shakespeare one edition of each play: with both, the test part would have been read.
All three learn from the same training part and are judged by the same passages, in bits per character. The plain LSTM
has as many layers of the same width, the same batches, steps and rates as deepglass, in fp32 and eager, as one writes
it by hand. SETTING=VALUE goes to deepglass.
"""

import argparse
import itertools
import json
import math
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import deepglass as dg
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.split import parts_of
from deepglass.data.vocabulary import Vocabulary, VocabularySettings, learn_vocabulary
from deepglass.tasks.ngram import fit_ngram

LETTERS = VocabularySettings(level="characters")
WARMUP = 0.05


class Passages(NamedTuple):
    """The passages of one part as numbers, and whether each goes on where the one before it ended."""

    rows: list[np.ndarray]
    goes_on: list[bool]


class Corpus(NamedTuple):
    """Texts as letters by part, and how many different letters there are."""

    vocabulary: Vocabulary
    alphabet: int
    parts: dict[str, Passages]

    def bits(self, nats: float, part: str) -> float:
        """Bits per character; what is unknown is spelled with any letter, as deepglass counts it."""
        rows = self.parts[part].rows
        unknown = sum(int((row == 0).sum()) for row in rows)
        return (nats + unknown * math.log(self.alphabet)) / sum(map(len, rows)) / math.log(2)


def read(place: str, passage: int) -> Corpus:
    """As deepglass reads, cuts and splits them."""
    settings = DataSettings(place=place, passage=passage)
    source = recognise(place, settings)
    part_of = np.asarray(parts_of(source.index, settings))
    texts = [source.read(row).text for row in range(len(source.index))]
    names = [identity.rpartition(":")[0] for identity in source.index.ids]
    training = [text for text, part in zip(texts, part_of, strict=True) if part == "train"]
    vocabulary = learn_vocabulary(training, LETTERS, ("begin",))
    encoded = vocabulary.encode_all(texts)
    parts = {}
    for part in ("train", "val", "test"):
        places = np.flatnonzero(part_of == part).tolist()
        before = [-2, *places[:-1]]
        after = [one == place - 1 and names[one] == names[place] for one, place in zip(before, places, strict=True)]
        parts[part] = Passages([encoded[place] for place in places], after)
    return Corpus(vocabulary, len({letter for text in training for letter in text}), parts)


def ngram(corpus: Corpus, order: int) -> dict[str, float]:
    """Fitted on the training part's files; judged with the passages before in sight, and without, as networks are."""

    def whole(part: str) -> tuple[np.ndarray, list[int]]:
        rows, goes_on = corpus.parts[part]
        lengths: list[int] = []
        for row, follows in zip(rows, goes_on, strict=True):
            lengths = [*lengths[:-1], lengths[-1] + len(row)] if follows else [*lengths, len(row)]
        return np.concatenate(rows), lengths

    began = time.perf_counter()
    tokens, lengths = whole("train")
    model = fit_ngram(tokens, len(corpus.vocabulary), order, lengths)
    seconds = time.perf_counter() - began
    tokens, lengths = whole("test")
    rows = corpus.parts["test"].rows
    nats = [model.bits(tokens, cut).sum() * math.log(2) for cut in (lengths, list(map(len, rows)))]
    bits = [corpus.bits(float(one), "test") for one in nats]
    return {"bits_per_character": bits[0], "within_passages": bits[1], "seconds": seconds}


class Plain(nn.Module):
    """An embedding, LSTM layers, logits."""

    def __init__(self, vocabulary: int, features: int, width: int, layers: int):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, features)
        self.lstm = nn.LSTM(features, width, layers, batch_first=True)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.lstm(self.embed(tokens))[0])


def plain(corpus: Corpus, asked: argparse.Namespace) -> dict[str, float]:
    """AdamW with a cosine, full rows of the training part in random order."""
    torch.manual_seed(0)
    longest = max(map(len, corpus.parts["train"].rows))
    rows = torch.from_numpy(np.stack([row for row in corpus.parts["train"].rows if len(row) == longest])).long()
    network = Plain(len(corpus.vocabulary), asked.features, asked.width, asked.layers)
    optimizer = torch.optim.AdamW(network.parameters(), asked.rate, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, _cosine(asked.steps))
    began = time.perf_counter()
    order = torch.cat([torch.randperm(len(rows)) for _ in range(1 + asked.steps * asked.batch // len(rows))])
    for step in range(asked.steps):
        batch = rows[order[step * asked.batch : (step + 1) * asked.batch]]
        cost(network, batch, corpus).mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rate.step()
    seconds = time.perf_counter() - began
    network.eval()
    with torch.no_grad():
        nats = sum(
            float(cost(network, torch.from_numpy(row).long()[None], corpus).sum()) for row in corpus.parts["test"].rows
        )
    found = {"bits_per_character": corpus.bits(nats, "test"), "seconds": seconds}
    return found | {"letters_per_second": asked.steps * asked.batch * longest / seconds, "parameters": _size(network)}


def cost(network: nn.Module, batch: Tensor, corpus: Corpus) -> Tensor:
    """What each letter costs after those before it, in nats. (B, T)"""
    begin = torch.full_like(batch[:, :1], corpus.vocabulary.mark("begin"))
    logits = network(torch.cat([begin, batch[:, :-1]], 1))
    return F.cross_entropy(logits.transpose(1, 2), batch, reduction="none")


def deepglass(asked: argparse.Namespace) -> dict[str, float]:
    """The whole journey: checks, plan, training, evaluation, report."""
    settings: dict[str, object] = {
        **{"data.passage": asked.passage, "train.steps": asked.steps, "train.batch": asked.batch},
        **{"train.lr": asked.rate, "train.clip": 1.0, "task.text.vocabulary.level": "characters"},
        **{"model.features": asked.features, "model.hidden": asked.width, "model.layers": asked.layers},
        "model.dropout": 0.0,
        **dict(word.split("=", 1) for word in asked.settings),
    }
    began = time.perf_counter()
    run = dg.train(asked.folder, task="generate_text", model=asked.model, out=asked.run, settings=settings)
    figures = run.figures["test"]
    return {
        "bits_per_character": figures["bits_per_character"].value,
        "perplexity": figures["perplexity"].value,
        "seconds": time.perf_counter() - began,
        "letters_per_second": asked.batch * asked.passage * _pace(run.run.folder / "events.jsonl"),
        "parameters": _size(run.run.bundle.model),
    }


def _pace(events: Path) -> float:
    """Steps a second, as a median, so that checks and saves in between are left out."""
    told = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    steps = [(event["step"], event["time"]) for event in told if event["kind"] == "train"]
    return statistics.median((b[0] - a[0]) / (b[1] - a[1]) for a, b in itertools.pairwise(steps) if b[1] > a[1])


def _cosine(steps: int) -> Callable[[int], float]:
    warm = max(1, round(WARMUP * steps))

    def share(step: int) -> float:
        return (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * (step - warm) / (steps - warm))

    return share


def _size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def main(words: Sequence[str] | None = None) -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("folder")
    said.add_argument("--only", default="ngram,plain,deepglass")
    said.add_argument("--order", type=int, default=6)
    said.add_argument("--model", default="char_lm")
    said.add_argument("--passage", type=int, default=250)
    said.add_argument("--steps", type=int, default=3000)
    said.add_argument("--batch", type=int, default=64)
    said.add_argument("--rate", type=float, default=2e-3)
    said.add_argument("--features", type=int, default=64)
    said.add_argument("--width", type=int, default=512)
    said.add_argument("--layers", type=int, default=2)
    said.add_argument("--run", default="", help="where deepglass writes its run")
    said.add_argument("--out", default="", help="a JSON file for the figures")
    said.add_argument("settings", nargs="*", metavar="SETTING=VALUE")
    asked = said.parse_intermixed_args(words)
    corpus = read(asked.folder, asked.passage)
    sizes = {part: sum(map(len, found.rows)) for part, found in corpus.parts.items()}
    told: dict[str, object] = {"letters": sizes, "vocabulary": len(corpus.vocabulary), "asked": vars(asked)}
    contestants = {
        "ngram": lambda: ngram(corpus, asked.order),
        "plain": lambda: plain(corpus, asked),
        "deepglass": lambda: deepglass(asked),
    }
    print(json.dumps(told, default=str))
    for name in asked.only.split(","):
        told[name] = contestants[name]()
        print(name, json.dumps(told[name]), flush=True)
    if asked.out:
        Path(asked.out).write_text(json.dumps(told, indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
