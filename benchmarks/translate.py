"""English into French: a translation memory and deepglass on the same pairs out of Debian's package descriptions.

apt-get -o Acquire::Languages=en,fr -o Dir::State::lists=LISTS update     the indexes, 18 MB
python benchmarks/translate.py --lists LISTS --out DIR --only memory      the pairs and the memory's BLEU, a minute
python benchmarks/translate.py --lists LISTS --out DIR --minutes 30       and what deepglass learns of them meanwhile

1,000 pairs of at most 25 English words are held back, and every other pair of their English sentences is left out. The
memory answers with the French of the nearest training sentence, by the cosine of TF-IDF over words and pairs of words.
The first command names the languages, for a file in apt.conf.d may turn them off.
"""

import argparse
import glob
import json
import re
import subprocess
from pathlib import Path

import numpy as np

import deepglass as dg
from deepglass.foundation.seeds import text_keys

HELD_BACK = 1000
LONGEST = 25  # English words of a held-back pair
TRAINED = 60  # English words of a training pair: longer ones are few and take most of the time
HELPER = "/usr/lib/apt/apt-helper"
ENTRY = re.compile(r"Description-md5: (\w+)\nDescription-\S+: (.*)\n((?: .*\n?)*)")
Pair = tuple[str, str]


def index(lists: Path, language: str) -> dict[str, tuple[str, list[str]]]:
    """Short description and paragraphs of every package, by the hash of the English ones."""
    found: dict[str, tuple[str, list[str]]] = {}
    files = glob.glob(str(lists / f"*_main_i18n_Translation-{language}*"))
    if not files:
        raise SystemExit(f"No index of language {language} in {lists}. Fetch it as the first lines of this file say.")
    for file in sorted(files):
        text = subprocess.run([HELPER, "cat-file", file], capture_output=True, text=True, check=True).stdout
        for block in text.split("\n\n"):
            if entry := ENTRY.search(block + "\n"):
                paragraphs = re.split(r"^ \.\n", entry[3], flags=re.MULTILINE)
                found[entry[1]] = (entry[2], [" ".join(paragraph.split()) for paragraph in paragraphs])
    return found


def pairs_of(lists: Path) -> list[Pair]:
    """Different pairs of English and French, in the order of Unicode."""
    english, french = index(lists, "en"), index(lists, "fr")
    found: set[Pair] = set()
    for key in english.keys() & french.keys():
        (one, first), (other, second) = english[key], french[key]
        found.add((one, other))
        if len(first) == len(second):
            found |= set(zip(first, second, strict=True))
    return sorted(pair for pair in found if all(pair) and pair[0] != pair[1])


def held_back(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Training pairs, and `HELD_BACK` others drawn by their keys, one for each English sentence."""
    short: dict[str, Pair] = {}
    for pair in pairs:
        if len(pair[0].split()) <= LONGEST:
            short.setdefault(pair[0], pair)
    sentences = list(short)
    drawn = np.argsort(text_keys(0, sentences), kind="stable")[:HELD_BACK]
    kept = {sentences[place] for place in drawn.tolist()}
    train = [pair for pair in pairs if pair[0] not in kept and len(pair[0].split()) <= TRAINED]
    return train, [short[sentence] for sentence in sorted(kept)]


def memory(train: list[Pair], test: list[Pair]) -> list[str]:
    """The French of the nearest training sentence."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True)
    known = vectors.fit_transform([english for english, _ in train])
    near = vectors.transform([english for english, _ in test]) @ known.T
    return [train[int(place)][1] for place in np.asarray(near.argmax(axis=1)).ravel()]


def bleu(written: list[str], test: list[Pair]) -> dict[str, object]:
    """The corpus' BLEU and its signature."""
    import sacrebleu

    metric = sacrebleu.BLEU()
    score = metric.corpus_score(written, [[french for _, french in test]])
    return {"bleu": round(score.score, 2), "signature": f"BLEU|{metric.get_signature()}"}


def write(folder: Path, train: list[Pair], test: list[Pair]) -> None:
    """Two tables, of which deepglass draws a validation part itself."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in (("train", train), ("test", test)):
        lines = [f"{english}\t{french}\n" for english, french in [("en", "fr"), *pairs]]
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


def main() -> None:
    """The memory's figure, then, where it is asked for, the network's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lists", type=Path, required=True, help="where apt's indexes lie")
    parser.add_argument("--out", type=Path, required=True, help="where pairs, run and figures are written")
    parser.add_argument("--minutes", type=float, default=30.0, help="of training")
    parser.add_argument("--only", choices=("memory", "all"), default="all")
    parser.add_argument("--setting", action="append", default=[], metavar="PATH=VALUE", help="of the run; many times")
    given = parser.parse_args()
    train, test = held_back(pairs_of(given.lists))
    write(given.out / "pairs", train, test)
    figures: dict[str, object] = {"train": len(train), "test": len(test), "memory": bleu(memory(train, test), test)}
    print(json.dumps(figures), flush=True)
    if given.only == "all":
        settings = {"data.val": 0.02} | dict(setting.split("=", 1) for setting in given.setting)
        run = dg.train(given.out / "pairs", out=given.out / "run", minutes=given.minutes, settings=settings)
        written = [answer["prediction"] for answer in run.predict([english for english, _ in test])]
        own = {name: figure._asdict() for name, figure in run.figures["test"].items()}
        figures["deepglass"] = bleu(written, test) | {"figures": own, "seconds": run.seconds}
        print(json.dumps(figures), flush=True)
    (given.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
