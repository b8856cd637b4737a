"""Whole journeys at size tiny, as a user takes them: each through the command line, on small real or made data."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass.cli.main import main
from deepglass.data.sources.digits import FILE
from deepglass.engine.plan import read_plan
from deepglass.material import Material
from deepglass.run import Run

TINY = ["--size", "tiny"]


def cli(capsys, *words) -> dict | list:
    """One command with --json; its document."""
    try:
        main([*map(str, words), "--json"])
    except SystemExit as done:
        assert not done.code, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """240 real digits as class folders of PNG files."""
    folder = tmp_path_factory.mktemp("digits")
    with np.load(FILE, allow_pickle=False) as stored:
        for digit in range(3):
            (folder / f"digit {digit}").mkdir()
            for place in np.flatnonzero(stored["y"] == digit)[:80]:
                Image.fromarray(stored["x"][place]).save(folder / f"digit {digit}" / f"{place}.png")
    return folder


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    """One trained run for all who only read it."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    main(["train", str(digits), *TINY, "--out", str(folder), "train.epochs=6", "seed=3"])
    return folder


def test_class_folders_from_a_place_to_answers(digits, run, capsys, tmp_path):
    document = cli(capsys, "evaluate", run)
    assert set(document["metrics"]) == {"train", "val", "test"}
    assert document["metrics"]["test"]["accuracy"] > 0.6
    for name in ("run.toml", "data.json", "machine.json", "plan.json", "events.jsonl", "report.html", "report.json"):
        assert (run / name).is_file(), name
    files = sorted((digits / "digit 1").iterdir())[:7]
    answers = cli(capsys, "predict", run, *files, "--out", tmp_path / "labels.csv")
    assert [answer["id"] for answer in answers] == [str(file) for file in files]
    assert all({"prediction", "confidence", "top"} <= set(answer) for answer in answers)
    with (tmp_path / "labels.csv").open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["prediction"] for row in rows] == [answer["prediction"] for answer in answers]
    assert cli(capsys, "predict", run, files[0], "--out", tmp_path / "labels.csv")  # earlier answers are written over
    for name in ("own.csv", "own.tsv"):
        (tmp_path / name).write_text("file,label\na.png,1\n")
        with pytest.raises(SystemExit, match="2"):
            main(["predict", str(run), str(files[0]), "--out", str(tmp_path / name)])
        assert f"{name} is there already" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "file,label\na.png,1\n"


def test_raw_files_give_the_same_scores_as_evaluation_whatever_the_batch(digits, run):
    bundle = dg.load(run)
    files = sorted(digits.rglob("*.png"))[::5]
    once = [answer["confidence"] for answer in bundle.predict(files, batch=64)]
    for batch in (1, 7):
        assert np.allclose(once, [answer["confidence"] for answer in bundle.predict(files, batch=batch)], atol=1e-5)
    arrays = [answer["confidence"] for answer in bundle.predict([np.asarray(Image.open(file)) for file in files])]
    assert np.allclose(once, arrays, atol=1e-5)
    from deepglass.run import Run

    whole = Run.open(run)
    material = whole.material()
    _, predictions = whole.evaluate("test", material)
    ids = [str(digits / material.store.index.ids[row]) for row in material.rows["test"]]
    raw = {answer["id"]: answer["confidence"] for answer in bundle.predict(ids)}
    assert np.allclose([raw[name] for name in ids], predictions["probability"].max(1).values, atol=1e-5)


def test_a_stopped_run_goes_on_to_the_same_bits(digits, run, tmp_path):
    """SIGTERM in the middle, resume: weights and figures of the unbroken run."""
    folder = tmp_path / "stopped"
    words = ["train", str(digits), *TINY, "--out", str(folder), "train.epochs=6", "seed=3"]
    program = (
        "import os, signal, sys, threading\n"
        "from deepglass.engine import loop\n"
        "seen = loop.update\n"
        "def update(state, *rest, **named):\n"
        "    seen(state, *rest, **named)\n"
        "    if state.step == 4: os.kill(os.getpid(), signal.SIGTERM)\n"
        "loop.update = update\n"
        "from deepglass.cli.main import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert "Go on with: deepglass resume" in done.stderr
    main(["resume", str(folder)])
    one, other = dg.load(run), dg.load(folder)
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[name]), name


