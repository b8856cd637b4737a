"""What made pictures are made of, and ways through it: walks, mixtures of two, directions in which pictures change.

A code is where a picture lies: its styles (B, L, W) where the generator has any, else its latent (B, Z).

Letters: B pictures, Z numbers of a latent, L layers and W numbers of a style, F of a layer, D directions.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.example import Batch
from deepglass.foundation.errors import UsageError
from deepglass.tasks.generate_images import AT_ONCE, as_bytes, within
from deepglass.tasks.projection import Projected, project

SAMPLED = 1000  # codes by which it is told how far they spread, and four times as many as a latent has numbers
REACH = 2.0  # spreads of codes that strips go to both sides
Rows = list[list[np.ndarray]]  # of pictures uint8 (H, W, C)


class Mixed(NamedTuple):
    """Pictures at the head of rows and columns; between them what has the coarse of the row, the fine of the column."""

    rows: list[np.ndarray]
    columns: list[np.ndarray]
    between: Rows


class Directions(NamedTuple):
    """Ways in which pictures change, the strongest first."""

    vectors: Tensor  # (D, W) or (D, Z), each of length 1
    spreads: Tensor  # (D,): how far codes spread along each
    shares: Tensor  # (D,): of all that changes


class Latents:
    """The codes of a trained generator, for a task that can say what is `drawn` for a seed."""

    def __init__(self, task: Any, model: nn.Module):
        if not hasattr(task, "drawn"):
            raise UsageError("tasks.no_latents")
        self.task = task
        self.generator: Any = model.eval().generator
        self.styled = hasattr(self.generator, "styles")
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def walk(self, seeds: Sequence[int] = (0, 1), steps: int = 8, label: str = "", truncation: float = 0.0) -> Rows:
        """A row of so many pictures from each seed's first picture to the next seed's, both ends among them.

        Styles are crossed in a straight line; latents along the circle, for near the middle no drawn one ever lies.
        The class, where there are any, and the noise are the first seed's throughout.
        """
        if len(seeds) < 2 or steps < 2:
            raise UsageError("tasks.walk_of_two")
        first = self.drawn(seeds[0], label)
        stops = [self.codes(_with_class_of(first, self.drawn(seed, label)), truncation) for seed in seeds]
        shares = torch.linspace(0, 1, steps, device=self.device)
        between = torch.lerp if self.styled else around
        rows: Rows = []
        for start, end in zip(stops, stops[1:], strict=False):
            codes = torch.cat([between(start, end, share) for share in shares])
            rows.append(self.painted(codes, _at(first, [0] * steps)))
        return rows

    @torch.no_grad()
    def mixed(
        self, rows: Sequence[int], columns: Sequence[int], layer: int = 0, label: str = "", truncation: float = 0.0
    ) -> Mixed:
        """The coarse styles of each row's seed with the fine ones of each column's, which begin at this layer.

        0 is the middle of the layers. Class and noise are the row's.
        """
        if not self.styled:
            raise UsageError("tasks.no_styles")
        heads, tops = (self.drawn_of(seeds, label) for seeds in (rows, columns))
        coarse, fine = self.codes(heads, truncation), self.codes(tops, truncation)
        layers = coarse.shape[1]
        cut = layer or layers // 2
        if not 0 < cut < layers:
            raise UsageError("tasks.no_such_layer", layer=layer, most=layers - 1)
        between: Rows = []
        for row in range(len(rows)):
            own = coarse[row, :cut].expand(len(columns), -1, -1)
            between.append(self.painted(torch.cat([own, fine[:, cut:]], dim=1), _at(heads, [row] * len(columns))))
        return Mixed(self.painted(coarse, heads), self.painted(fine, tops), between)

    @torch.no_grad()
    def directions(self, count: int = 5, label: str = "") -> Directions:
        """The directions in which pictures change most.

        Of styles those that the scales of all layers follow most: the eigenvectors of AᵀA, A being the matrices that
        make scales of styles (SeFa, Shen & Zhou 2021, arXiv:2007.06600). Of latents the principal components of the
        first layer that sees them, brought back to latents by least squares (GANSpace, Härkönen 2020,
        arXiv:2004.02546); class is the label's, else that of seed 0.
        """
        drawn = self._sample(label)
        codes = self.codes(drawn).double()
        codes = codes[:, 0] if self.styled else codes
        if self.styled:
            matrix = self.generator.affine().double()
            strengths, vectors = torch.linalg.eigh(matrix.T @ matrix)  # (W,), (W, W), the weakest first
            strengths, vectors = strengths.flip(0).clamp(min=0), vectors.T.flip(0)
        else:
            strengths, vectors = _components(self._seen(drawn), codes, count)
        vectors = _turned(vectors[:count])
        spreads = (codes @ vectors.T).std(0)
        return Directions(vectors.float(), spreads.float(), (strengths / strengths.sum())[: len(vectors)].float())

    @torch.no_grad()
    def strips(
        self, directions: Directions, seed: int = 0, steps: int = 5, label: str = "", truncation: float = 0.0
    ) -> Rows:
        """A row for each direction: the seed's first picture in the middle, moved by two spreads to both sides."""
        drawn = self.drawn(seed, label)
        start, ways = self.codes(drawn, truncation), torch.linspace(-REACH, REACH, steps, device=self.device)
        moves = directions.vectors.to(start) * directions.spreads.to(start)[:, None]
        shaped = [move * way for move in moves for way in ways]
        codes = torch.cat([start + move for move in shaped])
        pictures = self.painted(codes, _at(drawn, [0] * len(codes)))
        return [pictures[at : at + steps] for at in range(0, len(pictures), steps)]

    def project(self, raw: Any, steps: int = 300, seed: int = 0, label: str = "") -> Projected:
        """The picture of the generator that is most like a real one, as `Bundle.inputs` reads it; see projection.py."""
        return project(self, raw, steps, seed, label)

    def drawn(self, seed: int, label: str = "") -> Batch:
        """What the first picture of a seed is made of."""
        return self.task.drawn(1, label, seed).to(self.device)

    def drawn_of(self, seeds: Sequence[int], label: str = "") -> Batch:
        """What the first picture of each seed is made of."""
        each = [self.drawn(seed, label) for seed in seeds]
        return Batch(("",) * len(each), {name: torch.cat([one[name] for one in each]) for name in each[0].columns})

    def codes(self, drawn: Batch, truncation: float = 0.0) -> Tensor:
        """Where pictures of these numbers lie; truncation as `paint` has it. (B, L, W) or (B, Z)"""
        if self.styled:
            return self.generator.styles(drawn["latent"], *_class(drawn), truncation=truncation or 1.0)
        return within(drawn["latent"], truncation) if truncation else drawn["latent"]

    def made(self, codes: Tensor, drawn: Batch) -> Tensor:
        """Pictures that lie at these codes, with class and noise as drawn, mostly from -1 to 1. (B, C, H, W)"""
        if self.styled:
            return self.generator.synthesis(codes, drawn["noise"])
        return self.generator(codes, *_class(drawn))

    def painted(self, codes: Tensor, drawn: Batch) -> list[np.ndarray]:
        """The same as bytes, some at once."""
        found: list[np.ndarray] = []
        for start in range(0, len(codes), AT_ONCE):
            pictures = self.made(codes[start : start + AT_ONCE], drawn.rows(start, start + AT_ONCE))
            found += list(as_bytes(pictures).cpu().numpy().transpose(0, 2, 3, 1))
        return found

    def _sample(self, label: str) -> Batch:
        """Codes to look at, all of one class."""
        drawn = self.task.drawn(max(SAMPLED, 4 * self.task.settings.latent), label).to(self.device)
        return drawn if "label" not in drawn else drawn.with_columns(label=drawn["label"][:1].expand(len(drawn)))

    def _seen(self, drawn: Batch) -> Tensor:
        """What the first layer that sees the latent makes of it. float64 (B, F)"""
        caught: list[Tensor] = []
        hook = self._first_layer(_at(drawn, [0, 1])).register_forward_hook(
            lambda layer, given, gave: caught.append(gave.flatten(1).double())
        )
        try:
            for start in range(0, len(drawn), AT_ONCE):
                part = drawn.rows(start, start + AT_ONCE)
                self.made(part["latent"], part)
        finally:
            hook.remove()
        return torch.cat(caught)

    def _first_layer(self, two: Batch) -> nn.Module:
        """The first layer with weights that differs between two latents: one that knows the class alone does not."""
        differs: list[nn.Module] = []

        def look(layer: nn.Module, given: Any, gave: Any) -> None:
            if isinstance(gave, Tensor) and len(gave) == 2 and not torch.equal(gave[0], gave[1]):
                differs.append(layer)

        layers = [one for one in self.generator.modules() if list(one.parameters(recurse=False))]
        hooks = [layer.register_forward_hook(look) for layer in layers]
        try:
            self.made(two["latent"], two)
        finally:
            for hook in hooks:
                hook.remove()
        return differs[0] if differs else self.generator


