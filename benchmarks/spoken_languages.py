"""Which of nine languages is spoken, on pictures that were not described in training, and by speakers never heard.

    apt-get download tuxpaint-stamps-default asterisk-core-sounds-{es,fr,ru}-wav
    for each: dpkg-deb -x FILE.deb X/PACKAGE
    python benchmarks/spoken_languages.py X [--minutes 20] [--seed 0] [SETTING=VALUE ...]

Volunteers describe the stamps of Tux Paint in their language (Debian, GPL-2), in a second or two. A fifth of the
pictures is held back by a key, in every language. By the package's changelog and list of contributors one person speaks
a language, of French two, so that a network may learn the voice, the room and the microphone instead of the language.
What it knows of languages show the prompts of a telephone exchange (CC BY-SA 3.0), read by one other woman each in
Spanish, French and Russian; those shorter than a second are left out.
"""

import argparse
import os
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

import deepglass as dg
from deepglass.data.readers.sound import header
from deepglass.data.source import Unreadable
from deepglass.foundation.seeds import Permutation
from deepglass.journey import Outcome

STAMPS = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
PROMPTS = "asterisk-core-sounds-{}-wav/usr/share/asterisk/sounds"
SPEAKERS = {  # who recorded the descriptions, as far as the package says
    "be": "Kseniya Buraya",
    "bg": "Krasimir Petkov",
    "ca": "Pere Pujal i Carabantes",
    "da": "Joe Dalton",
    "el": "Kiriaki Serafeim",
    "es": "Estefanía Ortiz",
    "fr": "Jacques Chion, PaulK",
    "ro": "Tabbytha",
    "ru": "Edwin Veber",
}
SHORTEST = 1.0  # seconds of a prompt


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that the packages were unpacked into")
    words.add_argument("settings", nargs="*", help="path=value, as on the command line")
    words.add_argument("--minutes", type=float, default=0.0, help="of training; 0: what the recipe takes")
    words.add_argument("--size", default="small", choices=("tiny", "small", "paper"))
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--out", default="", help="the run's folder")
    asked = words.parse_intermixed_args()
    given = dict(one.split("=", 1) for one in asked.settings)
    with tempfile.TemporaryDirectory(dir=asked.packages) as folder:
        place = Path(folder) / "languages"
        lay_out(asked.packages / STAMPS, place)
        out, settings = asked.out or str(Path(folder) / "run"), {"seed": asked.seed, **given}
        outcome = dg.train(place, size=asked.size, minutes=asked.minutes, out=out, settings=settings)
        tell(outcome, place)
        unseen(outcome, asked.packages)


def lay_out(stamps: Path, place: Path) -> None:
    """train/LANGUAGE/*.ogg and test/LANGUAGE/*.ogg; all descriptions of one picture are on one side."""
    found = [match for file in sorted(stamps.rglob("*.ogg")) if (match := described(file.relative_to(stamps)))]
    pictures = sorted({picture for picture, _ in found})
    held = {pictures[number] for number in Permutation(len(pictures), "stamps")(np.arange(len(pictures) // 5))}
    for picture, language in found:
        file = place / ("test" if picture in held else "train") / language / f"{picture.replace('/', '_')}.ogg"
        file.parent.mkdir(parents=True, exist_ok=True)
        beside(stamps / f"{picture}_desc_{language}.ogg", file)


def described(file: Path) -> tuple[str, str] | None:
    """The picture and the language of a description in one of the nine.

    >>> described(Path("animals/cat_desc_fr.ogg")), described(Path("animals/cat.ogg"))
    (('animals/cat', 'fr'), None)
    """
    match = re.fullmatch(r"(.*)_desc_(\w+)\.ogg", file.as_posix())
    return (match[1], match[2]) if match and match[2] in SPEAKERS else None


def beside(file: Path, name: Path) -> None:
    """The same file under another name, without a copy where that can be."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)


def tell(outcome: Outcome, place: Path) -> None:
    """The figures of the test part, and each language with who speaks it."""
    figure = outcome.figures["test"]["accuracy"]
    print(f"{100 * figure.value:.2f} % of {figure.n} ({100 * figure.low:.2f} .. {100 * figure.high:.2f}), pictures new")
    print("| language | speakers | train | test | right |\n|---|---|--:|--:|--:|")
    for language, speakers in SPEAKERS.items():
        counts = [len(list((place / part / language).iterdir())) for part in ("train", "test")]
        right = share(outcome, place / "test" / language, language)[0]
        print(f"| {language} | {speakers} | {counts[0]} | {counts[1]} | {100 * right:.1f} % |")


def unseen(outcome: Outcome, packages: Path) -> None:
    """The same question about prompts of speakers whom training never heard."""
    for language in SPEAKERS:
        if not (packages / PROMPTS.format(language)).is_dir():
            continue
        (voice,) = (packages / PROMPTS.format(language)).iterdir()
        right, said = share(outcome, voice, language, SHORTEST)
        taken = ", ".join(f"{name} {count}" for name, count in said.most_common(4))
        print(f"{voice.name}, never heard: {100 * right:.1f} % of {sum(said.values())} are {language} ({taken})")


def share(outcome: Outcome, folder: Path, language: str, shortest: float = 0.0) -> tuple[float, Counter[str]]:
    """How many sounds of a folder are taken for this language, and what for."""
    files = [str(file) for file in sorted(folder.rglob("*.*")) if seconds(file) >= shortest]
    said = Counter(answer["prediction"] for answer in outcome.predict(files) if "error" not in answer)
    return said[language] / max(1, sum(said.values())), said


def seconds(file: Path) -> float:
    """How long a sound lasts; 0 of what is none."""
    try:
        found = header(file)
    except Unreadable:
        return 0.0
    return found.frames / found.rate


if __name__ == "__main__":
    main()
