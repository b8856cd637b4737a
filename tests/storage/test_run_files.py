"""The small files of a run's folder, damaged: a named error, or the very results of the run that nobody touched.

`make test` damages each file four times for `evaluate` and `report` and twice for `resume`, `make torture` 24 and 10
times.
"""

import json
import random
import shutil
import sys
from collections import Counter

import pytest

from deepglass.engine import loop
from deepglass.engine.checkpoint import Checkpoints
from deepglass.engine.journal import line_of, read_events
from deepglass.foundation.errors import RunFailed
from deepglass.foundation.sealed import check_sealed_text, read_document, write_document, write_sealed_text
from tests.errors.shell import run_quietly
from tests.storage.mutations import damaged
from tests.storage.saves import different

FILES = ("events.jsonl", "run.toml", "plan.json", "data.json", "machine.json")
KINDS = ("flip", "flip", "flip", "cut", "page", "empty", "delete", "swap")
SEED = 20261127


@pytest.fixture(scope="module")
def stopped(finished, tmp_path_factory):
    """The same run as `finished`, killed after its second check, and what it ends with."""
    place = tmp_path_factory.mktemp("stopped")
    words = ("--size", "tiny", "--model", "mlp", "train.steps=12", "train.check_epochs=1", "train.batch=24")
    plain = loop.finished
    loop.finished = lambda state, run: plain(state, run) or raise_at(state, run)
    try:
        assert run_quietly("train", finished / "data.csv", *words, "train.average=0.9", "--out", place / "run") == 1
    finally:
        loop.finished = plain
    return place / "run"


def raise_at(state, run) -> bool:
    if state.step == 8:
        run.checkpoints.settle()
        raise RunFailed("train.nonfinite", step=8, folder=run.folder, losses="", first="")
    return False


def ends(folder):
    """All that a finished run has come to, but for times."""
    found, document, _ = Checkpoints(folder).newest()
    flat = {f"{group}/{name}": value for group, named in found.items() for name, value in named.items()}
    return flat, document["scores"], (folder / "bundle" / "model.safetensors").read_bytes()


def hurt(folder, name, kind, draw):
    """One file damaged; False where that changed nothing."""
    file = folder / name
    content = file.read_bytes()
    if kind == "delete":
        file.unlink()
        return f"{name} deleted"
    if kind == "swap":
        other = draw.choice([one for one in FILES if one != name and one != "events.jsonl"])
        file.write_bytes((folder / other).read_bytes())
        (folder / other).write_bytes(content)
        return f"{name} and {other} changed places"
    changed, said = damaged(kind, content, draw)
    file.write_bytes(changed)
    return f"{name}: {said}" if changed != content else ""


