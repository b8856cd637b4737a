"""Runs, checkpoints and bundles that are not what they should be: named, never loaded, never overwritten."""

import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.errors.shell import folders, run_quietly, state, table
from tests.errors.test_places import environment


@pytest.fixture
def run(finished, tmp_path):
    """A copy of a finished run, to be damaged."""
    shutil.copytree(finished / "run", tmp_path / "run")
    return tmp_path / "run"


def flip(file, place, bit=1):
    content = bytearray(file.read_bytes())
    content[place] ^= bit
    file.write_bytes(content)


def test_what_is_not_a_run(shell, tmp_path):
    (tmp_path / "empty").mkdir()
    said = ("is not the folder of a run: it holds no run.toml", "deepglass ls runs")
    shell.refused(2, "resume", tmp_path / "empty", says=said)
    shell.refused(2, "evaluate", tmp_path / "none", says=said)
    shell.refused(2, "predict", tmp_path / "empty", "a.png", says=("There is no run or bundle at",))
    shell.refused(2, "predict", "digit", "a.png", says=("There is no run or bundle at digit.",))


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("run.toml", 2, "run.toml is not valid TOML"),
        ("data.json", 1, "data.json is damaged"),
        ("plan.json", 2, "plan.json is not a plan that can be read"),
    ],
)
def test_a_damaged_file_of_a_run(shell, run, name, code, says):
    (run / name).write_bytes(b"\0{" + (run / name).read_bytes()[3:])
    shell.refused(code, "resume", run, says=(says, str(run / name)))


@pytest.mark.parametrize("name", ["machine.json", "events.jsonl"])
def test_files_that_nothing_depends_on_may_be_damaged(shell, run, name):
    (run / name).write_bytes(b"\0{ nothing")
    assert shell("resume", run).code == 0


def test_a_flipped_bit_anywhere_in_a_bundle_is_named(shell, run):
    """Every file, 60 places drawn by a seed, every bit: never a silent answer."""
    draw = random.Random(3)
    for file in sorted((run / "bundle").iterdir()):
        content = file.read_bytes()
        for _ in range(20):
            flip(file, draw.randrange(len(content)), 1 << draw.randrange(8))
            said = shell("predict", run, run.parent / "any.csv")
            assert said.code == 1 and str(file) in said.err, (file, said)
            assert "is not what was written" in said.err or "is missing or damaged" in said.err
            file.write_bytes(content)
    words = ("Use another checkpoint or bundle",)
    flip(run / "bundle/model.safetensors", -5)
    shell.refused(1, "predict", run, "any.csv", says=("model.safetensors is not what was written", *words))
    (run / "bundle/model.safetensors").unlink()
    shell.refused(1, "predict", run, "any.csv", says=("is listed in the manifest but cannot be read", *words))
    (run / "bundle/manifest.json").unlink()
    shell.refused(1, "predict", run, "any.csv", says=("manifest.json is missing or damaged", *words))


def test_a_damaged_checkpoint_is_passed_over_by_name(shell, run):
    newest = sorted((run / "checkpoints").glob("step-*"))[-1]
    flip(newest / "weights.safetensors", -9)
    said = shell("resume", run)
    assert said.code == 0 and "A checkpoint was passed over: " in said.out
    assert f"{newest}/weights.safetensors is not what was written" in said.out


def test_no_checkpoint_left_is_an_error_and_not_a_new_beginning(shell, run):
    for folder in (run / "checkpoints").glob("step-*"):
        flip(folder / "optimizers.safetensors", -9)
    said = shell.refused(1, "resume", run, says=("No checkpoint in", "can be used", "is not what was written"))
    assert said.count("optimizers.safetensors") == len(list((run / "checkpoints").glob("step-*")))


def test_strange_names_among_the_checkpoints_do_no_harm(shell, run):
    (run / "checkpoints/step-old").mkdir()
    (run / "checkpoints/step-000000004 (copy)").mkdir()
    assert shell("resume", run).code == 0
    assert (run / "checkpoints/step-old").is_dir()


def test_data_that_changed(shell, tmp_path):
    data = folders(tmp_path / "data", "ab", 12)
    words = ("train", data, "--size", "tiny", "--model", "mlp", "train.steps=2", "--out", shell.out)
    assert run_quietly(*words) == 0
    (data / "a/00.png").rename(data / "a/renamed.png")
    said = ("have changed since", "Restore the data, or start anew: deepglass train")
    shell.refused(3, "resume", shell.out, says=said)
    shell.refused(3, "evaluate", shell.out, says=said)
    (data / "a/renamed.png").rename(data / "a/00.png")
    assert shell("resume", shell.out).code == 0
    shutil.rmtree(data)
    shell.refused(3, "resume", shell.out, says=("There is nothing at",))


