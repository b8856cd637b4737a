"""From a run and files to sentences, pictures and JSON; the verb and its errors."""

import json
import weakref

import numpy as np
import pytest
from PIL import Image

from deepglass.cli.main import main
from deepglass.data import files
from deepglass.data.readers.picture import read_picture
from deepglass.explain.answer import Explained, choose_method, explain, methods
from deepglass.explain.method import Explanation
from deepglass.explain.write import sentence, write_explanations
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import speaking
from deepglass.journey import load
from tests.explain.conftest import trained


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


def test_the_default_method_follows_from_the_network(xor, squares):
    assert methods(load(xor)) == ["boundary", "weights", "integrated_gradients"]
    assert methods(load(squares[1])) == [
        "grad_cam",
        "weights",
        "occlusion",
        "integrated_gradients",
        "eigen_cam",
        "levels",
    ]


def test_a_method_that_does_not_fit_names_those_that_do(xor):
    with pytest.raises(UsageError, match=r"'grad_cam' does not fit .* Use one of: boundary, weights, integrated"):
        choose_method(load(xor), "grad_cam")
    with pytest.raises(UsageError, match=r"No entry 'gradcam' .* Did you mean grad_cam"):
        choose_method(load(xor), "gradcam")


def test_inputs_are_read_as_their_turn_comes(squares, monkeypatch):
    root, run = squares
    names, read = [str(root / "square" / f"{place:02d}.png") for place in range(8)], []
    monkeypatch.setattr(files, "read_picture", lambda file, fit=None: read.append(file) or read_picture(file, fit))
    for count, one in enumerate(explain(load(run), names, "grad_cam"), 1):
        assert one.answer["id"] == names[count - 1] and len(read) <= max(2, count)
    assert len(read) == 8


def test_explanations_go_to_the_disk_one_by_one(tmp_path):
    made, most = [], []

    def found():
        for place in range(60):
            heat = np.full((8, 8), place, dtype=np.float32)
            made.append(weakref.ref(heat))
            most.append(sum(one() is not None for one in made))
            answer = {"id": f"{place}.png", "prediction": "square", "confidence": 0.5}
            yield Explained(answer, Explanation({"heat": Levels()}, {"heat": heat}, "why"))

    class Levels:
        def png(self):
            return b"a picture"

    document = write_explanations(found(), "grad_cam", "lenet5", tmp_path)
    assert max(most) <= 3 and len(document["explanations"]) == 60
    arrays = np.load(tmp_path / "explanation.npz")
    assert len(arrays.files) == 60 and all((arrays[f"{place + 1:03d}.heat"] == place).all() for place in range(60))
    assert len(list(tmp_path.glob("*.png"))) == 20 and not list(tmp_path.glob("*tmp*"))


def test_a_method_that_needs_an_input_says_so(squares):
    with pytest.raises(UsageError, match=r"'grad_cam' explains an answer, so it needs an input"):
        list(explain(load(squares[1]), []))


@pytest.mark.parametrize("method", ["grad_cam", "occlusion", "integrated_gradients"])
def test_heat_lies_on_the_square_that_the_network_learned(squares, method):
    root, run = squares
    bundle = load(run)
    files = [str(root / "square" / f"{place:02d}.png") for place in range(8)]
    inside = []
    for one in explain(bundle, files, method):
        assert one.answer["prediction"] == "square"
        values = np.asarray(Image.open(one.answer["id"]).convert("L"))
        heat = one.explanation.arrays["parts" if method == "integrated_gradients" else "heat"]
        heat = np.abs(heat).sum(0) if heat.ndim == 3 else heat
        heat = np.asarray(Image.fromarray(heat.clip(min=0)).resize(values.shape[::-1], Image.Resampling.BILINEAR))
        near = np.asarray(Image.fromarray((values > 200).astype(np.uint8)).resize(values.shape[::-1])) > 0
        inside.append(heat[near].mean() / max(heat[~near].mean(), 1e-9))
    assert np.median(inside) > 1.5


def test_rows_of_numbers_may_be_typed(xor):
    one = next(iter(explain(load(xor), ["0.1,0.9"], "integrated_gradients")))
    assert one.answer["id"] == "0.1,0.9"
    assert one.explanation.arrays["parts"].shape == (2,)
    assert one.explanation.views["integrated_gradients"].names == ("x1", "x2")


def test_the_boundary_agrees_with_the_answers(xor):
    bundle = load(xor)
    found = next(iter(explain(bundle, [], "boundary"))).explanation
    regions = found.views["boundary"].regions
    height, width = regions.classes.shape
    for row, column in ((0, 0), (height - 1, width - 1), (20, width - 30)):
        x = np.linspace(*regions.x, width, dtype=np.float32)[column]
        y = np.linspace(*regions.y, height, dtype=np.float32)[row]
        answer = bundle.predict(np.array([[x, y]], dtype=np.float32))[0]["prediction"]
        assert answer == str(regions.classes[row, column])


def run_verb(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["explain", *words])
        raise SystemExit(0)
    out = capsys.readouterr()
    return ended.value.code or 0, out.out, out.err


def test_the_verb_writes_pictures_json_and_a_page(squares, tmp_path, capsys):
    root, run = squares
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    good = str(root / "square" / "00.png")
    code, out, err = run_verb(capsys, str(run), good, str(bad), "--out", str(tmp_path / "why"), "--json")
    assert code == 3
    document = json.loads(out)
    assert document["method"] == "grad_cam"
    first, second = document["explanations"]
    assert first["prediction"] == "square" and 0 < first["confidence"] <= 1
    assert "error" in second
    assert (tmp_path / "why" / first["pictures"][0]).read_bytes().startswith(b"\x89PNG")
    with np.load(tmp_path / "why" / "explanation.npz", allow_pickle=False) as arrays:
        assert list(arrays[first["arrays"]["heat"]["key"]].shape) == first["arrays"]["heat"]["shape"]
    stored = json.loads((tmp_path / "why" / "explanation.json").read_text())
    assert stored["explanations"] == document["explanations"]
    page = (tmp_path / "why" / "explanation.html").read_text()
    assert "http" not in page and "data:image/png" in page
    assert f"{good}: square (" in err


