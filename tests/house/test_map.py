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


@pytest.mark.parametrize("page", sorted(PROJECT.glob("docs/*.md")), ids=lambda page: page.name)
def test_every_page_names_files_that_are_there(page):
    """A promise names the test that holds it, and the test exists; links are from the page's own folder."""
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert not [link for link in links if not (page.parent / link).exists()]
    named = re.findall(r"`((?:tests|src|records|benchmarks)/[\w/.-]+)`", text)
    assert not [name for name in named if not (PROJECT / name).exists()]
