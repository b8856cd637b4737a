"""Both languages say the same: every key in both, the same placeholders, every key used, every use known."""

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

from deepglass.foundation.words import LANGUAGES, say

ROOT = Path(__file__).parents[2] / "src" / "deepglass"
WORDS = ROOT / "foundation" / "words"
MESSAGES = {
    f"{file.stem}.{name}": entry
    for file in sorted(WORDS.glob("*.toml"))
    for name, entry in tomllib.loads(file.read_text(encoding="utf-8")).items()
}
SOURCES = {path: path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
TEMPLATES = {path: path.read_text(encoding="utf-8") for path in ROOT.rglob("*.jinja")}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", MESSAGES)
def test_both_languages_fill_the_same_places(key):
    entry = MESSAGES[key]
    assert set(entry) == set(LANGUAGES), key
    assert placeholders(entry["en"]) == placeholders(entry["zh-CN"]), key
    if re.search(r"[A-Za-z]{3}", re.sub(r"\{[^}]*\}", "", entry["en"])) and len(entry["en"]) > 24:
        assert re.search(r"[\u4e00-\u9fff]", entry["zh-CN"]), f"{key} is not in Chinese"


def test_every_message_that_is_said_exists():
    unknown = []
    rooms = {key.split(".")[0] for key in MESSAGES}
    for path, text in SOURCES.items():
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first, called = node.args[0], ast.unparse(node.func).split(".")[-1]
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                continue
            says = called in ("say", "has") or called.endswith(("Error", "Failed", "Mismatch", "Stopped"))
            if says and "." in first.value and first.value.split(".")[0] in rooms and first.value not in MESSAGES:
                unknown.append(f"{path}:{node.lineno}: {first.value}")
    assert not unknown


def test_every_message_is_used():
    text = "\n".join([*SOURCES.values(), *TEMPLATES.values()])
    quoted = set(re.findall(r"[\"']([\w.]+)[\"']", text))
    built = [piece for piece in re.findall(r"[\"']([\w.]*)\{", text) if piece]
    unused = [
        key
        for key in MESSAGES
        if key not in quoted
        and key.split(".", 1)[1] not in quoted
        and not any(key.startswith(piece) or key.split(".", 1)[1].startswith(piece) for piece in built)
    ]
    assert not unused


def test_a_message_is_said_in_the_language_asked_for():
    values = {"name": "resnet8", "room": "models", "hint": "", "offered": "resnet18"}
    assert say("catalogue.missing", lang="en", **values) == "No entry 'resnet8' in models. Offered: resnet18."
    assert say("catalogue.missing", lang="zh-CN", **values) == "models 中没有“resnet8”。可用的有：resnet18。"


def test_a_word_agrees_with_its_number():
    for count, end in (
        (1, "1 step back in lstm"),
        ("1", "1 step back in lstm"),
        (0, "0 steps back in lstm"),
        (12, "12 steps back in lstm"),
    ):
        assert say("explain.memory_reach", lang="en", steps=count, layer="lstm") == end
    assert say("explain.memory_reach", lang="zh-CN", steps=1, layer="lstm") == "lstm 可回溯 1 步"


def test_only_english_needs_two_forms():
    for key, entry in MESSAGES.items():
        assert "|" not in "".join(spec or "" for _, _, spec, _ in string.Formatter().parse(entry["zh-CN"])), key
        for _, name, spec, _ in string.Formatter().parse(entry["en"]):
            assert not spec or "|" not in spec or spec.count("|") == 1, (key, name)


def test_chinese_has_one_word_for_one_thing():
    readme = (ROOT.parents[1] / "README.zh-CN.md").read_text(encoding="utf-8")
    for other, word in {"掩膜": "掩码"}.items():
        found = [key for key, entry in MESSAGES.items() if other in entry["zh-CN"]]
        assert not found and other not in readme, f"say {word}: {found}"