def test_answers_that_the_network_never_learned(shell, finished, tmp_path):
    other = table(tmp_path / "other.csv", rows=20, extra="1,2,c\n2,3,c\n")
    said = ("answers that this network never learned: c (2 of 22 examples). It knows a, b.", "train anew with them")
    shell.refused(3, "evaluate", finished / "run", other, says=said)
    shell.refused(3, "evaluate", finished / "run", tmp_path / "none.csv", says=("There is nothing at",))


def test_columns_that_are_missing(shell, finished, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("x,label\n1,a\n2,b\n" * 1)
    said = ("lacks 1 of the columns that the network was trained on: y", "Add them, with the same names")
    shell.refused(3, "evaluate", finished / "run", other, says=said)
    shell.refused(3, "predict", finished / "run", other, says=said)


def test_a_category_that_training_never_had(shell, tmp_path):
    """Its row is left out by name: all zeros would be an answer about nothing."""
    rows = [f"{row % 7},{('red', 'blue')[row % 2]},{'ab'[row % 2]}" for row in range(40)]
    (tmp_path / "train.csv").write_text("x,colour,label\n" + "\n".join(rows) + "\n")
    assert run_quietly("train", tmp_path / "train.csv", "--size", "tiny", "train.steps=4", "--out", shell.out) == 0
    (tmp_path / "more.csv").write_text("colour,x,label\nred,1,a\ngreen,2,b\nblue,3,b\n" + "red,4,a\n" * 30)
    said = shell("evaluate", shell.out, tmp_path / "more.csv", "--json")
    assert said.code == 0 and said.document["left_out"] == ["more.csv:3"]
    answers = shell("predict", shell.out, tmp_path / "more.csv", "--json").document
    assert [answer["id"] for answer in answers if "error" in answer] == ["more.csv:3"]
    assert "column colour: 'green' is not among the known values (blue, red)" in answers[1]["error"]


def test_predict_on_what_is_not_there(shell, finished, tmp_path):
    words = ("predict", finished / "run")
    shell.refused(3, *words, tmp_path / "none.csv", says=(f"There is nothing at {tmp_path}/none.csv",))
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    shell.refused(3, *words, tmp_path / "a.png", says=("a.png is not a table", "give a CSV or TSV file"))
    said = shell("predict", "digits", tmp_path / "none.png", "--json")
    if said.code == 3:
        assert said.document == [{"id": str(tmp_path / "none.png"), "error": "The file does not exist."}]
    else:
        assert said.document["error"]["code"] == "bundle.not_found"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_with_a_checkpoint_and_130(tmp_path, number, shell):
    program = "import sys; from deepglass.cli.main import main; main(sys.argv[1:])"
    words = [
        "--lang",
        "en",
        "train",
        "made:xor",
        "--size",
        "tiny",
        "train.steps=1000000",
        "train.check_epochs=1",
        "--out",
        str(tmp_path / "run"),
    ]
    pipe = subprocess.PIPE
    child = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdout=pipe, stderr=pipe, text=True, env=environment(tmp_path)
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("run/checkpoints/step-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "a checkpoint is saved. Go on with: deepglass resume" in err
    step = int(err.split("Stopped at step ")[1].split()[0])
    assert (tmp_path / f"run/checkpoints/step-{step:09d}/manifest.json").is_file()
    kinds = (tmp_path / "run/events.jsonl").read_text().splitlines()[-1]
    assert '"kind": "stopped"' in kinds


def test_stopping_while_the_data_are_read_leaves_nothing(shell, monkeypatch, pictures):
    monkeypatch.setattr("deepglass.cli.stop.StopSignals.__call__", lambda self: True)
    words = ("train", pictures, "--size", "tiny", "--model", "mlp", "--out", shell.out)
    shell.refused(130, *words, says=("Stopped while the data were being read", "Give the same command again"))


def test_a_finished_run_may_be_resumed_and_stays_the_same(shell, run):
    before = (run / "bundle/manifest.json").read_bytes(), state(run / "checkpoints")
    assert shell("resume", run).code == 0
    assert ((run / "bundle/manifest.json").read_bytes(), state(run / "checkpoints")) == before