def test_a_table_trains_from_the_command_line_alone(capsys, tmp_path):
    from sklearn.datasets import load_wine

    wine = load_wine()
    file = tmp_path / "wine.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*wine.feature_names, "target"])
        writer.writerows([*row, wine.target_names[kind]] for row, kind in zip(wine.data, wine.target, strict=True))
    document = cli(capsys, "train", file, *TINY, "--out", tmp_path / "run")
    assert document["metrics"]["test"]["accuracy"] > 0.85
    answers = cli(capsys, "predict", tmp_path / "run", file)
    assert len(answers) == len(wine.data) and answers[0]["prediction"] == "class_0"
    other = cli(capsys, "evaluate", tmp_path / "run", file)
    assert other["metrics"]["test"]["accuracy"] > 0.9


def test_xor_one_neuron_fails_a_hidden_layer_does_not(capsys, tmp_path):
    one = cli(capsys, "demo", "perceptron-xor", "--out", tmp_path / "one")
    two = cli(capsys, "demo", "mlp", "--out", tmp_path / "two")
    assert one["metrics"]["train"]["accuracy"] < 0.8 < 0.95 < two["metrics"]["test"]["accuracy"]


def test_k_fold_answers_every_example_once_and_resumes_in_the_first_unfinished_fold(capsys, tmp_path):
    words = ["train", "made:moons", *TINY, "--out", tmp_path / "run", "data.folds=3", "train.steps=40"]
    document = cli(capsys, *words)
    assert len(document["folds"]["folds"]) == 3 and document["folds"]["spread"]["accuracy"] >= 0
    ends = (tmp_path / "run" / "folds" / "2" / "events.jsonl").read_text().count('"kind": "end"')
    assert ends == 1
    again = cli(capsys, "resume", tmp_path / "run")
    assert again["metrics"] == document["metrics"] and again["folds"] == document["folds"]


def test_a_k_fold_report_is_written_again_from_the_answers_that_were_kept(capsys, tmp_path):
    run = tmp_path / "run"
    cli(capsys, "train", "made:moons", *TINY, "--out", run, "data.folds=2", "train.steps=20")
    page = json.loads((run / "report.json").read_text())
    answers = run / "folds" / "answers" / "predictions.safetensors"
    content = bytearray(answers.read_bytes())
    content[-1] ^= 1
    answers.write_bytes(content)
    (run / "report.json").unlink()
    cli(capsys, "report", run)
    assert json.loads((run / "report.json").read_text()) == page, "a damaged copy is asked for again"
    shutil.rmtree(run / "folds" / "0")
    shutil.rmtree(run / "folds" / "1")
    cli(capsys, "report", run)
    assert json.loads((run / "report.json").read_text()) == page, "the folds' networks are not needed"
    assert page["scores"]["parts"]["test"]["accuracy"]["n"] == len(
        json.loads((answers.parent / "answers.json").read_text())["ids"]
    )


