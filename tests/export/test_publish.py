"""What is published: answers as the bundle's, a card that the hub's own library reads, nothing of where it lay."""

import json
import sys
import types
from dataclasses import is_dataclass
from typing import get_type_hints

import huggingface_hub
import numpy as np
import pytest
import torch
import yaml
from PIL import Image

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.export.card import KINDS, Told, card, front_matter, pipeline
from deepglass.export.publish import FILES as PATHS
from deepglass.export.publish import LICENCES, at_home
from deepglass.foundation import catalogue
from deepglass.foundation.errors import MachineError, RunFailed, UsageError
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import speaking
from deepglass.weights import hub
from tests.tasks.conftest import paint

FILES = ["README.md", "bundle.json", "config.json", "model.safetensors", "preprocessor_config.json"]


@pytest.fixture(autouse=True)
def english():
    hub._fetched.cache_clear()
    with speaking("en"):
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A run on pictures in a folder whose name is nobody's business, with costs from a file there."""
    root = tmp_path_factory.mktemp("alice-at-home")
    random = np.random.default_rng(0)
    for label, count in {"red": 60, "green": 60, "<b>blue|</b>": 40}.items():
        (root / "secret" / label.replace("/", "")).mkdir(parents=True)
        for number in range(count):
            name = "blue" if "blue" in label else label
            paint([name], random, 12).save(root / "secret" / label.replace("/", "") / f"{number:02d}.png")
    (root / "costs.toml").write_text("[red]\ngreen = 5\n")
    words = ["model.name=mlp", "train.steps=30", "data.cache=false", "train.plan=plain", "data.val=0.3"]
    words += ["task.decision.abstain=0.2", f"task.decision.costs={root / 'costs.toml'}"]
    with speaking("en"):
        proposal = journey.propose(str(root / "secret"), parse_assignments(words), "tiny")
        return journey.train(proposal, out=str(root / "run"))


def asked(home):
    """Pictures to ask about."""
    return sorted(str(file) for file in (home.run.folder.parent / "secret").rglob("*.png"))[::7]


def test_a_published_folder_answers_as_the_bundle_does(home, tmp_path):
    found = dg.publish(home.run.folder, tmp_path / "flowers", "mit")
    assert found.files == FILES and found.address == "" and found.figures["accuracy"] > 0.5
    assert sorted(file.name for file in found.folder.iterdir()) == sorted([*FILES, "manifest.json"])
    files = asked(home)
    wanted = dg.load(home.run.folder).predict(files)
    for bundle in (dg.load(tmp_path / "flowers"), dg.Bundle.from_pretrained(str(tmp_path / "flowers"))):
        for answer, other in zip(bundle.predict(files), wanted, strict=True):
            assert answer["decision"] == other["decision"]
            assert answer["confidence"] == pytest.approx(other["confidence"], abs=1e-6)
    again = dg.publish(tmp_path / "flowers", tmp_path / "again", "mit")  # and can be published again
    assert (again.folder / "bundle.json").read_bytes() == (found.folder / "bundle.json").read_bytes()


def test_a_card_may_be_written_over_and_weights_may_not(home, tmp_path):
    folder = dg.publish(home.run.folder, tmp_path / "a", "mit").folder
    (folder / "README.md").write_text("mine")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs")
    assert dg.load(folder).name == "mlp"
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(RunFailed, match="model.safetensors"):
        dg.load(folder)


def test_nothing_says_where_anything_lay(home, tmp_path):
    folder = dg.publish(home.run.folder, tmp_path / "out" / "flowers", "mit").folder
    for file in folder.iterdir():
        content = file.read_bytes()
        for private in (b"alice", b"secret", str(tmp_path).encode(), b"/"):
            assert private not in content or (private == b"/" and file.name != "bundle.json"), (file.name, private)
    document = json.loads((folder / "bundle.json").read_text())
    assert document["about"].keys() == {"step", "seed"}
    assert document["task"]["settings"]["decision"]["costs"] == "costs.toml"
    assert document["facts"]["decision"]["costs"]  # what stood in it is there


def test_public_weights_keep_their_name_and_other_starts_none():
    about = {"run": "r", "place": "/home/a", "weights": {"name": "resnet18.a1_in1k", "file": "/home/a/w", "parent": ""}}
    whole = {"about": about, "model": {"settings": {"a": ["C:\\x\\y", 1]}}, "task": {"settings": {}}}
    found = at_home(whole)  # of a network of one's own any text with a slash may be a path
    assert found["about"] == {"weights": {"name": "resnet18.a1_in1k"}}
    assert found["model"]["settings"] == {"a": ["y", 1]} and whole["about"] is about


