"""Any nn.Module becomes a graph: true edges, every parameter, exact costs, and nothing changed."""

import pytest
import torch
from torch import nn

from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Image, Series, Steps, Tokens, Translation, Vector, Volume
from deepglass.graph.cost import cost
from deepglass.graph.trace import example, trace


class Twisted(nn.Module):
    """Control flow, an in-place write, a tied weight, an unused layer, a nest of outputs."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.unused = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += 1
        for _ in range(2):
            x = x + self.first(x)
        y = self.second(x).relu_()
        y[:, 0] = x[:, 1]
        return {"both": torch.cat([x, y], dim=1), "rest": (y.T, None)}


class Branching(nn.Module):
    """Needs real numbers: it looks at a value before it goes on."""

    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(4, 2), nn.Linear(4, 2)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        self.seen += 1
        x *= 2
        x = x + torch.rand(4)
        return self.up(x) if float(x.sum()) > 0 else self.down(x)


def by_name(graph):
    return {node.name: node for node in graph.nodes}


def sources(graph, name):
    return [graph.nodes[i].name for i in by_name(graph)[name].inputs]


def test_edges_are_those_of_the_code():
    graph = trace(Twisted(), torch.randn(3, 8))
    assert sources(graph, "first") == ["input"]
    assert sources(graph, "add") == ["input", "first"]
    assert sources(graph, "first.linear") == ["add"]  # the second time round
    assert sources(graph, "second") == ["add2"]
    assert sources(graph, "relu") == ["second"]
    assert sources(graph, "index_put") == ["relu", "index"]
    assert sources(graph, "concatenate") == ["add2", "index_put"]  # what was written in place is what is read
    assert [graph.nodes[i].name for i in graph.outputs] == ["concatenate", "T"]


def test_tied_parameters_count_once_and_unused_ones_are_named():
    network = Twisted()
    graph = trace(network, torch.randn(3, 8))
    assert graph.parameters() == ["first.weight", "first.bias", "second.bias"]
    assert by_name(graph)["second"].shared == ("first.weight",)
    assert graph.unused == ("unused.weight", "unused.bias")
    assert cost(graph).parameters == 8 * 8 + 8 + 8


@pytest.mark.parametrize(("network", "width"), [(Twisted(), 8), (Branching(), 4)])
def test_nothing_changes(network, width):
    network.train()
    part = next(network.children()).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.ones(3, width)
    trace(network, x)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.training and not part.training
    assert torch.equal(x, torch.ones(3, width))  # one doubles its input in place: it was given a copy
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_randomness_is_left_as_it_was():
    network = Branching()
    state = torch.random.get_rng_state()
    trace(network, torch.ones(2, 4))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_branch_on_a_value_is_followed_with_real_numbers():
    assert trace(Branching(), torch.ones(2, 4)).unused == ("down.weight", "down.bias")
    assert trace(Branching(), -torch.ones(2, 4)).unused == ("up.weight", "up.bias")


def test_a_mistake_in_forward_is_shown_as_it_is():
    with pytest.raises(ValueError, match="Dense expects 784 features"):
        trace(catalogue.find("models", "mlp").build(), torch.randn(2, 5))


def test_traced_real_or_on_meta_is_the_same_graph():
    network = catalogue.find("models", "resnet20").build()
    assert trace(network, torch.randn(1, 3, 32, 32)) == trace(network, *example(Image(3, 32, 32)))


def test_geometry_of_windows():
    nodes = by_name(trace(catalogue.find("models", "alexnet_2012").build(), *example(Image(3, 227, 227))))
    first, second, pool = nodes["features.0"], nodes["features.4"], nodes["features.3"]
    assert (first.kernel, first.stride, first.groups, first.shape) == ((11, 11), (4, 4), 1, (1, 96, 55, 55))
    assert (second.kernel, second.stride, second.groups) == ((5, 5), (1, 1), 2)
    assert (pool.kernel, pool.stride) == ((3, 3), (2, 2))


def test_residuals_flatten_and_head_are_visible():
    nodes = by_name(trace(catalogue.find("models", "resnet18").build(), *example(Image(3, 224, 224))))
    graph = trace(catalogue.find("models", "resnet18").build(), *example(Image(3, 224, 224)))
    assert sources(graph, "layer1.0.add") == ["layer1.0.bn2", "maxpool"]
    assert sources(graph, "layer2.0.add") == ["layer2.0.bn2", "layer2.0.downsample.1"]
    assert sources(graph, "fc") == ["flatten"]
    assert nodes["flatten"].bytes == 0 and nodes["layer1.0.relu"].bytes == 0  # a view; in place


@pytest.mark.parametrize(
    ("network", "shape", "macs"),
    [
        (nn.LSTM(8, 16, batch_first=True), (2, 5, 8), 2 * 5 * (8 + 16) * 64),
        (nn.Conv1d(4, 6, 3, groups=2), (1, 4, 10), 6 * 2 * 3 * 8),
        (nn.Linear(8, 3), (2, 5, 8), 2 * 5 * 8 * 3),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (1, 4, 5, 5), 25 * 4 * 6 * 4),
    ],
)
def test_multiply_adds_are_exact(network, shape, macs):
    assert cost(trace(network, torch.randn(shape))).macs == macs


@pytest.mark.parametrize(
    ("name", "millions"), [("alexnet", 714.2), ("resnet18", 1814.1), ("resnet50", 4089.2), ("resnet152", 11513.6)]
)
def test_costs_are_the_published_ones(name, millions):
    config = catalogue.find("models", name)
    with torch.device("meta"):
        network = config.build()
    found = cost(trace(network, *example(config.ports().takes)))
    assert found.macs / 1e6 == pytest.approx(millions, abs=0.06)
    assert found.flops == 2 * found.macs
    assert found.parameter_bytes == 4 * found.parameters


def test_memory_of_a_chain_by_hand():
    chain = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Flatten(), nn.Linear(100, 5), nn.Tanh())
    found = cost(trace(chain, torch.randn(1, 10)))
    assert found.activation_bytes == 4 * (100 + 100 + 5 + 5)
    assert found.activations == 210
    assert found.peak_bytes == 4 * (100 + 100)  # the first dense layer's output beside the rectified one


def test_a_residual_keeps_its_input_alive():
    class Unit(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide, self.back = nn.Linear(10, 50), nn.Linear(50, 10)

        def forward(self, x):
            return x.flatten(1) + self.back(self.wide(x))

    assert cost(trace(Unit(), torch.randn(1, 10))).peak_bytes == 4 * (10 + 50 + 10)


def test_tracing_knows_a_shared_module_and_several_inputs():
    class Siamese(nn.Module):
        def __init__(self):
            super().__init__()
            self.eye = nn.Linear(4, 3)

        def forward(self, a, b):
            return (self.eye(a) - self.eye(b)).square().sum(1)

    graph = trace(Siamese(), torch.randn(2, 4), torch.randn(2, 4))
    assert [node.name for node in graph.nodes[:4]] == ["input", "input2", "eye", "eye.linear"]
    assert cost(graph).parameters == 15


def test_attention_is_one_node_with_its_whole_cost():
    graph = trace(nn.MultiheadAttention(8, 2, batch_first=True), *(torch.randn(2, 5, 8),) * 3)
    node = next(node for node in graph.nodes if node.kind == "attention")
    assert node.count == 4 * 8 * 8 + 4 * 8
    assert node.macs == 4 * 10 * 8 * 8 + 2 * 2 * 5 * 5 * 8


def test_example_is_what_a_network_of_that_port_is_called_with():
    assert example(Vector(3), 2)[0].shape == (2, 3)
    assert example(Image(3, 4, 5))[0].shape == (1, 3, 4, 5)
    assert example(Volume(1, 2, 3, 4), 2)[0].shape == (2, 1, 2, 3, 4)
    (series,) = example(Series(3), 2, device="cpu")
    assert series.values.shape == (2, 16, 3) and series.lengths.tolist() == [16, 16]
    (tokens,) = example(Tokens(9))
    assert tokens.values.shape == (1, 16) and tokens.values.dtype == torch.int64 and tokens.values.is_meta
    source, target = example(Translation(9, 7), 3)
    assert source.values.shape == target.values.shape == (3, 16)
    with pytest.raises(ValueError, match="No network takes a Steps; hand `trace` what yours is called with"):
        example(Steps(3))


def test_lengths_of_rows_are_no_data_and_what_blanks_behind_their_ends_is_not_drawn():
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(9, 4)

        def forward(self, text):
            x = text.with_values(self.table(text.values))
            return x.values.sum(1) / x.lengths[:, None]

    given = Padded(torch.tensor([[3, 4, 0]]), torch.tensor([2]))
    for inputs in ((given,), example(Tokens(9))):
        graph = trace(Reader(), *inputs)
        assert [node.kind for node in graph.nodes] == ["input", "embedding", "sum", "div"]
        assert [node.inputs for node in graph.nodes] == [(), (0,), (1,), (2,)]