def test_check_and_plan_say_what_would_be_done_and_leave_nothing(digits, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = cli(capsys, "check", digits)
    assert found["layout"] == "class_folders" and found["task"] == "classify" and found["counts"]["test"] == 48
    planned = cli(capsys, "plan", digits, *TINY, "--rates", "train.epochs=2")
    assert planned["settings"]["train.epochs"] == 2 and planned["origins"]["train.epochs"] == "command line"
    assert planned["parameters"] > 1000 and planned["rates"]["suggestion"] > 0
    assert list(tmp_path.iterdir()) == []


def test_minutes_decide_the_number_of_steps(capsys, tmp_path):
    cli(capsys, "train", "made:moons", *TINY, "--out", tmp_path / "run", "--minutes", "0.02")
    plan = read_plan(tmp_path / "run" / "plan.json")
    assert plan.speed and plan.look > 0 and plan.end > 0
    assert plan.steps == 1 or plan.seconds(plan.steps, plan.steps) <= 0.02 * 60 * 0.9 + plan.end
    assert not list((tmp_path / "run").glob(".timed*"))


def test_a_plan_with_checks_at_every_step_has_fewer_of_them_and_is_kept_by_a_resume(capsys, tmp_path):
    words = ["train", "made:moons", *TINY, "--minutes", "0.05", "train.plan=plain"]
    seldom = cli(capsys, *words, "--out", tmp_path / "seldom")
    often = cli(capsys, *words, "--out", tmp_path / "often", "train.check_epochs=0.01")
    plans = [read_plan(Path(found["run"]) / "plan.json") for found in (seldom, often)]
    assert plans[1].steps < plans[0].steps
    cli(capsys, "resume", tmp_path / "often")
    assert read_plan(tmp_path / "often" / "plan.json") == plans[1]


def test_an_evaluation_is_told_by_the_rows_that_it_asks_about(run, monkeypatch):
    material = Run.open(run).material()
    bundle = dg.load(run)
    asked = []
    evaluated = Material.evaluated
    monkeypatch.setattr(Material, "evaluated", lambda self, *rest: asked.append(rest[2]) or evaluated(self, *rest))
    check, end = material.evaluation_seconds(bundle.model, torch.device("cpu"))
    assert 0 < check < end and set(asked) == {"val"} and len(asked) >= 2
    monkeypatch.setattr(Material, "_seconds_of", lambda *_: (0.0, 1.0))
    counts = material.counts
    assert material.evaluation_seconds(bundle.model, torch.device("cpu")) == (counts["val"], sum(counts.values()))
    monkeypatch.setattr("deepglass.material.MOST_TRAINED", 20)
    assert material.evaluation_seconds(bundle.model, torch.device("cpu"))[1] == counts["val"] + counts["test"] + 20


def test_what_an_evaluation_takes_however_few_rows_is_not_counted_for_each_of_them(run, monkeypatch):
    material, clock = Run.open(run).material(), [0.0]

    def evaluated(self, model, task, part, device):
        clock[0] += 0.1 + 0.001 * len(self.rows[part])

    monkeypatch.setattr(Material, "evaluated", evaluated)
    monkeypatch.setattr("deepglass.material.TIMED", (4, 8, 16))
    monkeypatch.setattr("deepglass.material.time.perf_counter", lambda: clock[0])
    check, end = material.evaluation_seconds(None, torch.device("cpu"))
    assert check == pytest.approx(0.1 + 0.001 * material.counts["val"])
    assert end == pytest.approx(0.3 + 0.001 * sum(material.counts.values()))


def test_tensorboard_files_are_written_where_asked(capsys, tmp_path):
    cli(capsys, "train", "made:moons", *TINY, "--out", tmp_path / "run", "train.steps=20", "train.tensorboard=true")
    assert list((tmp_path / "run" / "tensorboard").glob("events.out.tfevents.*"))


def test_a_network_of_ones_own_from_a_file_and_from_python(capsys, tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\nclass MyNet(nn.Sequential):\n"
        "    def __init__(self):\n        super().__init__(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))\n"
    )
    words = ["--model", f"{tmp_path}/net.py:MyNet", "--out", tmp_path / "run", "train.steps=30"]
    cli(capsys, "train", "made:xor", *TINY, *words)
    own = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    assert dg.load(tmp_path / "run", model=own).predict([[1.0, 0.0]])[0]["confidence"] > 0
    with pytest.raises(Exception, match=r"network of your own. Hand it in: dg.load"):
        dg.load(tmp_path / "run")
    wrong = torch.nn.Sequential(torch.nn.Linear(2, 9), torch.nn.Tanh(), torch.nn.Linear(9, 2))
    with pytest.raises(Exception, match="do not fit the network: 3 names or shapes differ"):
        dg.load(tmp_path / "run", model=wrong)


def test_a_task_of_ones_own(tmp_path):
    from dataclasses import dataclass

    from deepglass.tasks.classify import Classify, ClassifySettings
    from deepglass.tasks.task import Losses

    class Confident(Classify):
        def loss(self, model, batch):
            logits = model(batch["input"])
            entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum()
            return Losses({**super().loss(model, batch).sums, "entropy": 0.1 * entropy})

        def counts(self, batch):
            return {**super().counts(batch), "entropy": float(len(batch))}

    @dataclass(frozen=True, kw_only=True, slots=True)
    class ConfidentSettings(ClassifySettings):
        def build(self, facts):
            return Confident(self, facts)

    run = dg.train(
        "made:moons", task=ConfidentSettings(), size="tiny", out=tmp_path / "run", settings={"train.steps": 60}
    )
    assert run.figures["test"]["accuracy"].value > 0.7
    events = (tmp_path / "run" / "events.jsonl").read_text()
    assert '"entropy"' in events
    assert dg.load(tmp_path / "run", task=ConfidentSettings()).predict([[0.0, 0.0]])[0]["prediction"]


def test_the_overview_and_every_verbs_help(capsys):
    from deepglass.foundation import catalogue

    main(["--help"])
    assert "deepglass demo" in capsys.readouterr().out
    for verb in catalogue.entries("cli"):
        with pytest.raises(SystemExit) as done:
            main([verb, "--help"])
            raise SystemExit(0)
        assert done.value.code in (0, None)
        assert f"deepglass {verb}" in capsys.readouterr().out
