"""What the catalogue of weights says, and how files of weights are read and put in."""

import pickle
import re
import sys
import types

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deepglass.foundation import catalogue
from deepglass.foundation.errors import MachineError, UsageError
from deepglass.weights.entry import IMAGENET_MEAN, PublicWeights
from deepglass.weights.read import read_weights
from deepglass.weights.settings import WeightsSettings
from deepglass.weights.start import Start, begin, first_entry, public_start

ENTRIES = list(catalogue.entries("weights"))


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_says_what_belongs_to_it(name):
    entry = catalogue.find("weights", name)
    assert isinstance(entry, PublicWeights) and name.startswith(f"{entry.model}.")
    network = catalogue.find("models", entry.model)
    assert network.ports().gives.size == entry.classes == 1000 and entry.trained_on == "imagenet-1k"
    takes = network.ports().takes
    prepared = entry.preprocessing
    assert (takes.channels, takes.height, takes.width) == (prepared.channels, prepared.height, prepared.width)
    assert prepared.mean == IMAGENET_MEAN and len(prepared.std) == prepared.channels
    assert entry.licence in ("Apache-2.0", "BSD-3-Clause")
    assert re.fullmatch(r"([0-9a-f]{64}|[0-9a-f]{8}|)", entry.sha256)
    assert entry.repo == f"timm/{name}" or entry.file.startswith("https://")


def test_every_residual_network_and_alexnet_have_weights():
    models = {catalogue.find("weights", name).model for name in ENTRIES}
    assert models == {"alexnet", *(f"resnet{depth}" for depth in (18, 34, 50, 101, 152))}
    assert first_entry("resnet50") == "resnet50.a1_in1k" and first_entry("lenet5") == ""


class Net(nn.Module):
    head = "out"

    def __init__(self, classes=3, width=4):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(5, width), nn.BatchNorm1d(width))
        self.out = nn.Linear(width, classes)


def started(network, weights):
    return begin(network, Start("here", lambda: dict(weights)))


def test_the_head_is_new_where_the_classes_differ():
    public = Net(10).state_dict()
    network = Net(3)
    before = network.state_dict()["out.weight"].clone()
    assert started(network, public) == ["out.weight", "out.bias"]
    after = network.state_dict()
    assert torch.equal(after["out.weight"], before) and torch.equal(after["body.0.weight"], public["body.0.weight"])
    assert started(network, {name: value for name, value in public.items() if not name.startswith("out")})
    same = Net(10)
    assert started(same, public) == [] and torch.equal(same.out.weight, public["out.weight"])


def test_all_but_the_head_is_strict():
    public = Net(10).state_dict()
    short = {name: value for name, value in public.items() if not name.startswith("body.1")}
    with pytest.raises(
        UsageError, match=r"4 names are missing, such as body.1.weight, body.1.bias, body.1.running_mean"
    ):
        started(Net(3), short)
    with pytest.raises(UsageError, match=r"1 name is unknown to it, such as tail.weight"):
        started(Net(3), {**public, "tail.weight": torch.zeros(2)})
    with pytest.raises(UsageError, match=r"6 shapes differ .* such as body.0.weight \(4, 5\) / \(6, 5\)"):
        started(Net(3, width=6), public)
    with pytest.raises(UsageError, match=r"(?s)names are missing.*names are unknown.*--model"):
        started(nn.Linear(2, 2), public)


def test_counters_may_be_missing():
    public = {name: value for name, value in Net(3).state_dict().items() if "num_batches" not in name}
    assert started(Net(3), public) == []


def test_files_that_are_read(tmp_path):
    public = Net().state_dict()
    save_file(public, tmp_path / "net.safetensors")
    torch.save(public, tmp_path / "net.pth")
    torch.save({"state_dict": public, "epoch": 3}, tmp_path / "wrapped.pth")
    for file in ("net.safetensors", "net.pth", "wrapped.pth"):
        found = read_weights(tmp_path / file)
        assert found.keys() == public.keys() and torch.equal(found["out.weight"], public["out.weight"])