def around(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Rows from start to end along the circle on which both lie (Shoemake 1985), straight where they are one line.

    (sin((1 - t) Ω) a + sin(t Ω) b) / sin Ω, Ω the angle between a and b. (B, Z), (B, Z), () -> (B, Z)
    """
    angle = torch.acos(nn.functional.cosine_similarity(start, end).clamp(-1, 1))[:, None]
    bent = (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / angle.sin()
    return torch.where(angle.sin() < 1e-4, torch.lerp(start, end, share), bent)


def _components(seen: Tensor, latents: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Variances of all principal components of what was seen (N,), and what latents go with the first. (D, Z)"""
    seen, latents = seen - seen.mean(0), latents - latents.mean(0)
    places, lengths, _ = torch.linalg.svd(seen, full_matrices=False)  # (N, N'), (N',)
    count = min(count, int((lengths > 1e-9 * lengths[0]).sum()))
    coordinates = places[:, :count] * lengths[:count]  # at right angles, so that least squares are a product
    vectors = (coordinates.T @ latents) / lengths[:count, None].square()
    return lengths.square(), vectors / vectors.norm(dim=1, keepdim=True)


def _turned(vectors: Tensor) -> Tensor:
    """Of the two senses of each the one in which its largest number is above 0, so that all machines agree."""
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return vectors * largest.sign()


def _class(drawn: Batch) -> tuple[Tensor, ...]:
    return (drawn["label"],) if "label" in drawn else ()


def _with_class_of(first: Batch, other: Batch) -> Batch:
    return other.with_columns(label=first["label"]) if "label" in first else other


def _at(drawn: Batch, places: Sequence[int]) -> Batch:
    """These rows of what was drawn."""
    rows = torch.as_tensor(list(places), device=drawn["latent"].device)
    return Batch(("",) * len(rows), {name: column[rows] for name, column in drawn.columns.items()})  # pyright: ignore
