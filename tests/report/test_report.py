"""The page and its JSON: sections, languages, escaping, no network, the same figures in both."""

import html
import json
import re

import numpy as np
import pytest
from PIL import Image

from deepglass.foundation.words import say, speaking
from deepglass.report.write import SECTIONS, write_report
from tests.report.conftest import HOSTILE, trained

EVERYWHERE = {
    "scores",
    "mistakes",
    "floor",
    "embedding",
    "calibration",
    "mislabelled",
    "curves",
    "data",
    "network",
    "settings",
}


def written(made, lang):
    file = write_report(made.run, made.material, made.results, lang)
    document = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    return file.read_text(encoding="utf-8"), document


def sections(page):
    return re.findall(r'<section id="(\w+)">', page)


def section(page, name):
    return re.search(rf'<section id="{name}">.*?</section>', page, flags=re.DOTALL).group()


@pytest.fixture(scope="module")
def english(digits):
    return written(digits, "en")


@pytest.fixture(scope="module")
def chinese(digits):
    return written(digits, "zh-CN")


def test_a_run_ends_with_its_report(digits):
    assert digits.report == digits.folder / "report.html"
    assert digits.report.is_file()


def test_pictures_have_every_section_but_boundary_and_groups(english):
    page, document = english
    assert set(sections(page)) == EVERYWHERE
    assert set(document) == EVERYWHERE | {"version", "run", "headline"}


def test_two_columns_have_a_boundary(perceptron):
    page, document = written(perceptron, "en")
    assert set(sections(page)) == EVERYWHERE - {"embedding"} | {"boundary"}  # one neuron has no stages
    assert document["boundary"]["straight_line_fails"] is True
    assert "One straight line cannot separate these classes" in section(page, "boundary")
    assert "--model mlp" in section(page, "boundary")


def test_groups_appear_where_a_group_column_is_given(sites):
    page, document = written(sites, "en")
    gap = document["groups"]["gap"]
    assert gap["worst"].startswith("B") and gap["best"].startswith("A")
    assert f"{gap['worst']} is right" in section(page, "groups")
    assert sum(one["n"] for one in document["groups"]["groups"].values()) == document["headline"]["n"]


def test_a_whole_page_is_in_one_language(english, chinese):
    for (page, _), lang in ((english, "en"), (chinese, "zh-CN")):
        assert f'<html lang="{lang}">' in page
        for make in SECTIONS:
            if make.__name__ in EVERYWHERE:
                assert say(f"report.title_{make.__name__}", lang) in page
    words = re.sub(r"<(style|script)>.*?</\1>", "", english[0], flags=re.DOTALL)
    assert not re.search(r"[\u4e00-\u9fff]{2,}", words.replace("零", ""))
    leads = re.findall(r'<p class="lead">(.*?)</p>', chinese[0], flags=re.DOTALL)
    assert leads and all(re.search(r"[\u4e00-\u9fff]{4,}", lead) for lead in leads)


def test_the_language_in_force_is_left_as_it_was(digits):
    with speaking("en"):
        written(digits, "zh-CN")
        assert say("report.epoch") == "epoch"


def test_nothing_comes_from_the_network(english, chinese, perceptron):
    for page in (english[0], chinese[0], written(perceptron, "en")[0]):
        assert "http://" not in page and "https://" not in page
        assert not re.search(r"@import|<link|<iframe|url\((?!#)", page)
        assert all(src.startswith("data:image/") for src in re.findall(r'<img src="([^"]*)"', page))


def test_names_of_classes_cannot_write_markup(english):
    page, document = english
    assert HOSTILE not in page and "<img src=x" not in page
    assert html.escape(HOSTILE) in page
    assert HOSTILE in document["scores"]["confusion"]["labels"]