class Trap:
    def __reduce__(self):
        return (open, (str(Trap.place), "w"))


def test_files_that_are_refused(tmp_path):
    Trap.place = tmp_path / "sprung"
    (tmp_path / "trap.pth").write_bytes(pickle.dumps({"w": Trap()}))
    torch.save(Net(), tmp_path / "whole.pth")
    torch.save({"w": 3}, tmp_path / "number.pth")
    (tmp_path / "noise.pth").write_bytes(b"noise")
    for file in ("trap.pth", "whole.pth", "number.pth", "noise.pth"):
        with pytest.raises(UsageError, match=f"{file} is not a plain list of tensors.*never runs"):
            read_weights(tmp_path / file)
    assert not (tmp_path / "sprung").exists()
    (tmp_path / "cut.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(UsageError, match="cut.safetensors cannot be read as safetensors"):
        read_weights(tmp_path / "cut.safetensors")
    with pytest.raises(UsageError, match="There is no file .*gone.safetensors"):
        read_weights(tmp_path / "gone.safetensors")


def test_a_named_file_must_be_that_file(tmp_path):
    save_file(Net().state_dict(), tmp_path / "net.safetensors")
    settings = WeightsSettings(file=str(tmp_path / "net.safetensors"), name="resnet18.a1_in1k")
    start = public_start(settings, "resnet18")
    assert start.model.name == "resnet18" and start.inputs["smooth"] == "bicubic" and start.side == 224
    with pytest.raises(UsageError, match="its SHA-256 begins with .* not with 80c49dee3da4"):
        start.read()


def test_nothing_is_fetched_unasked(monkeypatch, tmp_path):
    with pytest.raises(
        UsageError, match="adding weights.fetch=true, or get them from https://huggingface.co/timm/resnet34"
    ):
        public_start(WeightsSettings(name="resnet34.tv_in1k"), "resnet34").read()
    with pytest.raises(UsageError, match="Download https://download.pytorch.org/.*alexnet"):
        public_start(WeightsSettings(name="alexnet.tv_in1k", fetch=True), "alexnet").read()
    asked = public_start(WeightsSettings(name="resnet34.tv_in1k", fetch=True), "resnet34")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MachineError, match=r"pip install 'deepglass\[hub\]'"):
        asked.read()
    save_file(Net().state_dict(), tmp_path / "model.safetensors")
    calls = []

    def download(repo, file):
        calls.append((repo, file))
        if len(calls) > 1:
            raise OSError("no route to host.")
        return str(tmp_path / file)

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(hf_hub_download=download))
    assert asked.read().keys() == Net().state_dict().keys()
    with pytest.raises(MachineError, match="could not be fetched: no route to host. Check"):
        asked.read()
    assert calls == [("timm/resnet34.tv_in1k", "model.safetensors")] * 2


def test_from_the_hub_safetensors_and_nothing_else(monkeypatch, tmp_path):
    save_file(Net().state_dict(), tmp_path / "w.safetensors")
    calls = []

    def download(repo, file):
        calls.append((repo, file))
        return str(tmp_path / "w.safetensors")

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(hf_hub_download=download))
    for place in ("hub:me/net", "hub:me/net/deep/w.safetensors"):
        start = public_start(WeightsSettings(file=place), "mlp")
        assert start.place == place and start.read().keys() == Net().state_dict().keys()
    assert calls == [("me/net", "model.safetensors"), ("me/net", "deep/w.safetensors")]
    for file in ("pytorch_model.bin", "net.pth", "net.pt"):
        with pytest.raises(UsageError, match=f"{file} of me/net is no .safetensors file.*a pickle can run code"):
            public_start(WeightsSettings(file=f"hub:me/net/{file}"), "mlp").read()
    with pytest.raises(UsageError, match="'net/' is no repository"):
        public_start(WeightsSettings(file="hub:net"), "mlp").read()
    assert len(calls) == 2
