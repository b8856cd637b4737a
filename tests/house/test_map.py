"""The README's floor plan equals the disk, in both languages."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_floor_plan_is_true(readme):
    told = set(re.findall(r"^[├└]── (\S+)", (PROJECT / readme).read_text(encoding="utf-8"), re.MULTILINE))
    root = PROJECT / "src" / "deepglass"
    there = {
        path.name + ("/" if path.is_dir() else "")
        for path in root.iterdir()
        if not path.name.startswith("_") and (path.is_dir() or path.suffix == ".py")
    }
    assert told == there


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_every_link_leads_somewhere(readme):
    text = (PROJECT / readme).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert links and not [link for link in links if not (PROJECT / link).exists()]
