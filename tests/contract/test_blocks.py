"""One contract over every block: `out_shape` tells the truth for any size, and wrong shapes are refused in words.

A block of padded rows states the shapes of their values; it gives a row the same alone and in a batch, and nothing
behind a row's end.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.graph.operations import tensors_in
from deepglass.graph.probe import first_tensor

NAMES = list(catalogue.entries("blocks"))
AXES = {1: (9,), 2: (9, 12), 3: (5, 6, 7)}

channels = st.integers(1, 3).map(lambda n: 2 * n)
dims = st.integers(1, 3)
small = st.integers(1, 3)


@st.composite
def conv(draw):
    n, groups, inputs = draw(dims), draw(st.sampled_from([1, 2])), draw(channels)
    block = catalogue.find("blocks", "conv")(
        inputs,
        draw(channels),
        kernel=draw(small),
        dims=n,
        stride=draw(small),
        padding=draw(st.integers(0, 2)),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
    )
    return block, (2, inputs, *draw(axes(n)))


def axes(n):
    return st.tuples(*(st.integers(5, 9),) * n)


@st.composite
def pool(draw, name):
    n, kernel = draw(dims), draw(st.integers(1, 3))
    extra = {"padding": draw(st.integers(0, kernel // 2))} if name == "max_pool" else {}
    block = catalogue.find("blocks", name)(kernel, dims=n, stride=draw(st.one_of(st.none(), small)), **extra)
    return block, (2, draw(channels), *draw(axes(n)))


@st.composite
def over_dims(draw, make):
    n, width = draw(dims), draw(channels)
    return make(draw, width, n), (2, width, *draw(axes(n)))


@st.composite
def unit(draw, name):
    inputs, outputs, stride = 4, draw(st.sampled_from([4, 8])), draw(st.integers(1, 2))
    make = catalogue.find("blocks", name)
    if "shortcut" in name:
        block = make(inputs, outputs, stride=stride)
    else:
        shortcut = catalogue.find("blocks", draw(st.sampled_from(["projection_shortcut", "padded_shortcut"])))
        block = make(inputs, outputs, stride=stride, downsample=shortcut(inputs, outputs, stride=stride))
    return block, (2, inputs, *draw(axes(2)))


@st.composite
def dense(draw):
    inputs = draw(st.integers(1, 9))
    leading = draw(st.lists(small, min_size=1, max_size=3))
    return catalogue.find("blocks", "dense")(inputs, draw(small), bias=draw(st.booleans())), (*leading, inputs)


@st.composite
def whitening(draw):
    inputs = draw(small)
    return catalogue.find("blocks", "whitening")(inputs, kernel=draw(small)), (2, inputs, *draw(axes(2)))


def made(name):
    return catalogue.find("blocks", name)


@st.composite
def cell(draw, name):
    inputs = draw(small)
    return made(name)(inputs, draw(small)), (draw(small), inputs)


@st.composite
def recurrent(draw):
    kind = draw(st.sampled_from(["rnn_tanh", "rnn_relu", "gru", "lstm"]))
    inputs, sides = draw(small), draw(st.booleans())
    block = made("recurrent")(kind, inputs, draw(small), layers=draw(st.integers(1, 2)), bidirectional=sides)
    return block, (3, draw(st.integers(1, 6)), inputs)


@st.composite
def time_conv(draw):
    inputs, groups = draw(channels), draw(st.sampled_from([1, 2]))
    block = made("time_conv")(
        inputs,
        draw(channels),
        kernel=draw(st.integers(1, 4)),
        stride=draw(small),
        dilation=draw(small),
        groups=groups,
        causal=draw(st.booleans()),
        bias=draw(st.booleans()),
    )
    return block, (3, draw(st.integers(1, 9)), inputs)


@st.composite
def band_conv(draw):
    kernel, stride = (draw(st.integers(1, 4)), draw(small)), (draw(small), draw(small))
    inputs = draw(small)
    return made("band_conv")(inputs, draw(small), kernel=kernel, stride=stride), (3, draw(small), draw(small), inputs)


@st.composite
def over_steps(draw, make):
    width = draw(channels)
    return make(draw, width), (3, draw(st.integers(1, 9)), width)


@st.composite
def embedding(draw):
    return made("embedding")(draw(st.integers(1, 9)), draw(small)), (3, draw(st.integers(1, 7)))


@st.composite
def tied_output(draw):
    vocabulary, features = draw(st.integers(1, 9)), draw(small)
    leading = draw(st.lists(small, min_size=1, max_size=3))
    return made("tied_output")(vocabulary), (*leading, features), (vocabulary, features)


@st.composite
def attention(draw, name):
    query, memory = draw(small), draw(small)
    if name == "dot_attention":
        query, block = memory, made(name)()
    else:
        block = made(name)(query, memory, **({"hidden": 3} if name == "additive_attention" else {}))
    return block, (3, draw(small), query), (3, draw(st.integers(1, 5)), memory)


@st.composite
def up(draw):
    n, inputs = draw(dims), draw(small)
    block = made("up")(inputs, draw(small), dims=n, factor=draw(small), bias=draw(st.booleans()))
    return block, (2, inputs, *draw(axes(n)))


@st.composite
def transposed_conv(draw):
    n, inputs, kernel = draw(dims), draw(small), draw(small)
    more = {"stride": draw(small), "padding": draw(st.integers(0, (kernel - 1) // 2)), "bias": draw(st.booleans())}
    more["beyond"] = draw(st.integers(0, more["stride"] - 1))
    block = made("transposed_conv")(inputs, draw(small), dims=n, kernel=kernel, **more)
    return block, (2, inputs, *draw(axes(n)))


@st.composite
def strided(draw, name):
    channels, features = draw(small), draw(small)
    height, width = (draw(st.integers(4, 7)) << draw(st.integers(1, 1)) for _ in range(2))
    if name == "grow":
        return made("grow")(5, channels, height, width, features), (2, 5)
    return made("shrink")(channels, height, width, features), (2, channels, height, width)


@st.composite
def factored_conv(draw):
    inputs, kernel = draw(small), draw(st.sampled_from((1, 3, 5)))
    block = made("factored_conv")(
        inputs, draw(small), middle=draw(st.integers(1, 4)), kernel=kernel, stride=draw(st.integers(1, 2))
    )
    return block, (2, inputs, *draw(axes(3)))


@st.composite
def feature_pyramid(draw):
    widths = draw(st.lists(small, min_size=1, max_size=3))
    height, width = draw(axes(2))
    sizes = [(-(-height // 2**level), -(-width // 2**level)) for level in range(len(widths))]
    maps = [(2, channels, *size) for channels, size in zip(widths, sizes, strict=True)]
    return made("feature_pyramid")(widths, draw(small)), *maps


@st.composite
def line(draw, name):
    """A picture of a line, exactly as high as the block was made for."""
    width, tall, wide = draw(small), draw(st.integers(8, 35)), draw(st.integers(4, 40))
    sizes = {"maps": draw(small), "height": tall}
    if name == "line_reader":
        return made(name)(width, 5, hidden=draw(st.sampled_from([0, 3])), **sizes), (3, width, tall, wide)
    return made(name)(width, **sizes), (3, width, tall, wide)


@st.composite
def equal_conv(draw):
    inputs, kernel = draw(small), draw(small)
    more = {"stride": draw(small), "padding": draw(st.integers(0, 2)), "bias": draw(st.booleans())}
    return made("equal_conv")(inputs, draw(small), kernel=kernel, **more), (2, inputs, *draw(axes(2)))


@st.composite
def modulated_conv(draw):
    inputs, kernel = draw(small), draw(st.sampled_from((1, 3)))
    up = kernel == 3 and draw(st.booleans())
    block = made("modulated_conv")(inputs, draw(small), kernel=kernel, up=up, demodulate=draw(st.booleans()))
    return block, (2, inputs, *draw(axes(2))), (2, inputs)


@st.composite
def spectral_norm(draw):
    if draw(st.booleans()):
        block, shape = draw(dense())
    else:
        block, shape = draw(conv())
    return made("spectral_norm")(block), shape


@st.composite
def conditional_norm(draw):
    channels, told = draw(small), draw(small)
    block = made("conditional_norm")(channels, *(made("dense")(told, channels) for _ in range(2)))
    return block, (3, channels, *draw(axes(2))), (3, told)


CASES = {
    "spectral_norm": spectral_norm(),
    "conditional_norm": conditional_norm(),
    "self_attention": st.builds(lambda c, a: (made("self_attention")(c), (2, c, *a)), channels, axes(2)),
    "equal_dense": st.builds(lambda i, o, n: (made("equal_dense")(i, o), (n, i)), small, small, small),
    "equal_conv": equal_conv(),
    "modulated_conv": modulated_conv(),
    "blur": st.builds(lambda p, c, a: (made("blur")(padding=p), (2, c, *a)), st.integers(0, 2), small, axes(2)),
    "blur_up": st.builds(lambda c, a: (made("blur_up")(), (2, c, *a)), small, axes(2)),
    "minibatch_deviation": st.builds(
        lambda g, n, c, a: (made("minibatch_deviation")(g), (n, c, *a)),
        st.integers(1, 4),
        st.integers(2, 6),
        small,
        axes(2),
    ),
    "lifted_leaky_relu": over_dims(lambda draw, width, n: made("lifted_leaky_relu")()),
    "line_columns": line("line_columns"),
    "line_reader": line("line_reader"),
    "feature_pyramid": feature_pyramid(),
    "up": up(),
    "transposed_conv": transposed_conv(),
    "grow": strided("grow"),
    "shrink": strided("shrink"),
    "maxout": st.builds(lambda i, o, p: (made("maxout")(i, o, pieces=p), (3, i)), small, small, st.integers(2, 4)),
    "factored_conv": factored_conv(),
    "dense": dense(),
    "conv": conv(),
    "max_pool": pool("max_pool"),
    "average_pool": pool("average_pool"),
    "trained_pool": over_dims(lambda draw, width, n: made("trained_pool")(width, draw(small), dims=n)),
    "global_pool": over_dims(lambda draw, width, n: made("global_pool")(draw(small), dims=n)),
    "global_max_pool": over_dims(lambda draw, width, n: made("global_max_pool")(dims=n)),
    "instance_norm": over_dims(lambda draw, width, n: made("instance_norm")(width, dims=n)),
    "batch_norm": over_dims(
        lambda draw, width, n: made("batch_norm")(width, dims=n, scale=draw(st.booleans()), shift=draw(st.booleans()))
    ),
    "local_response_norm": over_dims(lambda draw, width, n: made("local_response_norm")(3)),
    "whitening": whitening(),
    "scaled_tanh": over_dims(lambda draw, width, n: made("scaled_tanh")()),
    "basic_unit": unit("basic_unit"),
    "bottleneck": unit("bottleneck"),
    "projection_shortcut": unit("projection_shortcut"),
    "padded_shortcut": unit("padded_shortcut"),
    "rnn_cell": cell("rnn_cell"),
    "gru_cell": cell("gru_cell"),
    "lstm_cell": cell("lstm_cell"),
    "recurrent": recurrent(),
    "time_conv": time_conv(),
    "band_conv": band_conv(),
    "time_norm": over_steps(lambda draw, width: made("time_norm")(width)),
    "time_pool": over_steps(lambda draw, width: made("time_pool")(draw(st.sampled_from(["mean", "max", "last"])))),
    "time_max_pool": over_steps(lambda draw, width: made("time_max_pool")(draw(small), stride=draw(small))),
    "embedding": embedding(),
    "tied_output": tied_output(),
    "additive_attention": attention("additive_attention"),
    "general_attention": attention("general_attention"),
    "dot_attention": attention("dot_attention"),
}
TOKENS = {"embedding"}  # it reads numbers of words
MEMORY = {"additive_attention", "general_attention", "dot_attention"}  # a plain query first, then padded rows
STEPS = {"recurrent", "time_conv", "band_conv", "time_norm", "time_pool", "time_max_pool"}
PADDED = TOKENS | MEMORY | STEPS


def padded(values, lengths):
    return Padded(values, lengths).with_values(values)


def outcome(found):
    """What a block gives, without the state that a recurrent one gives beside it."""
    return found[0] if isinstance(found, tuple) and isinstance(found[0], Padded) else found


def fed(name, block, shapes, lengths=None):
    """Inputs of these shapes: the last as rows of unequal length where the block takes such."""
    tensors = [torch.randn(shape, requires_grad=True) for shape in shapes]
    if name in TOKENS:
        tensors = [torch.randint(0, block.vocabulary, shapes[0])]
    if name not in PADDED:
        return tensors
    rows, steps = shapes[-1][:2]
    lengths = torch.tensor([steps, steps // 2, 0]) if lengths is None else lengths
    return [*tensors[:-1], padded(tensors[-1], lengths[:rows])]


def test_every_block_has_a_case():
    assert set(CASES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_out_shape_is_the_shape_that_comes_out(name, data):
    block, *shapes = data.draw(CASES[name])
    assert block.out_shape(*shapes) == tuple(first_tensor(block(*fed(name, block, shapes))).shape)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_gradients_reach_input_and_parameters(name, data):
    block, *shapes = data.draw(CASES[name])
    inputs = fed(name, block, shapes)
    leaves = [first_tensor(x) for x in inputs if name not in TOKENS]
    for leaf in leaves:
        leaf.retain_grad()
    sum(part.square().sum() for part in tensors_in(block(*inputs)) if part.is_floating_point()).backward()
    assert all(leaf.grad is not None for leaf in leaves)
    assert all(parameter.grad is not None for parameter in block.parameters())


@pytest.mark.parametrize("name", sorted(PADDED))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_row_alone_gives_what_it_gives_in_a_batch_and_nothing_behind_its_end(name, data):
    block, *shapes = data.draw(CASES[name])
    lengths = torch.tensor(data.draw(st.lists(st.integers(0, shapes[-1][1]), min_size=3, max_size=3)))
    inputs = fed(name, block, shapes, lengths)
    with torch.no_grad():
        together = outcome(block.eval()(*inputs))
        behind = inputs[-1].values[0, int(lengths[0]) :]
        assert not behind.any()  # as data/ makes them
        for row, length in enumerate(lengths.tolist()):
            if not length:
                continue
            cut = Padded(inputs[-1].values[row : row + 1, :length], lengths[row : row + 1])
            alone = outcome(block(*(x[row : row + 1] for x in inputs[:-1]), cut))
            found, whole = first_tensor(alone)[0], first_tensor(together)[row]
            if isinstance(together, Padded):
                steps = int(together.lengths[row])
                assert steps == int(alone.lengths[0]) == len(found)
                assert not whole[steps:].any()
                whole = whole[:steps]
            torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-5)
        assert torch.isfinite(first_tensor(together)).all()  # rows without steps included


REFUSALS = [
    ("equal_dense", dict(inputs=3, outputs=4), (2, 5), r"EqualDense expects 3 features in the last axis; got shape"),
    ("equal_conv", dict(inputs=3, outputs=4, kernel=3), (2, 4, 9, 9), r"EqualConv expects 3 channels; got 4 in shape"),
    ("self_attention", dict(channels=3), (2, 4, 6, 6), r"SelfAttention expects 3 channels; got 4 in shape"),
    ("blur", dict(padding=1), (2, 4, 9), r"Blur with dims=2 expects \(batch, channels, H, W\); got shape"),
    ("blur_up", {}, (2, 4, 9), r"BlurUp with dims=2 expects \(batch, channels, H, W\); got shape"),
    ("minibatch_deviation", {}, (2, 4), r"MinibatchDeviation with dims=2 expects \(batch, channels, H, W\)"),
    ("conv", dict(inputs=3, outputs=4, kernel=3, dims=2), (2, 3, 9), r"expects \(batch, channels, H, W\); got shape"),
    ("conv", dict(inputs=3, outputs=4, kernel=3, dims=2), (2, 1, 9, 9), r"Conv expects 3 channels; got 1 in shape"),
    ("dense", dict(inputs=3, outputs=4), (2, 5), r"Dense expects 3 features in the last axis; got shape \(2, 5\)"),
    ("max_pool", dict(kernel=2, dims=1), (2, 3, 4, 4), r"MaxPool with dims=1 expects \(batch, channels, T\)"),
    ("average_pool", dict(kernel=2, dims=3), (2, 3, 4, 4), r"expects \(batch, channels, D, H, W\)"),
    ("trained_pool", dict(channels=3, kernel=2, dims=2), (2, 4, 4, 4), r"TrainedPool expects 3 channels; got 4"),
    ("instance_norm", dict(channels=3, dims=2), (2, 4, 4, 4), r"InstanceNorm expects 3 channels; got 4"),
    ("batch_norm", dict(channels=3, dims=2), (2, 4, 4, 4), r"BatchNorm expects 3 channels; got 4"),
    ("global_max_pool", dict(dims=2), (2, 3, 4), r"GlobalMaxPool with dims=2 expects \(batch, channels, H, W\)"),
    ("whitening", dict(channels=3), (2, 4, 4, 4), r"Whitening expects 3 channels; got 4"),
    ("feature_pyramid", dict(inputs=(3,), width=4), (2, 4, 4, 4), r"FeaturePyramid expects 3 channels; got 4"),
    ("factored_conv", dict(inputs=3, outputs=4), (2, 3, 4, 4), r"expects \(batch, channels, D, H, W\); got shape"),
    (
        "line_columns",
        dict(inputs=3, maps=2, height=16),
        (2, 3, 15, 40),
        r"expects 16 rows and 4 columns or more",
    ),
    (
        "line_reader",
        dict(inputs=3, symbols=4, maps=2, hidden=0, height=16),
        (2, 1, 16, 40),
        r"LineColumns expects 3",
    ),
    ("up", dict(inputs=3, outputs=4, dims=2), (2, 4, 4, 4), r"Up expects 3 channels; got 4"),
    (
        "transposed_conv",
        dict(inputs=3, outputs=4, kernel=2, dims=2),
        (2, 4, 4, 4),
        r"TransposedConv expects 3 channels",
    ),
    ("grow", dict(inputs=3, channels=1, height=8, width=8, features=2), (2, 4), r"Grow expects 3 features"),
    ("shrink", dict(channels=3, height=8, width=8, features=2), (2, 4, 8, 8), r"Shrink expects 3 channels; got 4"),
    ("maxout", dict(inputs=3, outputs=4, pieces=2), (2, 5), r"Dense expects 3 features"),
    ("padded_shortcut", dict(inputs=3, outputs=6, stride=2), (2, 3, 4), r"expects \(batch, channels, H, W\)"),
    ("rnn_cell", dict(inputs=3, hidden=4), (2, 5), r"RNNCell expects 3 features in the last axis; got shape \(2, 5\)"),
    ("gru_cell", dict(inputs=3, hidden=4), (2, 5), r"GRUCell expects 3 features"),
    ("lstm_cell", dict(inputs=3, hidden=4), (2, 5), r"LSTMCell expects 3 features"),
    ("recurrent", dict(kind="gru", inputs=3, hidden=4), (2, 5, 4), r"Recurrent expects \(batch, steps, 3\); got shape"),
    (
        "time_conv",
        dict(inputs=3, outputs=4, kernel=3),
        (2, 3),
        r"TimeConv expects \(batch, steps, 3\); got shape",
    ),
    ("band_conv", dict(inputs=3, outputs=4, kernel=3), (2, 3, 3), r"BandConv expects \(batch, steps, bands, 3\)"),
    ("time_norm", dict(channels=3), (2, 4, 4), r"TimeNorm expects \(batch, steps, ..., 3\); got shape \(2, 4, 4\)"),
    ("time_pool", dict(how="max"), (2, 4), r"TimePool expects \(batch, steps, channels\); got shape \(2, 4\)"),
    ("time_max_pool", dict(kernel=2), (2, 4), r"TimeMaxPool expects \(batch, steps, channels\); got shape"),
    (
        "embedding",
        dict(vocabulary=5, features=2),
        (2, 4, 3),
        r"Embedding expects \(batch, tokens\); got shape",
    ),
]


@pytest.mark.parametrize(("name", "made_of", "shape", "sentence"), REFUSALS)
def test_wrong_shapes_are_refused_in_words(name, made_of, shape, sentence):
    block = made(name)(**made_of)
    with pytest.raises(ValueError, match=sentence):
        block.out_shape(shape)
    if name != "padded_shortcut":
        x = torch.randn(shape)
        with pytest.raises(ValueError, match=sentence):
            block(Padded(x, torch.full((2,), shape[1])) if name in PADDED else x)


@pytest.mark.parametrize("name", ["additive_attention", "general_attention"])
@pytest.mark.parametrize("shapes", [((2, 3, 4), (2, 6, 4)), ((2, 3, 5), (1, 6, 4)), ((2, 5), (2, 6, 4))])
def test_attention_refuses_queries_and_memories_that_do_not_fit(name, shapes):
    block = made(name)(5, 4, **({"hidden": 3} if name == "additive_attention" else {}))
    sentence = r"Attention expects query \(batch, queries, 5\) and memory \(batch, steps, 4\); got"
    with pytest.raises(ValueError, match=sentence):
        block.out_shape(*shapes)
    with pytest.raises(ValueError, match=sentence):
        block(*fed(name, block, shapes))


def test_conv_refuses_groups_that_do_not_divide():
    with pytest.raises(ValueError, match="cannot split 3 inputs and 4 outputs into 2 equal groups"):
        made("conv")(3, 4, kernel=3, dims=2, groups=2)
    with pytest.raises(ValueError, match="TimeConv cannot split 4 inputs and 3 outputs into 2 equal groups"):
        made("time_conv")(4, 3, kernel=3, groups=2)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_conv_is_torchs_convolution(n):
    theirs = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)[n - 1](4, 6, 3, 2, 1, groups=2)
    ours = made("conv")(4, 6, kernel=3, stride=2, padding=1, groups=2, dims=n)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 4, *AXES[n])
    assert torch.equal(ours(x), theirs(x))


def test_conv_and_dense_start_as_torchs_do():
    for ours, theirs in (
        (lambda: made("conv")(4, 6, kernel=3, dims=2), lambda: torch.nn.Conv2d(4, 6, 3)),
        (lambda: made("dense")(5, 7), lambda: torch.nn.Linear(5, 7)),
    ):
        torch.manual_seed(3)
        a = ours().state_dict()
        torch.manual_seed(3)
        b = theirs().state_dict()
        for name in b:
            torch.testing.assert_close(a[name], b[name])


def test_batch_norm_is_torchs_and_is_found_as_such():
    theirs, ours = torch.nn.BatchNorm2d(4), made("batch_norm")(4, dims=2)
    x = torch.randn(3, 4, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert isinstance(torch.nn.SyncBatchNorm.convert_sync_batchnorm(ours), torch.nn.SyncBatchNorm)


def test_batch_norm_without_scale_is_torchs_with_a_scale_of_one():
    theirs, ours = torch.nn.BatchNorm2d(4), made("batch_norm")(4, dims=2, scale=False)
    assert [name for name, _ in ours.named_parameters()] == ["bias"]
    x = torch.randn(3, 4, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)


def test_global_max_pool_is_the_largest_value_of_each_map():
    x = torch.randn(2, 3, 5, 7)
    assert torch.equal(made("global_max_pool")(dims=2)(x)[:, :, 0, 0], x.amax((2, 3)))


def test_whitening_makes_neighbouring_pixels_tell_nothing_of_each_other():
    block = made("whitening")(3, kernel=2, epsilon=0.0)
    smooth = torch.nn.functional.avg_pool2d(torch.randn(40, 3, 20, 20), 3, stride=1)
    block.fit(smooth)
    found = block(smooth).transpose(0, 1).flatten(1)[:12]  # the other twelve are their negatives
    torch.testing.assert_close(found @ found.T / found.shape[1], torch.eye(12), rtol=0, atol=1e-3)
    torch.testing.assert_close(block.weight[12:], -block.weight[:12], rtol=0, atol=0)
    assert "weight" in block.state_dict() and [name for name, _ in block.named_parameters()] == ["bias"]


def test_local_response_norm_follows_the_papers_equation():
    x = torch.randn(2, 7, 3, 3, dtype=torch.float64) * 20
    expected = torch.empty_like(x)
    for c in range(7):
        near = x[:, max(0, c - 2) : c + 3].square().sum(dim=1)
        expected[:, c] = x[:, c] / (2 + 1e-4 * near) ** 0.75
    torch.testing.assert_close(made("local_response_norm")()(x), expected)


def test_trained_pool_starts_as_the_mean_and_scales_and_moves():
    block = made("trained_pool")(2, 2, dims=2)
    x = torch.randn(1, 2, 4, 4)
    torch.testing.assert_close(block(x), torch.nn.functional.avg_pool2d(x, 2))
    with torch.no_grad():
        block.weight.copy_(torch.tensor([2.0, 0.0]))
        block.bias.copy_(torch.tensor([0.0, 3.0]))
    total = 4 * torch.nn.functional.avg_pool2d(x, 2)
    torch.testing.assert_close(block(x), torch.stack((2 * total[:, 0], torch.full_like(total[:, 1], 3.0)), dim=1))