def test_the_page_is_well_formed(english):
    page = re.sub(r"<!DOCTYPE html>|<(style|script)>.*?</\1>", "", english[0], flags=re.DOTALL)
    open_now = []
    for closing, name, empty in re.findall(r"<(/?)([a-zA-Z][\w]*)(?:\"[^\"]*\"|[^>\"])*?(/?)>", page):
        if name in ("meta", "img", "br") or empty:
            continue
        if closing:
            assert open_now.pop() == name
        else:
            open_now.append(name)
    assert open_now == []


def exact(fragment):
    """Rows of data-value in a piece of the page."""
    rows = re.findall(r"<tr>(.*?)</tr>", fragment, flags=re.DOTALL)
    found = [[float(value) for value in re.findall(r'data-value="([^"]*)"', row)] for row in rows]
    return [row for row in found if row]


def test_the_json_has_the_figures_of_the_page(english):
    page, document = english
    scores = document["scores"]
    per_class = [[row[name] for name in ("precision", "recall", "f1", "auroc", "n")] for row in scores["classes"]]
    rows = exact(section(page, "scores"))
    assert all(row in rows for row in per_class)
    for name, figure in scores["parts"]["test"].items():
        others = [scores["parts"][part][name]["value"] for part in ("train", "val", "test")]
        assert [*others, figure["low"], figure["high"]] in rows
    floor = exact(section(page, "floor"))
    assert [[one["value"], one["low"], one["high"], one["numbers"]] for one in document["floor"].values()] == floor
    counts = [[float(row[part]) for part in ("train", "val", "test")] for row in document["data"]["classes"]]
    assert exact(section(page, "data")) == counts


def test_the_headline_is_the_first_figure_of_the_test_part(english, digits):
    page, document = english
    figure = digits.results["test"][0]["accuracy"]
    assert document["headline"]["value"] == figure.value
    assert document["headline"]["part"] == "test"
    large = re.search(r'<p class="large">(.*?)</p>', page).group(1)
    assert float(large.rstrip(" %")) == pytest.approx(100 * figure.value, abs=0.05)


def test_mistakes_show_pictures_with_heat_and_names(digits, english):
    page, document = english
    worst = document["mistakes"]["worst"]
    cards = re.findall(r'<figure class="card">.*?</figure>', section(page, "mistakes"), flags=re.DOTALL)
    assert len(cards) == len(worst)
    for card, entry in zip(cards, worst, strict=True):
        assert html.escape(entry["id"]) in card
        assert card.count("<img") == 2
    assert [one["confidence"] for one in worst] == sorted((one["confidence"] for one in worst), reverse=True)


def test_mislabelled_pictures_are_found(colours):
    _, document = written(colours, "en")
    held_out = {name for part in ("val", "test") for name in ids(colours, part)}
    planted = {"red/00.png", "red/01.png"} & held_out
    shown = {one["id"]: one["likely"] for one in document["mislabelled"]["shown"]}
    assert planted <= set(shown)
    assert all(shown[name] == "green" for name in planted)


def ids(made, part):
    return [made.material.store.index.ids[row] for row in made.material.rows[part]]


def test_the_command_repeats_the_run(perceptron):
    _, document = written(perceptron, "en")
    assert document["settings"]["command"] == (
        "deepglass train made:xor --size tiny model.name=perceptron train.steps=200"
    )
    assert document["settings"]["settings"]["train.steps"] == {"value": 200, "origin": "command line"}


def test_the_settings_are_those_that_the_data_made(digits, english):
    page, document = english
    assert document["settings"]["settings"]["model.classes"] == {"value": 3, "origin": "data"}
    assert "from the data" in section(page, "settings")
    assert "model.classes" not in document["settings"]["command"]


def test_pictures_are_said_in_their_own_size(digits, english):
    lead = re.search(r'<p class="lead">(.*?)</p>', section(english[0], "data")).group(1)
    assert "pictures of 28 × 28 pixels" in lead


