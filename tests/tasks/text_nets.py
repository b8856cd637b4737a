"""Small networks for tasks of texts, and tasks that have learned from a few lines."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from deepglass.data.example import Batch, columns_of
from deepglass.data.readers.text import Text
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import row_keys

LINES = [
    f"{who} {does} the {adjective} {what}{end}"
    for who in ("The cat", "A dog", "我的朋友", "She")
    for does, adjective in (("sees", "small"), ("has eaten", "old"), ("wants", "green"))
    for what, end in (("mouse", "."), ("apple pie", ", and sleeps all day!"))
]


class Ahead(nn.Module):
    """A language model: an embedding, a GRU, logits; one token at a time as well."""

    def __init__(self, vocabulary: int, hidden: int = 24):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, hidden)
        self.read = nn.GRU(hidden, hidden, batch_first=True)
        self.say = nn.Linear(hidden, vocabulary)

    def forward(self, tokens: Padded) -> Padded:
        return tokens.with_values(self.say(self.read(self.embed(tokens.values))[0]))

    def step(self, token: Tensor, state: Any) -> tuple[Tensor, Any]:
        h, state = self.read(self.embed(token)[:, None], state)
        return self.say(h[:, 0]), state


class Rereading(nn.Module):
    """The same network to those who do not know that it can go step by step."""

    def __init__(self, inner: Ahead):
        super().__init__()
        self.inner = inner

    def forward(self, tokens: Padded) -> Padded:
        return self.inner(tokens)


class BothSides(nn.Module):
    """What stands at a place, from the word before and the word behind it; `peeks` looks at the word itself as well."""

    def __init__(self, vocabulary: int, hidden: int = 24, peeks: bool = False):
        super().__init__()
        self.before = nn.Embedding(vocabulary, hidden)
        self.behind = nn.Embedding(vocabulary, hidden)
        self.say = nn.Linear(hidden, vocabulary)
        self.peeks = peeks

    def forward(self, tokens: Padded) -> Padded:
        numbers = tokens.values
        nothing = torch.zeros_like(numbers[:, :1])
        h = self.before(torch.cat([nothing, numbers[:, :-1]], 1)) + self.behind(torch.cat([numbers[:, 1:], nothing], 1))
        if self.peeks:
            h = h + self.before(numbers)
        return tokens.with_values(self.say(h.tanh()))


def learned(name: str, lines: list[str] = LINES, *, level: str = "", **text: Any) -> Any:
    """The task of that name with a vocabulary learned from the lines."""
    settings = catalogue.find("tasks", name)
    known = settings.text.vocabulary
    level = level or known.level
    vocabulary = replace(known, level=level, least=1, size=400 if level == "pieces" else known.size)
    settings = replace(settings, text=replace(settings.text, vocabulary=vocabulary, **text))
    index = Index([f"row-{row:03d}" for row in range(len(lines))], [""] * len(lines), kind="text")
    task = settings.build(settings.learn(index, (0, 0), 0))
    rows = [task.prepare(Text(line)).inputs["input"].numpy() for line in lines]
    return settings.build(task.settle({"input": rows}))


def batch_of(task: Any, lines: list[str] = LINES) -> Batch:
    """The lines as a batch before it is presented."""
    columns = columns_of([task.prepare(Text(line)).inputs for line in lines], task.encoder())
    ids = tuple(f"row-{row:03d}" for row in range(len(lines)))
    return Batch(ids, columns, 0, row_keys(7, "train", 0, len(lines)))


def network(name: str, task: Any, **settings: Any) -> nn.Module:
    """A network for the task, the same at every call."""
    torch.manual_seed(0)
    size = task.asks().gives.size
    return (Ahead if name == "generate_text" else BothSides)(size, **settings)


def taught(name: str, task: Any, steps: int = 150, lines: list[str] = LINES) -> nn.Module:
    """The network after it has seen the lines so many times."""
    model = network(name, task)
    batch = task.present(batch_of(task, lines))
    optimizer = torch.optim.Adam(model.parameters(), 0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        (task.loss(model, batch).sums["loss"] / task.counts(batch)["loss"]).backward()
        optimizer.step()
    return model.eval()
