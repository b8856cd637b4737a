"""`recipe=cifar10-94` against the published script it follows, both on this machine: its GPU, or else its processor.

    python benchmarks/cifar94.py CIFAR [--rounds 2]          one epoch of each, in turn
    python benchmarks/cifar94.py CIFAR --full [--rounds 3]   whole trainings, in turn: accuracy and time

CIFAR holds train/CLASS/*.png and test/CLASS/*.png. The published script (Keller Jordan, airbench94_muon.py, MIT) is
fetched once into the cache, checked by its SHA-256, and given the same data by the substitutions of `HANDED`. On a GPU
nothing else is changed. `MOVED` brings it to the processor: weights in fp32, forward passes in bf16 autocast, channels
last, nothing compiled. `--script` names a copy where there is no network. Every training is a process of its own, so
that neither finds what the other has warmed up; on a GPU each trains once before, uncounted, as the script does.

Counted for both: training and the answers for the test pictures. Not counted: starting Python, reading the pictures,
the published script's look at the test part after every epoch, our report.
"""

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import torch
from torch import Tensor

from deepglass.foundation.device import cache_folder
from deepglass.foundation.settings import parse_assignments
from deepglass.journey import propose
from deepglass.run import Run

COMMIT = "f1c599c4af24aca803e3e65a6a7e52a502e09d0e"
ADDRESS = f"https://raw.githubusercontent.com/KellerJordan/cifar10-airbench/{COMMIT}/airbench94_muon.py"
SHA256 = "704e29251a5207d8aed8a35adf13f772ff386b90a712aaddc2a28854385b536e"
PUBLISHED_EPOCHS = 8

HANDED = (  # what, by what; each stands in the script at least once
    ("with open(sys.argv[0]) as f:\n    code = f.read()", ""),
    ("import torchvision\nimport torchvision.transforms as T", ""),
    ('data = torch.load(data_path, map_location=torch.device("cuda"))', "data = DATA[train]"),
    ("if not os.path.exists(data_path):", "if False:"),
    ("T.Normalize(CIFAR_MEAN, CIFAR_STD)", "Normalize(CIFAR_MEAN, CIFAR_STD)"),
    ("ceil(8 * len(train_loader))", "ceil(EPOCHS * len(train_loader))"),
    ("ceil(3 * len(train_loader))", "ceil(EPOCHS * 3 / 8 * len(train_loader))"),
    ("    #  TTA Evaluation  #", "    training_seconds = time_seconds  #"),
    ("return tta_val_acc", "return tta_val_acc, time_seconds, training_seconds"),
)
MOVED = (
    ("@torch.compile", ""),
    ("(self.images.half() / 255)", "(self.images.float() / 255)"),
    ("mod.half()", "mod.float()"),
    (
        "    def forward(self, x, whiten_bias_grad=True):",
        "    @AUTOCAST\n    def forward(self, x, whiten_bias_grad=True):",
    ),
    ("return self.head(x) / x.size(-1)", "return self.head(x).float() / x.size(-1)"),
    ("torch.cuda.Event(enable_timing=True)", "Moment()"),
    ("torch.cuda.synchronize()", "pass"),
)
GPU = torch.cuda.is_available()


class Normalize:
    """What the script takes from torchvision."""

    def __init__(self, mean: Tensor, std: Tensor):
        self.mean, self.std = mean.view(3, 1, 1), std.view(3, 1, 1)

    def __call__(self, pictures: Tensor) -> Tensor:
        return (pictures - self.mean.to(pictures)) / self.std.to(pictures)


class Moment:
    """A CUDA event's two methods by the clock."""

    def record(self) -> None:
        self.at = time.perf_counter()

    def elapsed_time(self, later: "Moment") -> float:
        return 1000 * (later.at - self.at)


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("data")
    words.add_argument("--script", type=Path)
    words.add_argument("--rounds", type=int, default=2)
    words.add_argument("--full", action="store_true")
    words.add_argument("--plan", default="auto")
    words.add_argument("--one", choices=["published", "ours"], help="one training in this process, as JSON")
    words.add_argument("--seed", type=int, default=0)
    asked = words.parse_args()
    if asked.one:
        print(json.dumps((published if asked.one == "published" else ours)(asked)))
        return
    asked.script = asked.script or fetched()
    found: dict[str, list[dict[str, float]]] = {"published": [], "ours": []}
    for seed in range(asked.rounds):
        for name in found:
            found[name].append(child(asked, name, seed))
            print(f"{name}, seed {seed}: {found[name][-1]}", flush=True)
    for name, each in found.items():
        spread = ", ".join(f"{one['accuracy']:.4f}" for one in each)
        print(f"{name}: accuracy {spread}, mean {statistics.mean(one['accuracy'] for one in each):.4f}")
    for what in ("training", "seconds"):
        mine, theirs = (statistics.median(one[what] for one in found[name]) for name in ("ours", "published"))
        print(f"{what}: ours {mine:.1f} s, published {theirs:.1f} s; ratio {mine / theirs:.3f}")