def test_no_temperature_is_recommended_that_does_not_help(english):
    page, document = english
    found = document["calibration"]
    assert found["verdict"] in ("good", "off", "few")
    assert ("Dividing the scores" in section(page, "calibration")) == found["temperature_helps"]


def test_numbers_are_shown_predicted_against_true(tmp_path):
    rows = [f"{place % 17},{place % 5},{0.37 * (place % 17) - place % 5 + 0.01 * place:.3f}" for place in range(120)]
    (tmp_path / "n.csv").write_text("a,b,target\n" + "\n".join(rows) + "\n")
    page, _ = written(trained(tmp_path / "n.csv", tmp_path / "run", "train.steps=20", "data.test=0.3"), "en")
    assert "Predicted against true" in section(page, "scores") and "furthest off" in section(page, "scores")


def test_each_label_of_several_has_its_row(tmp_path):
    rows = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
    np.savez(tmp_path / "m.npz", x=rows, y=(rows[:, :3] > 0).astype("uint8"))
    page, document = written(trained(tmp_path / "m.npz", tmp_path / "run", "train.steps=20", "data.test=0.3"), "en")
    labels = document["scores"]["labels"]
    assert len(labels) == 3 and all(0 < one["n"] <= 27 and 0 <= one["f1"] <= 1 for one in labels)
    assert "F1 by label" in section(page, "scores")


def test_the_worst_mistakes_with_several_labels_are_seen_with_their_pictures(tmp_path):
    """Colours are the labels; of two pictures the table forgets one or names one too many."""
    generator = np.random.default_rng(0)
    lines = ["file,red,green,blue,split"]
    for place in range(72):
        has = [place % 2, place // 2 % 2, place // 4 % 2]
        pixels = generator.integers(0, 60, (16, 16, 3), dtype=np.uint8) + (150 * np.array(has)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{place:02d}.png")
        told = {56: [0, 0, 1], 57: [1, 1, 1]}.get(place, has)  # in truth 56 has none of them and 57 is red
        lines.append(f"{place:02d}.png,{','.join(map(str, told))},{'test' if place >= 56 else 'train'}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    words = ("model.name=mlp", "train.steps=150", "train.lr=0.003", "data.cache=false", "task.picture.size=16")
    page, document = written(trained(tmp_path, tmp_path / "run", *words), "en")
    found = document["mistakes"]
    assert (found["wrong"], found["of"]) == (2, 16)
    by_name = {one["id"]: one for one in found["worst"]}
    assert by_name["56.png"]["true"] == ["blue"] and by_name["56.png"]["predicted"] == []
    assert by_name["57.png"]["true"] == ["blue", "green", "red"] and by_name["57.png"]["predicted"] == ["red"]
    cards = re.findall(r'<figure class="card">.*?</figure>', section(page, "mistakes"), flags=re.DOTALL)
    assert len(cards) == 2 and all("data:image/png;base64," in card for card in cards)
    assert "missed blue" in cards[0] + cards[1] and "blue, taken for none of the labels" in cards[0] + cards[1]


def test_mistakes_of_rows_with_several_labels_are_a_table(tmp_path):
    rows = np.random.default_rng(0).normal(size=(90, 4)).astype("float32")
    np.savez(tmp_path / "m.npz", x=rows, y=np.random.default_rng(1).integers(0, 2, (90, 3)).astype("uint8"))
    page, document = written(trained(tmp_path / "m.npz", tmp_path / "run", "train.steps=9", "data.test=0.3"), "en")
    worst = document["mistakes"]["worst"]
    assert worst == sorted(worst, key=lambda one: -one["confidence"]) and all(one["confidence"] > 0.5 for one in worst)
    assert all(set(one["true"]) != set(one["predicted"]) for one in worst)
    assert worst[0]["id"] in section(page, "mistakes") and " sure" in section(page, "mistakes")


def test_a_report_is_small(digits):
    assert digits.report.stat().st_size < 2_000_000