def test_of_what_is_ours_only_paths_become_the_names_of_their_files():
    settings = {"screen": "red/blue", "picture": {"note": "a/b"}, "decision": {"costs": "/home/alice/costs.csv"}}
    own = {"name": "classify", "settings": settings}
    found = at_home({"about": {}, "model": {"name": "mlp", "settings": {}}, "task": own})["task"]["settings"]
    assert found == {"screen": "red/blue", "picture": {"note": "a/b"}, "decision": {"costs": "costs.csv"}}


def test_every_text_among_settings_is_known_as_a_path_or_as_none():
    offered = [(room, name) for room in ("models", "tasks") for name in catalogue.entries(room)]
    found = {name for one in offered for name in texts_in(catalogue.find(*one))}
    assert found - PATHS == {"backbone", "screen"} and found >= PATHS


def texts_in(settings):
    """Names of settings that any text may stand in, those inside others as well."""
    hints = get_type_hints(type(settings)) if is_dataclass(settings) else {}
    for name, hint in hints.items():
        if is_dataclass(getattr(settings, name)):
            yield from texts_in(getattr(settings, name))
        elif hint in (str, tuple[str, ...], list[str]):
            yield name


def test_the_hubs_own_library_reads_the_card(home, tmp_path):
    folder = dg.publish(home.run.folder, tmp_path / "flowers", "cc-by-4.0", dataset="Flowers of 2026").folder
    read = huggingface_hub.ModelCard.load(folder / "README.md")
    data = read.data
    assert (data.license, data.library_name, data.pipeline_tag) == ("cc-by-4.0", "deepglass", "image-classification")
    assert data.tags == ["deepglass", "mlp", "classify"] and data.model_name == "flowers"
    results = {one.metric_type: one for one in data.eval_results}
    figure = home.figures["test"]["accuracy"]
    assert results["accuracy"].metric_value == pytest.approx(figure.value, abs=1e-6)
    assert results["accuracy"].dataset_name == "Flowers of 2026" and results["accuracy"].dataset_split == "test"
    assert "| 0 | &lt;b&gt;blue\\|&lt;b&gt; | " in read.text and "<b>" not in read.text
    assert "When it asks for a person was chosen on" in read.text
    assert "| accuracy | " in read.text and "Of 3 classes" not in read.text


def test_configuration_speaks_the_hubs_words(home, tmp_path):
    folder = dg.publish(home.run.folder, tmp_path / "flowers", "mit").folder
    config = json.loads((folder / "config.json").read_text())
    assert config["id2label"] == {"0": "<b>blue|<b>", "1": "green", "2": "red"} and config["label2id"]["red"] == 2
    assert config["architectures"] == ["mlp"] and config["task"] == "classify"
    prepared = json.loads((folder / "preprocessor_config.json").read_text())
    inputs = home.run.bundle.task.facts.inputs
    assert prepared["image_mean"] == list(inputs.mean) and prepared["size"] == {"height": 32, "width": 32}
    assert prepared["resample"] == Image.Resampling.BILINEAR and prepared["rescale_factor"] == 1 / 255


def told(task="classify", kind="picture", **more):
    facts = {"labels": ["a", "b"], "counts": [5, 400], "inputs": {"kind": kind}}
    document = {"model": {"name": "m"}, "task": {"name": task}, "facts": facts, "about": {}, **more}
    return Told("n", "mit", "", "me/n", document, "val", {"f1": {"value": 0.5}}, 10)


def test_every_kind_of_task_has_the_hubs_name_or_none():
    assert pipeline(told(kind="text")) == "text-classification" and pipeline(told("regress", "vector"))
    assert pipeline(told("regress")) == "" and pipeline(told(kind="series")) == "" and pipeline(told("other")) == ""
    assert set(KINDS) <= set(catalogue.entries("tasks"))
    assert "pipeline_tag" not in front_matter(told("other"))


def test_a_card_says_what_it_cannot_promise_in_both_languages():
    with speaking("zh-CN"):
        words = card(told(kind="vector"))
    assert "训练样本不足 30 个的类别有 1 个（a）" in words and 'dg.load("hub:me/n")' in words and "验证部分" in words
    assert yaml.safe_load(words.split("---")[1])["model-index"][0]["results"][0]["metrics"][0]["name"] == "macro F1"
    begun = told(about={"weights": {"name": "resnet18.a1_in1k"}})
    assert front_matter(begun)["base_model"] == "timm/resnet18.a1_in1k"
    assert "began with the weights of `timm/resnet18.a1_in1k`" in card(told(kind="text", about=begun.document["about"]))


