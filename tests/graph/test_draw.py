"""Drawings: nothing left out, nothing overlapping, valid XML, and long networks folded."""

import json
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import torch
from torch import nn

from deepglass.foundation import catalogue, words
from deepglass.graph.boxes import boxes
from deepglass.graph.draw import data, short, svg, text
from deepglass.graph.layout import arrange
from deepglass.graph.trace import example, trace
from deepglass.networks import network_of

NAMES = list(catalogue.entries("models"))


@pytest.fixture(autouse=True)
def english():
    words.choose_language("en")
    yield
    words._chosen.clear()


def graph_of(name):
    config = catalogue.find("models", name)
    with torch.device("meta"):
        network = network_of(config)
    return trace(network, *example(config.ports().takes))


class Dense3(nn.Module):
    """Every layer reads all before it, as in a DenseNet; and two branches side by side."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 * (i + 1), 4, 3, padding=1) for i in range(4))
        self.left, self.right = nn.Conv2d(20, 2, 1), nn.Conv2d(20, 2, 3, padding=1)
        self.far = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        return torch.cat([self.left(x), self.far(self.right(x)), x], dim=1)


class Branches(nn.Module):
    """Branches of unequal length beside each other, and skips that overlap without being nested."""

    def __init__(self):
        super().__init__()
        self.short, self.middle, self.long = (
            nn.Sequential(*(nn.Conv2d(2, 2, 3, padding=1) for _ in range(n))) for n in (1, 2, 4)
        )
        self.a, self.b, self.c = (nn.Conv2d(2, 2, 1) for _ in range(3))

    def forward(self, x):
        x = torch.stack([self.short(x), self.middle(x), self.long(x)]).sum(0)
        a = self.a(x)
        b = self.b(a) * x
        return self.c(b) + a


GRAPHS = {name: lambda name=name: graph_of(name) for name in NAMES} | {
    "branches": lambda: trace(Branches(), torch.randn(1, 2, 8, 8)),
    "dense": lambda: trace(Dense3(), torch.randn(1, 4, 8, 8)),
    "transformer": lambda: trace(nn.TransformerEncoderLayer(8, 2, batch_first=True), torch.randn(1, 5, 8)),
}


@pytest.fixture(scope="module", params=GRAPHS)
def graph(request):
    return GRAPHS[request.param]()


@pytest.mark.parametrize("fold", [True, False])
def test_boxes_hold_all_parameters_and_all_work(graph, fold):
    found = boxes(graph, fold=fold)
    assert sum(box.count * box.times for box in found) == sum(node.count for node in graph.nodes)
    assert sum(box.macs * box.times for box in found) == sum(node.macs for node in graph.nodes)
    assert all(source < i for i, box in enumerate(found) for source in box.inputs)
    assert found[-1].shape == graph.nodes[-1].shape


def test_layout_has_no_two_boxes_in_one_spot_and_no_crossing_arcs(graph):
    found = boxes(graph)
    layout = arrange(found)
    assert len(set(layout.spots)) == len(found)
    assert sorted(spot.row for spot in layout.spots if spot.lane == 0) == list(range(layout.rows))
    edges = {(source, i) for i, box in enumerate(found) for source in box.inputs}
    assert {(arc.start, arc.end) for arc in layout.arcs} | set(layout.links) == edges
    for a in layout.arcs:
        for b in layout.arcs:
            if a != b and a.track == b.track:
                rows = [layout.spots[i].row for i in (a.start, a.end, b.start, b.end)]
                assert rows[1] <= rows[2] or rows[3] <= rows[0]


def test_the_line_of_a_side_branch_runs_through_no_box(graph):
    found = boxes(graph)
    layout = arrange(found)
    for source, target in layout.links:
        if layout.spots[source].lane and not layout.spots[target].lane:
            row, lane = layout.spots[source]
            below = {(r, lane) for r in range(row + 1, layout.spots[target].row)}
            assert not below & {tuple(spot) for spot in layout.spots}


def test_svg_is_valid_and_keeps_inside_its_page(graph):
    drawn = svg(graph, title="a < b")
    root = ElementTree.fromstring(drawn)
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    space = "{http://www.w3.org/2000/svg}"
    corners = [[float(r.attrib[k]) for k in ("x", "y", "width", "height")] for r in root.iter(f"{space}rect")]
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in corners)
    solid = [r for r in root.iter(f"{space}rect") if r.attrib["class"] == "box"]
    assert len(solid) == len(boxes(graph))
    assert "prefers-color-scheme:dark" in drawn and "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
    assert root.attrib["role"] == "img" and root.find(f"{space}desc").text


def test_boxes_of_a_drawing_do_not_overlap(graph):
    root = ElementTree.fromstring(svg(graph))
    keys = ("x", "y", "width", "height")
    solid = [
        [float(r.attrib[k]) for k in keys]
        for r in root.iter("{http://www.w3.org/2000/svg}rect")
        if r.attrib["class"] == "box"
    ]
    for i, (x, y, w, h) in enumerate(solid):
        for u, v, s, t in solid[:i]:
            assert x + w <= u or u + s <= x or y + h <= v or v + t <= y


def test_resnet152_folds_to_a_readable_length():
    found = boxes(graph_of("resnet152"))
    assert len(found) < 50
    assert {box.block: box.times for box in found if box.times > 1} == {
        "layer1.1 … 2": 2,
        "layer2.1 … 7": 7,
        "layer3.1 … 35": 35,
        "layer4.1 … 2": 2,
    }
    assert len(boxes(graph_of("resnet152"), fold=False)) > 200


def test_a_repeated_unit_in_a_side_branch_says_so_in_its_box():
    drawn = svg(GRAPHS["branches"]())
    assert "×3 convolution 3×3" in drawn and "long.1 … 3" in drawn
    assert 'class="frame"' not in drawn


def test_units_that_differ_are_not_folded():
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh())
    found = boxes(trace(network, torch.randn(1, 4)))
    assert [(box.name, box.follow, box.times) for box in found] == [
        ("input", (), 1),
        ("0", ("relu",), 1),
        ("2", ("tanh",), 2),
    ]


def test_a_value_read_twice_keeps_its_own_box():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1)

        def forward(self, x):
            x = self.conv(x)
            return x + x.relu()

    found = boxes(trace(Twice(), torch.randn(1, 1, 2, 2)))
    assert [box.kind for box in found] == ["input", "conv2d", "relu", "add"]
    assert found[3].inputs == (1, 2)


def test_table_of_lenet5():
    lines = text(graph_of("lenet5")).splitlines()
    assert lines[0].split() == ["layer", "operation", "output", "reads", "parameters", "MACs"]
    assert lines[3].split() == ["strokes.0", "convolution", "5×5", "·", "tanh", "6×28×28", "156", "117,600"]
    assert lines[-1].startswith("61,706 parameters · 417k multiply-adds · 247kB of weights")


def test_table_of_a_residual_says_what_is_added():
    lines = text(graph_of("resnet18")).splitlines()
    line = next(line for line in lines if line.startswith("layer2.0.add"))
    assert "layer2.0.conv2, layer2.0.downsample.0" in line
    assert any(line.startswith("layer1.0.add (×2)") for line in lines)


def test_unused_parameters_are_named():
    network = nn.Sequential(nn.Linear(2, 2))
    network.spare = nn.Linear(1, 1)
    network.forward = lambda x: network[0](x)
    graph = trace(network, torch.randn(1, 2))
    assert text(graph).endswith("Not used in this pass: spare.weight, spare.bias.")


def test_columns_line_up_in_chinese_too():
    words.choose_language("zh-CN")
    table = text(graph_of("resnet18"))
    assert "卷积 7×7, 步幅 2 · 批量归一化 · ReLU" in table
    rows = table.splitlines()[2:-2]
    wide = lambda s: sum(2 if ord(c) > 0x2E80 else 1 for c in s)  # noqa: E731
    ends = {wide(row) for row in rows if re.search(r",\d{3}$", row)}
    assert len(ends) == 1


def test_data_is_plain_json():
    graph = graph_of("resnet20")
    found = json.loads(json.dumps(data(graph)))
    assert found["cost"]["parameters"] == 269_722 and found["cost"]["flops"] == 2 * found["cost"]["macs"]
    assert len(found["nodes"]) == len(graph.nodes)
    assert [2, 3] in found["edges"]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (999, "999"), (1000, "1k"), (36_864, "36.9k"), (999_900, "1M"), (11_513_626_624, "11.5G"), (2e12, "2T")],
)
def test_numbers_have_three_digits(value, said):
    assert short(value) == said


@pytest.mark.parametrize("room", ["graph", "models"])
def test_messages_stand_in_both_languages_with_the_same_places(room):
    table = tomllib.loads((Path(words.__file__).parent / f"{room}.toml").read_text(encoding="utf-8"))
    for key, message in table.items():
        assert set(message) == set(words.LANGUAGES), key
        places = [sorted(re.findall(r"{(\w+)}", message[language])) for language in words.LANGUAGES]
        assert places[0] == places[1], key
