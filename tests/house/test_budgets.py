"""Everything fits in one sitting: files, functions, constructors, folders and classes keep to their budgets."""

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
ROOT = PROJECT / "src" / "deepglass"
FILES = sorted(ROOT.rglob("*.py"))
OURS = {
    node.name: [ast.unparse(base).split(".")[-1] for base in node.bases]
    for path in FILES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef)
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_budgets(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{path} has {text.count(chr(10))} lines"
    assert len(path.relative_to(ROOT).parts) <= 3, f"{path} lies too deep"
    assert path.stem not in {"utils", "helpers", "common", "misc", "util", "helper", "tools"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= 60, f"{path}:{node.lineno}: {node.name} has {lines} lines"
            if node.name == "__init__":
                arguments = len(node.args.args) + len(node.args.kwonlyargs) - 1
                assert arguments <= 10, f"{path}:{node.lineno}: a constructor with {arguments} arguments"
        elif isinstance(node, ast.ClassDef):
            assert depth(node.name) <= 2, f"{path}:{node.lineno}: {node.name} is {depth(node.name)} classes deep"


def depth(name: str, seen: tuple[str, ...] = ()) -> int:
    """Classes of ours above and including this one; protocols and other people's classes do not count."""
    if name not in OURS or name in seen:
        return 0
    return 1 + max((depth(base, (*seen, name)) for base in OURS[name]), default=0)


def test_no_leftovers():
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line), f"{path}:{number}"


def test_every_file_says_what_it_is():
    missing = [path for path in FILES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not missing