def test_the_verb_without_a_file_shows_the_network(xor, tmp_path, capsys):
    code, out, _ = run_verb(capsys, str(xor), "--out", str(tmp_path))
    assert code == 0 and "Of the area around the training data" in out


def test_the_verb_ends_with_3_where_nothing_could_be_read(squares, tmp_path, capsys):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    assert run_verb(capsys, str(squares[1]), str(bad), "--out", str(tmp_path / "x"))[0] == 3


def test_both_languages(xor, tmp_path, capsys):
    _, out, _ = run_verb(capsys, str(xor), "0.1,0.9", "--method", "boundary", "--out", str(tmp_path), "--lang", "zh-CN")
    assert "各类回答所占面积" in out
    assert '<html lang="zh-CN">' in (tmp_path / "explanation.html").read_text()


def test_rows_of_a_table_are_explained_by_what_pushed_each(xor, tmp_path, capsys):
    table = tmp_path / "rows.csv"
    table.write_text("x1,x2\n" + "".join(f"0.{place:02d},0.3\n" for place in range(30)))
    code, out, err = run_verb(capsys, str(xor), str(table), "--out", str(tmp_path / "why"), "--json")
    document = json.loads(out)
    assert code == 0 and document["method"] == "integrated_gradients"
    assert len(document["explanations"]) == 30 and len({one["words"] for one in document["explanations"]}) > 20
    assert [bool(one["pictures"]) for one in document["explanations"]] == [True] * 20 + [False] * 10
    page = (tmp_path / "why" / "explanation.html").read_text()
    assert (
        page.count("<img") == 20 and "There are 30 inputs; the page shows the first 20" in page and "30 inputs" in err
    )


@pytest.mark.parametrize("method", ["weights", "boundary"])
def test_what_is_the_networks_is_shown_once_for_all_rows(xor, tmp_path, capsys, method):
    rows = [f"0.{place},0.{9 - place}" for place in range(10)]
    code, out, err = run_verb(capsys, str(xor), *rows, "--method", method, "--out", str(tmp_path), "--json")
    document = json.loads(out)
    assert code == 0 and [one["id"] for one in document["explanations"]] == rows
    assert all("prediction" in one and "pictures" not in one for one in document["explanations"])
    assert len(document["network"]["pictures"]) == 1 and len(list(tmp_path.glob("*.png"))) == 1
    assert err.count(document["network"]["words"]) == 1
    assert (tmp_path / "explanation.html").read_text().count("<img") == 1


def test_the_page_shows_the_picture_beside_the_heat_and_how_to_read_it(squares, tmp_path, capsys):
    root, run = squares
    good = str(root / "square" / "00.png")
    _, out, _ = run_verb(capsys, str(run), good, "--out", str(tmp_path), "--json")
    entry = json.loads(out)["explanations"][0]
    assert (tmp_path / entry["input"]).is_file() and entry["input"] not in entry["pictures"]
    page = (tmp_path / "explanation.html").read_text()
    assert page.count("<img") == 2 and "bright is where" in page and "tanh" not in page


def test_a_number_is_shared_out_among_the_columns_in_its_own_unit(tmp_path, capsys):
    """target = 100 + 10 a - 5 b: a row's parts say how far each column moved it from the average answer."""
    points = np.random.default_rng(0).normal(size=(160, 3))
    lines = [f"{a:.4f},{b:.4f},{c:.4f},{100 + 10 * a - 5 * b:.4f}" for a, b, c in points]
    (tmp_path / "n.csv").write_text("a,b,c,target\n" + "\n".join(lines) + "\n")
    run = trained(tmp_path / "n.csv", tmp_path / "run", "train.steps=300", "data.target=target", "data.cache=false")
    assert "integrated_gradients" in methods(load(run))
    code, out, err = run_verb(capsys, str(run), "--out", str(tmp_path / "why"), "--json", "--", "1,-1,1", "-1,0,2")
    document = json.loads(out)
    assert code == 0 and document["method"] == "integrated_gradients"
    arrays = np.load(tmp_path / "why" / "explanation.npz")
    answers = load(run).predict([np.array([1, -1, 1]), np.array([-1, 0, 2]), points.mean(0)])
    middle = answers[2]["prediction"]
    for place, expected in ((1, (10, 5, 0)), (2, (-10, 0, 0))):
        parts = arrays[f"{place:03d}.parts"]
        assert np.allclose(parts, expected, atol=2.5)
        assert parts.sum() == pytest.approx(answers[place - 1]["prediction"] - middle, abs=1.0)
    assert "the answer differs from that for an average input" in err and "score" not in err
    assert run_verb(capsys, str(run), "--method", "weights", "--out", str(tmp_path / "w"))[0] == 0


def test_a_sentence_names_the_shot_that_it_is_about():
    with speaking("en"):
        said = sentence(Explained({"id": "a.mp4", "prediction": "a dog", "start": 4.13, "end": 66.5}, None))
        assert said.startswith("a.mp4 0:04.1 – 1:06.5: a dog")
        assert sentence(Explained({"id": "a.jpg", "prediction": "a dog"}, None)).startswith("a.jpg: a dog")
