"""Pictures that a generator makes, by class where it knows any, and what of the training part they are like."""

import numpy as np
import torch

from deepglass.foundation.words import say
from deepglass.metrics.kid import pixels
from deepglass.report.case import Case
from deepglass.report.section import Card, Exhibit, Section
from deepglass.report.thumbnail import thumbnail
from deepglass.report.walk import walk
from deepglass.tasks.generate_images import GenerateImages
from deepglass.tasks.semi_supervised import SemiSupervised
from deepglass.views.picture import Gallery, Picture

CLASSES, EACH = 10, 8  # classes that are shown, and pictures of each
COMPARED, SEARCHED = 6, 10_000  # made pictures whose likeness is looked for, among so many of training


def made(case: Case) -> Section | None:
    """Made and real pictures in equal rows, and the nearest real one of some."""
    task = case.task
    if not isinstance(task, GenerateImages | SemiSupervised):
        return None
    asked = task.facts.labels[:CLASSES] if isinstance(task, GenerateImages) else ()
    labels = asked or ("",) * EACH
    pictures = [list(task.paint(case.model, EACH, label, seed)) for seed, label in enumerate(labels)]
    gallery = _rows(pictures, labels)
    real = [[case.pixels(row) for row in rows] for rows in _real(case, labels)]
    exhibits = [
        Exhibit(gallery, say("report.words_made", count=sum(map(len, pictures))), wide=True),
        Exhibit(_rows(real, labels), say("report.words_real"), wide=True),  # pyright: ignore
    ]
    strips, films = walk(case, asked or ("",))
    cards = _nearest(case, [row[0] for row in pictures][:COMPARED])
    return Section("made", say("report.lead_made"), [*exhibits, strips], cards, viewers=films)


def _rows(pictures: list[list[np.ndarray]], labels: tuple[str, ...]) -> Gallery:
    """A row for each class, its name under every picture."""
    each = [Picture(one, label) for row, label in zip(pictures, labels, strict=True) for one in row]
    return Gallery(each, across=EACH)


def _real(case: Case, labels: tuple[str, ...]) -> list[np.ndarray]:
    """Rows of the training part of each class, or just some where there are none."""
    rows = case.material.rows["train"]
    if not labels[0]:
        drawn = rows[case.sample("train", EACH * len(labels))]
        return [drawn[EACH * place : EACH * (place + 1)] for place in range(len(labels))]
    numbers = case.material.targets["target"]
    assert isinstance(numbers, torch.Tensor)
    of_rows = numbers[rows].numpy()
    return [rows[of_rows == number][:EACH] for number in range(len(labels))]


def _nearest(case: Case, pictures: list[np.ndarray]) -> list[Card]:
    """Each made picture beside the training picture that is closest when both are averaged to a few pixels."""
    rows = case.material.rows["train"][case.sample("train", SEARCHED)]
    known = pixels(torch.from_numpy(np.stack([case.material.store.columns["input"][row] for row in rows.tolist()])))
    asked = pixels(torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2)))
    closest = torch.cdist(asked, known).argmin(1).tolist()
    cards: list[Card] = []
    for picture, place in zip(pictures, closest, strict=True):
        row = int(rows[place])
        own = case.pixels(row)
        assert own is not None
        name = str(case.material.store.index.ids[row])
        both = (thumbnail(picture), thumbnail(own))
        cards.append(Card(both, say("report.made_described", id=name), say("report.made_nearest", id=name)))
    return cards
