"""The command line in-process: what it says, in both languages and as JSON, and what it leaves behind."""

import contextlib
import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from deepglass.cli.main import main
from deepglass.foundation.words import speaking

TINY = ("--size", "tiny", "--model", "mlp", "train.steps=2")


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs commands; `refused` gives the same one three times: in English, in Chinese, and as JSON."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        self.folder = folder
        self.capsys = capsys
        self.out = folder / "out"

    def __call__(self, *words: object) -> Said:
        self.capsys.readouterr()
        with speaking("en"):
            code = exit_code(*words)
        out, err = self.capsys.readouterr()
        return Said(code, out, err)

    def refused(self, code: int, *words: object, says: tuple[str, ...]) -> str:
        """The command ends with `code` and a sentence with these words; files are as before; returns the sentence."""
        before = state(self.folder)
        english = self(*words)
        assert english.code == code, english
        for part in says:
            assert part in english.err, f"{part!r} is not in: {english.err}"
        assert "Traceback" not in english.err and "went wrong inside" not in english.err
        document = self("--json", *words)
        error = document.document["error"]
        assert set(error) == {"code", "message", "exit_code"} and error["exit_code"] == code == document.code
        assert re.fullmatch(r"[a-z_]+\.[a-z_0-9]+", error["code"]) and error["message"] in english.err, error
        chinese = self("--lang", "zh-CN", *words)
        assert chinese.code == code and re.search(r"[\u4e00-\u9fff]", chinese.err), chinese
        assert error["message"] not in chinese.err and "{" not in error["message"]
        assert state(self.folder) == before, "something was written or changed"
        return english.err


def exit_code(*words: object) -> int:
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def run_quietly(*words: object) -> int:
    """For fixtures of a session, where no test captures what is printed."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), speaking("en"):
        return exit_code(*words)


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file with its time of change and hash; folders too, so that an empty one is seen."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        if path.is_file()
        else (0, "folder")
        for path in sorted(folder.rglob("*"))
    }


def picture(file: Path, seed: int, size: int = 8) -> Path:
    """Noise of its own."""
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)
    return file


def folders(root: Path, classes: str, count: int, seed: int = 0) -> Path:
    """Class folders of pictures that all differ."""
    for place, name in enumerate(classes):
        for number in range(count):
            picture(root / name / f"{number:02d}.png", seed + 1000 * place + number)
    return root


def table(file: Path, rows: int = 60, extra: str = "") -> Path:
    """Two numbers and a class; no two rows alike."""
    lines = [f"{row / 7:.4f},{(row * row) % 11},{'ab'[row % 2]}" for row in range(rows)]
    file.write_text("x,y,label\n" + "\n".join(lines) + "\n" + extra)
    return file
