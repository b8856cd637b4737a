"""Sealed folders: whole or absent, and no mutation goes unseen."""

import random

import pytest

from deepglass.foundation.errors import DeepglassError, MachineError, RunFailed
from deepglass.foundation.lock import locked
from deepglass.foundation.sealed import read_sealed, verify, write_sealed, write_text

FILES = {"weights.bin": bytes(range(256)) * 40, "state.json": b'{"step": 3}', "empty": b""}


def test_what_was_written_is_read(tmp_path):
    write_sealed(tmp_path / "a", FILES)
    assert read_sealed(tmp_path / "a") == FILES
    write_sealed(tmp_path / "a", {**FILES, "state.json": b"{}"})
    assert read_sealed(tmp_path / "a")["state.json"] == b"{}"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("seed", range(300))
def test_every_mutation_is_named(seed, tmp_path):
    draw = random.Random(seed)
    folder = tmp_path / "a"
    write_sealed(folder, FILES)
    file = draw.choice(sorted(folder.iterdir()))
    content = bytearray(file.read_bytes())
    kind = draw.choice(["flip", "cut", "zero", "delete", "add", "swap"])
    if kind == "flip" and content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif kind == "cut" and content:
        del content[draw.randrange(len(content)) :]
    elif kind == "zero" and any(content):
        content[:] = bytes(len(content))
    elif kind == "swap":
        other = next(path for path in sorted(folder.iterdir()) if path != file)
        content = bytearray(other.read_bytes())
    elif kind == "add":
        (folder / "stranger").write_bytes(b"x")
    else:
        file.unlink()
    if file.exists():
        file.write_bytes(content)
    with pytest.raises(DeepglassError) as error:
        verify(folder)
    assert str(folder) in str(error.value)


def test_a_write_that_fails_leaves_the_old_folder_and_no_rest(tmp_path, monkeypatch):
    write_sealed(tmp_path / "a", FILES)
    monkeypatch.setattr("os.rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(MachineError, match="No space left on device. Free some room"):
        write_sealed(tmp_path / "a", {"other": b"1"})
    monkeypatch.undo()
    assert read_sealed(tmp_path / "a") == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_text_file_is_replaced_in_one_step(tmp_path):
    write_text(tmp_path / "latest", "step-1")
    write_text(tmp_path / "latest", "step-2")
    assert (tmp_path / "latest").read_text() == "step-2"
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


def test_one_process_at_a_time(tmp_path):
    with locked(tmp_path / "run"):
        with pytest.raises(RunFailed, match="Another process is working on"):
            with locked(tmp_path / "run"):
                pass
    with locked(tmp_path / "run"):
        assert list((tmp_path / "run").iterdir()) == []