@pytest.mark.parametrize("count", [4, pytest.param(24, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FILES)
def test_what_a_finished_run_says_of_itself(name, count, shell, finished, tmp_path, capsys):
    draw, tally = random.Random(f"{SEED} {name}"), Counter[str]()
    reference = shell("evaluate", finished / "run", "--json").document["metrics"]
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        shutil.copytree(finished / "run", tmp_path / "run", dirs_exist_ok=True)
        done = hurt(tmp_path / "run", name, kind, draw)
        said = shell("evaluate", tmp_path / "run", "--json")
        outcome = judged(said, done)
        if outcome == "equal":
            assert said.document["metrics"] == reference, done
        tally[f"evaluate {outcome}"] += 1
        if number % 3 == 0:
            tally[f"report {judged(shell('report', tmp_path / 'run', '--json'), done)}"] += 1
        shutil.rmtree(tmp_path / "run")
    tell(capsys, f"{name}, seed {SEED}: {count} mutations, 0 tracebacks: {dict(tally)}")


@pytest.mark.parametrize("count", [2, pytest.param(10, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FILES)
def test_a_killed_run_ends_the_same_or_says_why_not(name, count, shell, finished, stopped, tmp_path, capsys):
    expected = ends(finished / "run")
    draw, tally = random.Random(f"{SEED} resume {name}"), Counter[str]()
    for number in range(count):
        shutil.copytree(stopped, tmp_path / "run")
        done = hurt(tmp_path / "run", name, draw.choice(KINDS) if number else "flip", draw)
        outcome = judged(shell("resume", tmp_path / "run", "--json"), done)
        if outcome == "equal":
            found = ends(tmp_path / "run")
            assert not different(found[0], expected[0]) and found[1:] == expected[1:], done
        tally[outcome] += 1
        shutil.rmtree(tmp_path / "run")
    tell(capsys, f"{name}, seed {SEED}: {count} resumes after a mutation, 0 tracebacks: {dict(tally)}")


def judged(said, done) -> str:
    """ "equal" where the command went on, else the error's code."""
    assert "Traceback" not in said.err and "went wrong inside" not in said.err, (done, said.err)
    if said.code == 0:
        return "equal"
    code = json.loads(said.out)["error"]["code"]
    assert said.code in (1, 2, 3) and code != "defect", (done, said)
    return code


def test_the_undisturbed_run_resumes_to_the_same_end(shell, finished, stopped, tmp_path):
    """What the mutations are compared with."""
    shutil.copytree(stopped, tmp_path / "run")
    assert shell("resume", tmp_path / "run").code == 0
    assert not different(ends(tmp_path / "run")[0], ends(finished / "run")[0])
    assert ends(tmp_path / "run")[1:] == ends(finished / "run")[1:]


@pytest.mark.parametrize("count", [2, pytest.param(24, marks=pytest.mark.slow)])
def test_a_damaged_summary_of_folds_is_written_anew(count, shell, finished, tmp_path):
    """folds.json repeats what the folds answered; nothing is read from it."""
    words = ("train", finished / "data.csv", "--size", "tiny", "--model", "mlp", "train.steps=4", "data.folds=2")
    assert shell(*words, "--out", tmp_path / "run").code == 0
    kept, draw = (tmp_path / "run/folds.json").read_bytes(), random.Random(SEED)
    for number in range(count):
        changed, _ = damaged(KINDS[number % 6], kept, draw)
        (tmp_path / "run/folds.json").write_bytes(changed)
        said = shell("report" if number % 2 else "resume", tmp_path / "run", "--json")
        assert judged(said, changed) == "equal"
        if number % 2 == 0:
            assert (tmp_path / "run/folds.json").read_bytes() == kept


def test_a_setting_changed_by_hand_is_refused(shell, finished, tmp_path):
    """Well-formed and still not what the run was: its steps could not be repeated."""
    shutil.copytree(finished / "run", tmp_path / "run")
    for name, old, new in (("run.toml", "steps = 12", "steps = 13"), ("plan.json", '"steps": 12', '"steps": 13')):
        file = tmp_path / "run" / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        shell.refused(1, "resume", tmp_path / "run", says=(f"{name} is not what was written", "cannot be edited"))
        file.write_text(text)


@pytest.mark.parametrize("name", ["plan.json", "data.json"])
def test_what_a_saved_run_was_computed_with_is_not_decided_anew(name, shell, stopped, tmp_path):
    shutil.copytree(stopped, tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    code = 2 if name == "plan.json" else 1
    shell.refused(code, "resume", tmp_path / "run", says=(name, "No such file or directory"))


def test_documents_and_texts_carry_their_hash(tmp_path):
    document = {"a": [1, 2.5, None], "b": {"c": "é"}}
    write_document(tmp_path / "a.json", document)
    assert read_document(tmp_path / "a.json") == document
    (tmp_path / "own.json").write_text('{"a": 1}')
    assert read_document(tmp_path / "own.json") == {"a": 1}
    write_sealed_text(tmp_path / "a.toml", "x = 1\n")
    check_sealed_text(tmp_path / "a.toml")
    for name, check in (("a.json", read_document), ("a.toml", check_sealed_text)):
        file = tmp_path / name
        content = file.read_bytes()
        for place in range(len(content)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            try:
                found = check(file)
            except (RunFailed, ValueError):
                continue
            told = {key: value for key, value in (found or document).items() if key in document}
            assert told == document, (name, place)  # the hash's own key was hit: all that counts is as it was


def test_a_damaged_line_of_the_journal_tells_nothing(tmp_path):
    """Every bit of a line: gone or as it was, never another figure."""
    events = [{"v": 2, "life": 1, "step": step, "kind": "train", "losses": {"loss": 0.25}} for step in (0, 1)]
    lines = "".join(line_of(event) + "\n" for event in events).encode()
    for bit in range(8 * len(lines)):
        changed = bytearray(lines)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "events.jsonl").write_bytes(changed)
        found = read_events(tmp_path)
        assert all(event in events for event in found) and len(found) < 2, bit


def tell(capsys, sentence: str) -> None:
    with capsys.disabled():
        sys.stderr.write(f"\n{sentence}\n")
