"""Speech to text on real prompts of one speaker, trained in given minutes; no transcript of the test part is learned.

    apt-get download asterisk-core-sounds-en-wav asterisk-core-sounds-en
    for each: dpkg-deb -x FILE.deb X/PACKAGE
    python benchmarks/speech.py X --minutes 20

551 telephone prompts with their texts, 24 minutes at 8 kHz (Debian, CC BY-SA 3.0). About two minutes of it are held
back by a key over the transcripts. Prints the letter error rate of the best path and of the beam that listens to a
5-gram model of the training transcripts, the word error rate, the worst utterances and the most frequent errors.
"""

import argparse
import gzip
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np

import deepglass as dg
from deepglass.data.readers.sound import header
from deepglass.data.transcript import transcript
from deepglass.foundation.seeds import Permutation
from deepglass.journey import Outcome
from deepglass.metrics.error_rate import Edit, distance, error_table

TEXTS = "asterisk-core-sounds-en/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
SOUNDS = "asterisk-core-sounds-en-wav/usr/share/asterisk/sounds/en_US_f_Allison"
REMARK = re.compile(r"\([^)]*\)")  # "(simple)": not said


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("packages", type=Path, help="the folder that both packages were unpacked into")
    words.add_argument("settings", nargs="*", help="path=value, as on the command line")
    words.add_argument("--minutes", type=float, default=20.0, help="of training")
    words.add_argument("--test", type=float, default=2.2, help="minutes of speech that are held back")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--out", default="", help="the run's folder")
    asked = words.parse_intermixed_args()
    given = dict(one.split("=", 1) for one in asked.settings)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "prompts"
        held = laid_out(asked.packages, place, asked.test)
        settings = {"seed": asked.seed, "data.val": 0.05, **given}
        out = asked.out or str(Path(folder) / "run")
        outcome = dg.train(place, minutes=asked.minutes, out=out, settings=settings)
        figures = outcome.figures["test"]
        print(f"trained on {outcome.figures['train']['cer'].n} prompts, tested on {figures['cer'].n}")
        for name, figure in figures.items():
            print(f"test {name}: {100 * figure.value:.2f} % ({100 * figure.low:.2f} .. {100 * figure.high:.2f})")
        tell(outcome, place, held)


def prompts(packages: Path) -> dict[str, str]:
    """Each sound's name and what is said in it; what is no speech is left out."""
    lines = gzip.open(packages / TEXTS, "rt", encoding="utf-8", errors="replace").read().splitlines()
    told = dict(line.strip().split(": ", 1) for line in lines if re.match(r"[^;\s].*?: ", line))
    clean = {name: REMARK.sub("", text).strip() for name, text in told.items() if text[0] not in "[<("}
    return {
        name: text for name, text in clean.items() if transcript(text) and (packages / SOUNDS / f"{name}.wav").is_file()
    }


def laid_out(packages: Path, place: Path, minutes: float) -> dict[str, str]:
    """The prompts as a table with a column of parts beside the sounds; the test part's names and transcripts."""
    found = prompts(packages)
    sentences = sorted({transcript(text) for text in found.values()})
    seconds = {name: header(packages / SOUNDS / f"{name}.wav").frames / 8000 for name in found}
    held: dict[str, str] = {}
    for number in Permutation(len(sentences), "speech benchmark")(np.arange(len(sentences))):
        if sum(seconds[name] for name in held) >= 60 * minutes:
            break
        held |= {name: sentences[number] for name, text in found.items() if transcript(text) == sentences[number]}
    rows = ["path\tsentence\tsplit"]
    for name, text in found.items():
        file = place / "sounds" / f"{name.replace('/', '_')}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packages / SOUNDS / f"{name}.wav", file)
        rows.append(f"{file.name}\t{text}\t{'test' if name in held else 'train'}")
    (place / "prompts.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return held


def tell(outcome: Outcome, place: Path, held: dict[str, str]) -> None:
    """The worst utterances, and which words are most often taken for which."""
    files = [str(place / "sounds" / f"{name.replace('/', '_')}.wav") for name in held]
    said = [answer["prediction"] for answer in outcome.predict(files)]
    pairs = list(zip(held.values(), said, strict=True))
    print("the worst, true and read:")
    for true, read in sorted(pairs, key=lambda pair: -distance(*pair))[:8]:
        print(f"  {distance(true, read):3d} of {len(true)}: {true}\n      {read}")
    table = error_table(pairs)
    print(f"words: {table.right} right, {table.substitutions} others, {table.deletions} lost, {table.insertions} added")
    print("most often: " + ", ".join(f"{shown(edit)} {times}" for edit, times in table.frequent[:8]))


def shown(edit: Edit) -> str:
    return f"{edit.true or '-'} > {edit.said or '-'}"


if __name__ == "__main__":
    main()