def child(asked: argparse.Namespace, name: str, seed: int) -> dict[str, float]:
    """One training in a process of its own."""
    command = [sys.executable, __file__, asked.data, "--one", name, "--seed", str(seed), "--plan", asked.plan]
    command += ["--script", str(asked.script), *(["--full"] if asked.full else [])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])


def fetched() -> Path:
    """The published script in the cache."""
    file = cache_folder() / "benchmarks" / f"airbench94_muon-{COMMIT[:12]}.py"
    if not file.is_file():
        with urllib.request.urlopen(ADDRESS, timeout=60) as answer:
            text = answer.read()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    return file


def published(asked: argparse.Namespace) -> dict[str, float]:
    """The script's own `main`; its clock counts training and the last test, not the tests between."""
    text = asked.script.read_text(encoding="utf-8")
    if hashlib.sha256(text.encode()).hexdigest() != SHA256:
        raise SystemExit(f"{asked.script} is not the script of {ADDRESS}.")
    for what, by in HANDED if GPU else (*HANDED, *MOVED):
        if what not in text:
            raise SystemExit(f"The script has no {what!r}.")
        text = text.replace(what, by)
    torch.manual_seed(asked.seed)
    names = {
        "__name__": "airbench94_muon",
        "DATA": pictures(asked.data),
        "EPOCHS": PUBLISHED_EPOCHS if asked.full else 1,
        "AUTOCAST": torch.autocast("cpu", torch.bfloat16),
        "Normalize": Normalize,
        "Moment": Moment,
    }
    exec(compile(text, str(asked.script), "exec"), names)  # the published code itself, checked by its hash
    model = names["CifarNet"]().to("cuda" if GPU else "cpu", memory_format=torch.channels_last)
    if GPU:
        model.compile(mode="max-autotune")
        names["main"]("warmup", model)
    accuracy, seconds, training = names["main"](asked.seed, model)
    return {"training": training, "seconds": seconds, "accuracy": accuracy}


def pictures(place: str) -> dict[bool, dict[str, object]]:
    """The script's data, read by our own source: {train: {"images": uint8 (N, 32, 32, 3), "labels": (N,), ...}}."""
    run, folder = proposed(place, 0, "plain")
    with folder:
        material = run.material()
        found: dict[bool, dict[str, object]] = {}
        for train, part in ((True, "train"), (False, "test")):
            rows = torch.from_numpy(material.rows[part])
            images = torch.from_numpy(material.store.columns["input"])[rows].permute(0, 2, 3, 1).contiguous()
            labels = material.targets["target"][rows]
            tensors = {"images": images, "labels": labels}
            moved = {name: tensor.cuda() if GPU else tensor for name, tensor in tensors.items()}
            found[train] = {**moved, "classes": material.task.facts.labels}
        return found


def ours(asked: argparse.Namespace) -> dict[str, float]:
    """The recipe through our own loop, all its epochs or the steps of one; then the test part."""
    if GPU:
        trained(asked)
    return trained(asked)


def trained(asked: argparse.Namespace) -> dict[str, float]:
    """One training of ours by the clock."""
    run, folder = proposed(asked.data, asked.seed, asked.plan, *([] if asked.full else ["train.epochs=1"]))
    with folder:
        material = run.material()
        began = time.perf_counter()
        run.train(material=material)
        middle = time.perf_counter()
        figures, _ = run.evaluate("test", material)
        seconds = {"training": middle - began, "seconds": time.perf_counter() - began}
        return seconds | {"accuracy": float(figures["accuracy"].value)}


def proposed(place: str, seed: int, plan: str, *more: str) -> tuple[Run, tempfile.TemporaryDirectory[str]]:
    """The recipe's run in a folder that is gone afterwards."""
    overrides = ["recipe=cifar10-94", f"seed={seed}", f"train.plan={plan}", *more]
    proposal = propose(place, parse_assignments(overrides))
    folder = tempfile.TemporaryDirectory()
    return Run(Path(folder.name), proposal.settings, proposal.origins, source=proposal.source), folder


if __name__ == "__main__":
    main()
