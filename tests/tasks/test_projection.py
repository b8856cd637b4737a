"""A real picture looked for: what the generator itself made is found again, anything else is neared, always alike."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import deepglass as dg
from deepglass.cli.main import main
from deepglass.cli.ways import GAP, WIDE, sheet_of
from deepglass.data.example import Batch
from deepglass.data.source import Picture
from deepglass.foundation.errors import UsageError
from deepglass.tasks.latents import Latents
from deepglass.tasks.projection import _each
from tests.tasks.test_latents import made

SMALL = {"train.plan": "plain", "train.batch": 8, "task.latent": 8}


@pytest.mark.parametrize(("name", "by_class"), [("gan", False), ("cgan", True), ("stylegan2", False)])
def test_what_the_generator_made_is_nearly_found_again(name, by_class):
    task, model = made(name, by_class)
    with torch.no_grad():  # so that pictures differ as those of a trained network do
        for module in model.generator.modules():
            if type(module).__name__ in ("Dense", "TransposedConv"):
                module.weight.mul_({"gan": 3, "cgan": 12, "stylegan2": 1}[name])
    label = "owl" if by_class else ""
    pixels = next(task.paint(model, 1, label, seed=1000))  # of a seed that is not among those it begins with
    latents = Latents(task, model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    found = latents.project(Picture(pixels), steps=150, label=label)
    np.testing.assert_array_equal(found.real, pixels)
    assert found.distance < 0.6 * found.begun and found.label == label
    assert found.found.shape == pixels.shape and found.code.shape == latents.codes(latents.drawn(0, label))[0].shape
    again = latents.project(Picture(pixels), steps=150, label=label)
    np.testing.assert_array_equal(again.found, found.found)
    assert again.distance == found.distance and not torch.equal(
        latents.project(Picture(pixels), steps=150, seed=1, label=label).code, found.code
    )
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_class_of_the_nearest_is_taken_where_none_is_named():
    task, model = made("cgan", True)
    with torch.no_grad():
        model.generator.known.weight.mul_(50)  # classes differ by far the most
        for module in model.generator.grow.modules():
            if type(module).__name__ == "TransposedConv":
                module.weight.mul_(8)
    pixels = next(task.paint(model, 1, "dog", seed=1000))
    assert Latents(task, model).project(Picture(pixels), steps=2).label == "dog"


def test_no_step_makes_it_worse_than_where_it_began():
    task, model = made("gan")
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 1), np.uint8)
    latents = Latents(task, model)
    real = latents.task.present(_batch(task, noise))["input"]
    for steps in (1, 7, 40):
        found = latents.project(Picture(noise), steps=steps)
        start = latents.project(Picture(noise), steps=1)
        far = [float(_each(_signed(one.found), real)) for one in (found, start)]
        assert far[0] <= far[1] + 1e-3


def _batch(task, pixels):
    return Batch(("",), {"input": task.prepare(Picture(pixels)).inputs["input"][None]})


def _signed(pixels):
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None].float() / 127.5 - 1


def test_distances_are_taken_at_every_size():
    real = torch.zeros(1, 1, 16, 16)
    fine, coarse = torch.zeros(2, 1, 16, 16).unbind(0)
    fine[..., ::2], fine[..., 1::2] = 1, -1  # gone at half the size
    coarse[..., :8], coarse[..., 8:] = 1, -1
    assert float(_each(fine[None], real)) == 1 and float(_each(coarse[None], real)) == 3  # 16, 8 and 4 a side


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("bars")
    random = np.random.default_rng(0)
    for number in range(40):
        pixels, at = np.zeros((32, 32), np.uint8), int(random.integers(1, 28))
        pixels[at : at + 4] = 255
        folder = place / "data" / ("wide", "high")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    sizes = {"model.style": 8, "model.base": 64, "model.most": 4, "model.depth": 1, "task.picture.size": 32}
    asked = SMALL | sizes | {"train.steps": 2}
    named = {"task": "generate_images", "model": "stylegan2", "size": "tiny"}
    return dg.train(place / "data", out=place / "run", settings=asked, **named)


def told(capsys, *words):
    main(["generate", *map(str, words), "--json"])
    return json.loads(capsys.readouterr().out)


def test_ways_are_written_as_pictures_and_sheets(run, tmp_path, capsys):
    folder = run.run.folder
    walk = told(capsys, folder, "walk=0,3,5", "--count", "4", "--out", tmp_path / "walk")
    names = sorted(file.name for file in (tmp_path / "walk").iterdir())
    legs = [f"walk-{leg}-{place}.png" for leg in ("0-to-3", "3-to-5") for place in range(1, 5)]
    assert names == sorted([*legs, "walk-0-3-5.png"])
    assert walk["pictures"] == [str(tmp_path / "walk" / name) for name in legs] and walk["way"] == "walk"
    assert walk["sheet"] == str(tmp_path / "walk" / "walk-0-3-5.png") and walk["seeds"] == [0, 3, 5]


def test_a_sheet_is_none_of_the_pictures_that_are_counted(run, tmp_path, capsys):
    for words, said in (
        (["walk=0,3,5", "--count", "4"], f"8 pictures written to {tmp_path}, and all of them on one sheet: walk-0-3-5"),
        (["mix=0:1"], f"Written to {tmp_path}: one sheet with all pictures, mix-0-by-1.png."),
    ):
        main(["generate", str(run.run.folder), *words, "--out", str(tmp_path)])
        assert said in capsys.readouterr().out


def test_a_walk_has_a_sheet_of_its_own_name(run, tmp_path, capsys):
    told(capsys, run.run.folder, "walk=0,1", "--count", "3", "--out", tmp_path)
    wide = 3 * 32 + 2 * GAP
    with Image.open(tmp_path / "walk-0-1.png") as sheet:
        assert sheet.size == (wide * (WIDE // wide), 32 * (WIDE // wide))
    first = np.asarray(Image.open(tmp_path / "walk-0-to-1-1.png"))[..., :1]
    np.testing.assert_array_equal(first, run.pictures(1, seed=0)[0])


def test_mixtures_directions_and_the_likest_of_a_picture(run, tmp_path, capsys):
    folder = run.run.folder
    mixed = told(capsys, folder, "mix=0,1:2,3,4", "layer=2", "--out", tmp_path)
    assert mixed["pictures"] == [] and mixed["rows"] == [0, 1] and mixed["columns"] == [2, 3, 4]
    with Image.open(mixed["sheet"]) as sheet:
        assert sheet.size[0] > sheet.size[1]
    ways = told(capsys, folder, "directions=3", "seed=2", "--out", tmp_path)
    assert (
        ways["pictures"] == [] and len(ways["shares"]) == 3 and ways["shares"] == sorted(ways["shares"], reverse=True)
    )
    asked = run.run.folder.parent / "data" / "wide" / "0.png"
    found = told(capsys, folder, f"project={asked}", "steps=3", "--out", tmp_path)
    assert [file.rpartition("/")[2] for file in found["pictures"]] == ["0-real.png", "0-found.png"]
    assert 0 < found["distance"] <= 1 and found["steps"] == 3 and found["made_as"] == ""
    assert found["code"] == str(tmp_path / "0-code.safetensors")
    kept = load_file(found["code"])
    again = run.run.bundle.latents.painted(kept["code"][None], Batch(("",), {"noise": kept["noise"]}))[0]
    np.testing.assert_array_equal(again[..., 0], np.asarray(Image.open(found["pictures"][1]))[..., 0])
    real = np.asarray(Image.open(found["pictures"][0]))[..., 0]
    np.testing.assert_array_equal(real, np.asarray(Image.open(asked)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["walk=0"], "to that of another in two pictures or more: walk=0,1."),
        (["walk=0,a"], "with commas between, such as walk=0,1,2 or mix=0,1:2,3; got '0,a'."),
        (["mix=0,1"], "Seeds are whole numbers from 0 on with commas between"),
        (["mix=0:1", "layer=99"], "Fine styles begin at a layer from 1 to 7; got 99."),
        (["walk=0,1", "directions=2"], "One way at a time; got walk, directions. Keep one of them."),
        (["project=no.png"], "There is no picture no.png that could be looked for. Name a file: project=FILE."),
        (["project={damaged}"], "The picture that is to be looked for cannot be read:"),
        (["steps=many", "project={damaged}"], "steps=many"),
        (["directions=0"], "directions=0 asks for nothing. Give it a value, or leave it out."),
        (["steps=5"], "steps would change nothing here. Leave that out."),
        (["walk=0,1", "seed=3"], "seed would change nothing here."),
        (["mix=0:1", "--count", "4"], "--count would change nothing here."),
        (["project={damaged}", "--truncation", "0.5"], "--truncation would change nothing here."),
    ],
)
def test_what_is_asked_wrongly_is_said_in_one_sentence(words, said, run, tmp_path, capsys):
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(SystemExit):
        words = [word.format(damaged=damaged) for word in words]
        main(["generate", str(run.run.folder), *words, "--out", str(tmp_path)])
    assert said in capsys.readouterr().err


def test_networks_without_latents_say_so():
    with pytest.raises(UsageError, match="makes no pictures out of random numbers"):
        dg.load("digits").latents  # noqa: B018


def test_a_sheet_has_its_pictures_in_their_places():
    rows = [[np.full((2, 3, 1), 10 * down + across, np.uint8) for across in range(3)] for down in range(2)]
    sheet = sheet_of(rows)
    assert sheet.shape == (2 * 2 + GAP, 3 * 3 + 2 * GAP, 1)
    assert (sheet[2 + GAP :, 3 + GAP : 6 + GAP] == 11).all() and (sheet[2 : 2 + GAP] == 255).all()
