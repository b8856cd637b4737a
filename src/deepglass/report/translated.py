"""Pictures as they look on the other side, and when they come back: A -> B -> A, in strips."""

import numpy as np

from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Section
from deepglass.tasks.image_to_image import ImageToImage
from deepglass.tasks.paired_images import PairedImages
from deepglass.views.picture import Gallery, Picture

STRIPS, BESIDE = 8, 2  # of each direction, and strips beside each other


def translated(case: Case) -> Section | None:
    """Strips of both directions, taken evenly from the part that counts."""
    task = case.task
    if isinstance(task, PairedImages):
        return _beside(case, task.facts.sides)
    if not isinstance(task, ImageToImage):
        return None
    predictions = case.results[case.part][1]
    to, made, back = (predictions[name].numpy() for name in ("to", "picture", "back"))
    sides = task.facts.sides
    exhibits: list[Exhibit] = []
    for side, names in ((1, sides), (0, sides[::-1])):
        places = np.flatnonzero(to == side)
        places = places[:: max(1, len(places) // STRIPS)][:STRIPS]
        strips = [_strip(case, int(place), names, made, back) for place in places]
        if strips:
            words = say("report.words_translated", first=names[0], second=names[1], count=len(strips))
            pictures = [picture for strip in strips for picture in strip]
            exhibits.append(Exhibit(Gallery(pictures, across=3 * BESIDE), words, wide=True))
    return Section("translated", say("report.lead_translated"), exhibits) if exhibits else None


def _beside(case: Case, sides: tuple[str, ...]) -> Section:
    """Pictures, their translations, and what their partners are."""
    made = case.results[case.part][1]["picture"].numpy()
    places = np.arange(len(made))[:: max(1, len(made) // STRIPS)][:STRIPS]
    pictures: list[Picture] = []
    for place in places:
        row = int(case.material.rows[case.part][place])
        own, partner = case.pixels(row), np.asarray(case.material.store.columns["partner"][row]).transpose(1, 2, 0)
        assert own is not None
        words = (sides[0], say("tasks.brought_to", side=sides[1]), sides[1])
        shown = (own, made[place].transpose(1, 2, 0), partner)
        pictures += [Picture(pixels, caption) for pixels, caption in zip(shown, words, strict=True)]
    words = say("report.words_beside", first=sides[0], second=sides[1], count=len(places))
    return Section(
        "translated", say("report.lead_beside"), [Exhibit(Gallery(pictures, across=3 * BESIDE), words, wide=True)]
    )


def _strip(case: Case, place: int, names: tuple[str, ...], made: np.ndarray, back: np.ndarray) -> list[Picture]:
    own = case.pixels(int(case.material.rows[case.part][place]))
    assert own is not None
    others = (made[place].transpose(1, 2, 0), back[place].transpose(1, 2, 0))
    return [Picture(pixels, name) for pixels, name in zip((own, *others), (*names, names[0]), strict=True)]
