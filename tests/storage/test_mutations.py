"""Damage of every kind to every file of checkpoints and bundles: a named error, or the checkpoint before; no crash.

Drawn by a printed seed: 500 of each in `make test`, 5,000 of each in `make torture`; some of them in processes of
their own with little memory, where a crash or a greedy allocation would be seen.
"""

import json
import multiprocessing
import os
import random
import resource
import struct
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from deepglass.bundle import Bundle
from deepglass.engine import checkpoint
from deepglass.engine.checkpoint import Checkpoints
from deepglass.foundation import sealed
from deepglass.foundation.errors import DeepglassError, RunFailed
from deepglass.foundation.sealed import write_sealed
from tests.storage.mutations import KINDS, contents, mutate, restore_folder
from tests.storage.saves import different, restored, state_at

SEED = 20261124
STEPS = (3, 4, 5)
MEMORY = 256 << 20  # bytes that a child may allocate beyond what it has


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three checkpoints of three steps, each with other values."""
    folder = tmp_path_factory.mktemp("run")
    checkpoints, keep = Checkpoints(folder), checkpoint.KEEP
    checkpoint.KEEP = 3
    for step in STEPS:
        checkpoints.save(state_at(folder, step))
        checkpoints.settle()
    checkpoint.KEEP = keep
    return folder


@pytest.fixture(scope="module")
def expected(run, tmp_path_factory):
    """Every tensor of each step, as it was saved; they all differ."""
    found = {}
    for step in STEPS:
        alone = tmp_path_factory.mktemp(f"step{step}")
        checkpoints = Checkpoints(alone)
        checkpoints.save(state_at(alone, step))
        checkpoints.settle()
        found[step] = restored(checkpoints)[1]
    assert different(found[3], found[4]) and different(found[4], found[5])
    return found


def of_step(run: Path, step: int) -> Path:
    return run / "checkpoints" / f"step-{step:09d}"


def some(count: int):
    """500 here, the rest in torture."""
    return pytest.mark.parametrize("count", [count // 10, pytest.param(count, marks=pytest.mark.slow)])


@some(5000)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_serves(count, run, expected, capsys):
    """One, two or all three of them damaged: the newest whole one with its very values, or an error; never step 0."""
    draw, checkpoints, tally = random.Random(SEED), Checkpoints(run), Counter[str]()
    kept = {step: contents(of_step(run, step)) for step in STEPS}
    while sum(tally.values()) < count:
        kind = KINDS[sum(tally.values()) % len(KINDS)]
        hit = draw.choice([(5,), (5,), (5,), (5, 4), (5, 4, 3)])
        done = [mutate(kind, of_step(run, step), of_step(run, 3 if step > 3 else 4), draw) for step in hit]
        if all(done):
            judge(checkpoints, hit, done, expected)
            tally[kind] += 1
        for step in hit:
            restore_folder(of_step(run, step), kept[step])
    say(capsys, f"checkpoint: seed {SEED}, {count} mutations, 0 silent, 0 crashes: {dict(tally)}")


def judge(checkpoints: Checkpoints, hit, done, expected) -> None:
    try:
        _, document, rejected = checkpoints.newest()
    except RunFailed as error:
        assert error.code == "train.no_checkpoint" and len(hit) == 3, done
        assert str(error).count(str(checkpoints.folder)) >= 4, "not every checkpoint's reason is told"
        return
    assert [step for step in STEPS if step not in hit][-1] == document["step"], done
    assert len(rejected) == len(hit) and all("step-" in str(error) for error in rejected), done
    step, found = restored(checkpoints)
    assert not different(found, expected[step]), done


@some(5000)
def test_a_damaged_bundle_is_named(count, finished, tmp_path, capsys):
    folder, draw, tally = tmp_path / "bundle", random.Random(SEED + 1), Counter[str]()
    kept = contents(finished / "run" / "bundle")
    write_sealed(folder, {name: content for name, content in kept.items() if name != sealed.MANIFEST})
    whole = Bundle.load(folder)
    other = tmp_path / "other"
    with torch.no_grad():
        next(whole.model.parameters()).add_(1)
    whole.save(other)
    while sum(tally.values()) < count:
        kind = KINDS[sum(tally.values()) % len(KINDS)]
        if done := mutate(kind, folder, other, draw):
            with pytest.raises(DeepglassError) as error:
                Bundle.load(folder)
            assert str(folder) in str(error.value), done
            tally[kind] += 1
        restore_folder(folder, kept)
    Bundle.load(folder)
    say(capsys, f"bundle: seed {SEED + 1}, {count} mutations, 0 silent, 0 crashes: {dict(tally)}")


@some(100)
def test_processes_survive_it(count, run, finished, tmp_path, capsys):
    """The same in children with 256 MB to spare: an exit code tells a crash, a limit tells a greedy allocation."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.storage.test_mutations"])
    draw, ends = random.Random(SEED + 2), Counter[str]()
    bundle = finished / "run" / "bundle"
    for number in range(2 * count):
        source = of_step(run, 5) if number % 2 else bundle
        folder = tmp_path / str(number) / "checkpoints" / source.name
        files = contents(source)
        files.pop(sealed.MANIFEST)
        if number % 4 < 2:  # sealed again afterwards, as somebody with bad intentions would
            write_sealed(folder, crafted(files, draw))
        else:
            write_sealed(folder, files)
            while not mutate(KINDS[number % len(KINDS)], folder, of_step(run, 4), draw):
                pass
        child = context.Process(target=open_it, args=(folder, bool(number % 2)))
        child.start()
        child.join(60)
        assert child.exitcode == 0, f"seed {SEED + 2}, number {number}: exit code {child.exitcode}"
        ends["checkpoint" if number % 2 else "bundle"] += 1
    say(capsys, f"processes: seed {SEED + 2}, {dict(ends)}, 0 crashes, 0 above {MEMORY >> 20} MB")


