"""A walk through what a generator can make: from one picture to the next, a little further each time."""

from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Exhibit, Viewer
from deepglass.report.thumbnail import thumbnail
from deepglass.tasks.latents import Latents
from deepglass.views.picture import Gallery, Picture

SEEDS = (0, 1, 2, 0)  # the pictures that are passed, the last of them the first again
STEPS = 8  # pictures from one to the next, both among them
WALKS = 2  # classes that are walked through
EACH, WIDEST = 6, 264  # pixels of the page for each pixel of a picture that is passed, and for all of them at most


def walk(case: Case, labels: tuple[str, ...]) -> tuple[Exhibit, list[Viewer]]:
    """The way from one picture to the next as a strip for each class, and all of it to be moved along by hand."""
    latents = Latents(case.task, case.model)
    walks = {label: latents.walk(SEEDS, STEPS, label) for label in labels[:WALKS]}
    strips = [Picture(picture, label) for label, legs in walks.items() for leg in legs[:2] for picture in leg]
    viewers: list[Viewer] = []
    for label, legs in walks.items():
        frames = [legs[0][0], *(picture for leg in legs for picture in leg[1:])]
        title = say("report.walk_of", label=label) if label else say("report.walk")
        words = say("report.walk_words", count=len(frames))
        moves, width = say("report.walk_moves"), min(WIDEST, EACH * frames[0].shape[1])
        viewers.append(Viewer(tuple(map(thumbnail, frames)), 0, words, title, (words,), moves, width))
    return Exhibit(Gallery(strips, across=STEPS), say("report.words_walk"), wide=True), viewers
