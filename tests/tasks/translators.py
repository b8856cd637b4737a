"""A made language, and two small networks that keep the contract of translators: one learns, one recites."""

import random

import torch
from torch import Tensor, nn

from deepglass.foundation.padded import Padded

WORDS = {
    "the": "le", "cat": "chat", "dog": "chien", "house": "maison", "tree": "arbre", "book": "livre", "sees": "voit",
    "finds": "trouve", "likes": "aime", "hears": "entend", "old": "vieux", "red": "rouge", "child": "enfant",
}  # fmt: skip
NOUNS, VERBS = ("cat", "dog", "house", "tree", "book", "child"), ("sees", "finds", "likes", "hears")


def pairs(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """English sentences with their French ones, whose adjectives stand behind; all different."""
    draw = random.Random(seed)
    found: dict[str, str] = {}
    while len(found) < count:
        sides: tuple[list[str], list[str]] = ([], [])
        for place in range(2):
            noun, adjective = draw.choice(NOUNS), draw.choice(("", "old", "red"))
            verb = [draw.choice(VERBS)] if not place else []
            sides[0].extend(["the", *([adjective] if adjective else []), noun, *verb])
            sides[1].extend(WORDS[word] for word in ["the", noun, *([adjective] if adjective else []), *verb])
        english, french = (" ".join(side) + "." for side in sides)
        found[english[0].upper() + english[1:]] = french[0].upper() + french[1:]
    return list(found.items())


class Small(nn.Module):
    """Tables of tokens, a recurrent reader and a recurrent writer that looks at what was read by dot products."""

    def __init__(self, source: int, target: int, width: int = 48):
        super().__init__()
        self.read, self.write = nn.Embedding(source, width), nn.Embedding(target, width)
        self.reader, self.writer = nn.GRU(width, width, batch_first=True), nn.GRUCell(2 * width, width)
        self.head = nn.Linear(2 * width, target)

    def forward(self, source: Padded, so_far: Padded) -> Padded:
        state, logits = self.encode(source), []
        for token in so_far.values.unbind(1):
            found, state, _ = self.step(token, state)
            logits.append(found)
        return so_far.with_values(torch.stack(logits, 1))

    def encode(self, source: Padded):
        memory = source.with_values(self.reader(self.read(source.values))[0])
        last = memory.values[torch.arange(len(source.lengths)), source.lengths - 1]
        return memory, last, torch.zeros_like(last)

    def step(self, token: Tensor, state):
        memory, hidden, context = state
        hidden = self.writer(torch.cat([self.write(token), context], 1), hidden)
        scores = (memory.values @ hidden[:, :, None])[:, :, 0].masked_fill(~memory.mask, -1e9)
        looks = scores.softmax(1)
        context = (looks[:, None] @ memory.values)[:, 0]
        return self.head(torch.cat([hidden, context], 1)), (memory, hidden, context), looks


class Recites(nn.Module):
    """Writes given rows of tokens whatever it reads, each while looking at the place of its own number."""

    def __init__(self, rows: list[list[int]], vocabulary: int):
        super().__init__()
        self.rows, self.vocabulary = rows, vocabulary
        self.weight = nn.Parameter(torch.zeros(1))

    def encode(self, source: Padded):
        return torch.arange(len(source.lengths)), torch.zeros(len(source.lengths), dtype=torch.int64), source

    def step(self, token: Tensor, state):
        row, place, source = state
        told = torch.tensor(
            [self.rows[one][min(at, len(self.rows[one]) - 1)] for one, at in zip(row, place, strict=True)]
        )
        logits = 20.0 * nn.functional.one_hot(told, self.vocabulary).float() + self.weight
        steps = source.values.shape[1]
        looked = nn.functional.one_hot(torch.minimum(place, source.lengths - 1), steps).float()
        return logits, (row, place + 1, source), looked