def open_it(folder: Path, is_checkpoint: bool) -> None:
    """Exit code 0 where a named error came; memory is limited to what is in use and a little more."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    try:
        if is_checkpoint:
            Checkpoints(folder.parents[1]).newest()
        else:
            Bundle.load(folder)
    except DeepglassError:
        os._exit(0)
    os._exit(1)


def crafted(files: dict[str, bytes], draw: random.Random) -> dict[str, bytes]:
    """Content that lies, under a manifest that is true: sizes without end, JSON without bottom, keys that are gone."""
    name = draw.choice([name for name in files if len(files[name]) > 100])
    content = files[name]
    if name.endswith(".json"):
        return {**files, name: _false_document(json.loads(content), draw)}
    return {**files, name: _false_tensors(content, draw)}


def _false_document(document: dict, draw: random.Random) -> bytes:
    key = draw.choice(sorted(document))
    kind = draw.choice(["deep", "gone", "other", "list", "huge"])
    if kind == "deep":
        return b"[" * 100_000
    if kind == "list":
        return b"[1, 2, 3]"
    if kind == "huge":
        text = json.dumps(document)
        for size in ("16", "24", "32", "48", "64", "128", "1"):
            if f" {size}," in text or f" {size}]" in text:
                return text.replace(f" {size},", " 4000000000,").replace(f" {size}]", " 4000000000]").encode()
        return b"{}"
    if kind == "gone":
        document.pop(key)
    else:
        document[key] = draw.choice([None, -1, "text", {"a": 1}])
        document["strange"] = 1
    if key in ("facts", "figures", "about"):  # nothing depends on these being of one form: then without them
        document = {"format": document.get("format")}
    return json.dumps(document).encode()


def _false_tensors(content: bytes, draw: random.Random) -> bytes:
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    rest = content[8 + length :]
    name = draw.choice([name for name in header if name != "__metadata__"])
    kind = draw.choice(["length", "shape", "offsets", "dtype", "renamed", "gone", "text"])
    if kind == "length":
        return struct.pack("<Q", draw.choice([1 << 62, 1 << 33, 99_999_999, 0])) + content[8:]
    if kind == "shape":
        header[name]["shape"] = [1 << 40, 1 << 40]
    elif kind == "offsets":
        header[name]["data_offsets"] = [0, 1 << 50]
    elif kind == "dtype":
        header[name]["dtype"] = draw.choice(["F4", "I999", 7])
    elif kind == "renamed":
        header["stranger"] = header.pop(name)
    elif kind == "gone":
        return struct.pack("<Q", 2) + b"{}"
    else:
        return b"not a safetensors file" * 10
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + rest


def say(capsys, sentence: str) -> None:
    with capsys.disabled():
        sys.stderr.write(f"\n{sentence}\n")


def test_what_latest_says_never_changes_what_is_loaded(run, expected):
    """A pointer that is damaged is told; the newest whole checkpoint serves all the same."""
    latest, draw = run / "checkpoints" / "latest", random.Random(SEED)
    kept = latest.read_bytes()
    for changed in (b"", b"step-000000999", b"\xff\x00" * 4000, kept[:-1], b"../../etc/passwd", kept[:-1] + b"7"):
        latest.write_bytes(changed)
        _, document, rejected = Checkpoints(run).newest()
        assert document["step"] == 5 and "there is no such checkpoint" in str(rejected[0])
    for _ in range(50):
        flipped = bytearray(kept)
        flipped[draw.randrange(len(kept))] ^= 1 << draw.randrange(8)
        latest.write_bytes(flipped)
        assert restored(Checkpoints(run))[0] == 5
    latest.unlink()
    _, document, rejected = Checkpoints(run).newest()
    assert document["step"] == 5 and not rejected
    latest.write_bytes(kept)


def test_checkpoints_that_vanished_are_no_new_beginning(run, tmp_path):
    """Only `latest` is left: the run was saved before, so this is an error and not step 0."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "latest").write_bytes((run / "checkpoints" / "latest").read_bytes())
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.begun() and not Checkpoints(tmp_path / "new").begun()
    with pytest.raises(RunFailed, match="does not begin anew by itself.*names 'step-000000005'"):
        checkpoints.newest()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to itself"])
def test_files_that_are_no_files(kind, run, tmp_path):
    """A pipe that would wait for ever and a device that never ends are not read."""
    folder = tmp_path / "checkpoints" / "step-000000005"
    write_sealed(folder, {name: one for name, one in contents(of_step(run, 5)).items() if name != sealed.MANIFEST})
    for name in ("weights.safetensors", sealed.MANIFEST):
        file = folder / name
        file.unlink()
        if kind == "pipe":
            os.mkfifo(file)
        elif kind == "device":
            file.symlink_to("/dev/zero")
        elif kind == "folder":
            file.mkdir()
        else:
            file.symlink_to(file)
        with pytest.raises(RunFailed, match="step-000000005"):
            Checkpoints(tmp_path).newest()


def test_without_the_hash_a_flipped_bit_loads(run, expected, monkeypatch):
    """The test of the tests: it is the SHA-256 that sees it, and these tests see where it is not looked at."""
    monkeypatch.setattr(sealed, "_checked", lambda folder: iter(contents(folder).items()))
    kept = contents(of_step(run, 5))
    file = of_step(run, 5) / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1]))
    with pytest.raises(AssertionError):
        judge(Checkpoints(run), (5,), ["planted"], expected)
    restore_folder(of_step(run, 5), kept)