def test_a_licence_is_asked_for_and_nothing_written_over(home, tmp_path):
    with pytest.raises(UsageError, match="Add --licence, for example --licence apache-2.0"):
        dg.publish(home.run.folder, tmp_path / "a", "")
    with pytest.raises(UsageError, match=r"no licence called 'apache2'. Did you mean apache-2.0\?"):
        dg.publish(home.run.folder, tmp_path / "a", "apache2")
    (tmp_path / "full").mkdir()
    with pytest.raises(UsageError, match="is there already, and nothing is written over"):
        dg.publish(home.run.folder, tmp_path / "full", LICENCES[0])
    with pytest.raises(UsageError, match="There is no run or bundle"):
        dg.publish(tmp_path / "none", tmp_path / "a", LICENCES[0])
    assert not (tmp_path / "a").exists()


class FakeHub:
    """Keeps what is uploaded."""

    def __init__(self, refused=""):
        self.calls, self.refused = [], refused

    def HfApi(self):  # noqa: N802 -- the library's name
        return self

    def create_repo(self, repo, private, exist_ok):
        if self.refused:
            raise RuntimeError(self.refused)
        self.calls.append((repo, private, exist_ok))
        return f"https://huggingface.co/{repo}"

    def upload_folder(self, repo_id, folder_path):
        self.calls.append((repo_id, folder_path))

    def snapshot_download(self, repo, allow_patterns):
        self.calls.append((repo, tuple(allow_patterns)))
        return self.place


def test_it_is_uploaded_only_where_it_is_asked_for(home, tmp_path, monkeypatch, capsys):
    fake = FakeHub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    main(["publish", str(home.run.folder), "--out", str(tmp_path / "a"), "--licence", "mit"])
    said = capsys.readouterr().out
    assert fake.calls == [] and f"Nothing was uploaded. To upload it: hf upload USER/NAME {tmp_path / 'a'}" in said
    main(["publish", str(home.run.folder), "--out", str(tmp_path / "b"), "--licence", "mit", "--to", "me/b", "--json"])
    assert fake.calls == [("me/b", True, True), ("me/b", str(tmp_path / "b"))]
    document = json.loads(capsys.readouterr().out)
    assert document["address"] == "https://huggingface.co/me/b" and document["files"] == FILES
    assert 'dg.load("hub:me/b")' in (tmp_path / "b" / "README.md").read_text()


def test_what_keeps_it_from_being_uploaded_is_said_before_or_with_the_folder_kept(home, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MachineError, match=r"me/b needs the package huggingface_hub.*deepglass\[hub\]"):
        dg.publish(home.run.folder, tmp_path / "a", "mit", to="me/b")
    with pytest.raises(UsageError, match="'b' is no repository of the Hugging Face hub. Write it as hub:user/name"):
        dg.publish(home.run.folder, tmp_path / "a", "mit", to="b")
    assert not (tmp_path / "a").exists()
    monkeypatch.setitem(sys.modules, "huggingface_hub", FakeHub("401 Client Error.\nlong story"))
    with pytest.raises(MachineError, match=r"me/b could not be uploaded: 401 Client Error. Check .*hf auth login"):
        dg.publish(home.run.folder, tmp_path / "a", "mit", to="me/b")
    assert (tmp_path / "a" / "bundle.json").is_file()


def test_a_model_of_the_hub_is_loaded_asked_and_begun_with(home, tmp_path, monkeypatch):
    fake = FakeHub()
    fake.place = dg.publish(home.run.folder, tmp_path / "a", "mit").folder
    monkeypatch.setitem(sys.modules, "huggingface_hub", fake)
    bundle, other = dg.load("hub:me/a"), dg.Bundle.from_pretrained("hub:me/a")
    assert all(map(torch.equal, bundle.model.state_dict().values(), other.model.state_dict().values()))
    assert fake.calls == [("me/a", hub.PUBLISHED)]  # once, and of these files alone
    assert all(name.endswith((".json", ".safetensors")) for name in hub.PUBLISHED)
    words = ["weights.parent=hub:me/a", "train.steps=1", "data.cache=false", "train.plan=plain"]
    proposal = journey.propose(str(home.run.folder.parent / "secret"), parse_assignments(words), "tiny")
    assert proposal.settings.model.name == "mlp"
    offline = types.SimpleNamespace(snapshot_download=lambda *_, **__: 1 / 0)
    monkeypatch.setitem(sys.modules, "huggingface_hub", offline)
    with pytest.raises(
        MachineError, match="hub:me/other could not be read: division by zero. Check the connection, or"
    ):
        dg.load("hub:me/other")
