"""One contract over every model of the zoo: what `deepglass.models.contract` promises, entry by entry.

Models of texts, series, translations and captions are asked with rows of unequal length, and give a row the same alone.
"""

import dataclasses

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

from deepglass.blocks.recurrent import Recurrent
from deepglass.foundation import catalogue
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import (
    Captions,
    Image,
    Latent,
    LatentSteps,
    Map,
    Places,
    Plates,
    Players,
    PortMismatch,
    Ports,
    Rivals,
    Series,
    Steps,
    Tokens,
    Translation,
    Vector,
    Volume,
)
from deepglass.graph.probe import Probe
from deepglass.graph.trace import example, trace
from deepglass.models.contract import sees
from deepglass.networks import network_of

COUNTS = {
    "airbench94": 1_971_352,
    "alexnet": 61_100_840,
    "caption_lstm": 21_690_705,
    "cgan": 1_275_175,
    "biggan": 158_416_358,
    "char_lm": 3_342_692,
    "cloze_bilstm": 6_324_000,
    "cnn3d": 291_474,
    "cnn_lstm": 291_474,
    "conv_seq2seq": 8_567_616,
    "crnn": 412_285,
    "ctc_speech": 2_908_669,
    "word_lm": 4_738_000,
    "alexnet_2012": 60_965_224,
    "audio_cnn": 1_175_210,
    "cyclegan": 28_285_832,
    "cyclegan_small": 1_553_736,
    "dcgan": 6_342_272,
    "fcn": 23_597_471,
    "fcos": 31_112_852,
    "gan": 3_735_425,
    "lenet5": 61_706,
    "lenet5_1998": 60_000,
    "mlp": 109_386,
    "one_shot_cnn": 1_142_176,
    "perceptron": 3,
    "resnet2p1d18": 31_505_325,
    "resnet2p1d34": 61_831_661,
    "resnet3d18": 33_371_472,
    "resnet3d34": 63_681_104,
    "resnet3d50": 46_980_944,
    "pix2pix": 57_182_660,
    "pix2pix_small": 2_442_028,
    "plate_net": 1_237_401,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet20": 269_722,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "semi_gan": 523_178,
    "semi_gan_alone": 176_106,
    "seq2seq": 7_258_176,
    "series_cnn": 420_450,
    "series_dense": 12_644,
    "series_gan": 55_490,
    "series_lstm": 34_562,
    "stylegan2": 59_382_573,
    "tagger_lstm": 3_238_090,
    "text_bag": 300_010,
    "text_cnn": 9_363_310,
    "text_lstm": 3_238_090,
    "text_rnn": 3_030_730,
    "turn_gan": 394_065,
    "unet": 31_037_698,
    "unet_small": 1_944_196,
    "unet3d": 19_072_291,
    "unet3d_small": 1_192_970,
}

# The smallest pictures that each family takes keep the tests quick; the parameters are the same but for alexnet_2012.
SMALL = {"alexnet": 63, "alexnet_2012": 67, "lenet5": 32, "lenet5_1998": 32, "mlp": 28, "one_shot_cnn": 64}
SMALL_VOLUME = (8, 16, 16)
# Networks whose smallest pictures still take long: the same parts, with fewer maps.
NARROW = {
    "biggan": {"latent": 12, "classes": 3, "features": 2, "shared": 4, "attention": 16, "height": 32, "width": 32},
    "stylegan2": {"latent": 16, "style": 16, "depth": 2, "base": 128, "most": 8, "height": 16, "width": 16},
}
# One of each family; the rest is slow.
COMPILED = ("perceptron", "mlp", "lenet5", "lenet5_1998", "resnet20", "text_bag", "series_lstm", "fcos", "cnn3d")
NAMES = list(catalogue.entries("models"))
LENGTHS = (23, 9, 1, 14)  # of rows of steps
WRITTEN = (5, 11, 8, 1)  # of what is already written of a translation


def small(name):
    """The entry for small pictures and small vocabularies; its other numbers are those of the catalogue."""
    config = dataclasses.replace(catalogue.find("models", name), **NARROW.get(name, {}))
    takes, gives = config.ports()
    if isinstance(takes, Image):
        size = SMALL.get(name, 32)
        takes = Image(takes.channels, size, size)
    if isinstance(takes, Volume):
        takes = Volume(takes.channels, *SMALL_VOLUME)
    if isinstance(takes, Tokens):
        takes = Tokens(50)
    if isinstance(takes, Translation):
        takes = Translation(50, 40)
    if isinstance(takes, Captions):
        takes = Captions(Image(takes.picture.channels, 32, 32), 40)
    if isinstance(gives, Steps) and not isinstance(takes, Series):
        size = 40 if isinstance(takes, Translation | Captions) else 50  # a writer's tokens are those that it reads
        gives = dataclasses.replace(gives, size=size)
    return config.fitted(Ports(takes, gives))


def batch(config, rows, scale=1.0):
    """What the network is called with; rows of steps are of unequal length."""
    takes, generator = config.ports().takes, torch.Generator().manual_seed(0)

    def tokens(vocabulary, lengths):
        values = torch.randint(0, vocabulary if scale else 1, (rows, max(lengths[:rows])), generator=generator)
        return padded(values, lengths[:rows])

    if isinstance(takes, Tokens):
        return (tokens(takes.vocabulary, LENGTHS),)
    if isinstance(takes, Translation):
        return tokens(takes.source, LENGTHS), tokens(takes.target, WRITTEN)
    if isinstance(takes, Captions):
        picture, _ = example(takes, rows)
        return scale * torch.randn(picture.shape, generator=generator), tokens(takes.vocabulary, WRITTEN)
    if isinstance(takes, Series):
        values = scale * torch.randn(rows, max(LENGTHS[:rows]), takes.channels, generator=generator)
        return (padded(values, LENGTHS[:rows]),)
    first, *labels = example(takes, rows)
    classes = takes.classes if isinstance(takes, Latent | LatentSteps) else 0
    asked = [torch.randint(0, classes, one.shape, generator=generator) for one in labels]
    if isinstance(takes, LatentSteps):
        values = scale * torch.randn(rows, max(LENGTHS[:rows]), takes.size, generator=generator)
        return padded(values, LENGTHS[:rows]), *asked
    return scale * torch.randn(first.shape, generator=generator), *asked


def padded(values, lengths):
    return Padded(values, torch.tensor(lengths)).with_values(values)


def row_of(inputs, row):
    """One row as it would come alone: cut to its own steps."""
    return tuple(
        Padded(x.values[row : row + 1, : x.lengths[row]], x.lengths[row : row + 1])
        if isinstance(x, Padded)
        else x[row : row + 1]
        for x in inputs
    )


def beside_forward(config, network):
    """Parameters of the generator that stands beside a classifier: no picture that is asked about goes through it."""
    return [
        name
        for name, _ in network.named_parameters()
        if isinstance(config.ports().gives, Rivals) and name.startswith("generator.")
    ]


def flat(logits):
    """Logits of all rows, of all rows' own steps, of all places, or of all pixels. (N, K)"""
    if isinstance(logits, Padded):
        return logits.values[logits.mask]
    if isinstance(logits, tuple):  # the places and the letters of a picture, one after the other
        places, letters = logits[0].flatten(2).mT, logits[1].values
        width = max(places.shape[2], letters.shape[2])
        return torch.cat([F.pad(part, (0, width - part.shape[2])) for part in (places, letters)], 1).flatten(0, 1)
    return (logits.movedim(1, -1) if logits.ndim >= 4 else logits).flatten(0, -2)


@pytest.fixture(scope="module", params=NAMES)
def entry(request):
    """(name, configuration, network): built once, then handed to every check."""
    torch.manual_seed(0)
    config = small(request.param)
    return request.param, config, network_of(config)


def test_every_entry_states_its_count():
    assert set(COUNTS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_count_of_parameters_is_as_stated(name):
    with torch.device("meta"):
        network = network_of(catalogue.find("models", name))
    assert sum(parameter.numel() for parameter in network.parameters()) == COUNTS[name]


@pytest.mark.parametrize("name", NAMES)
def test_graph_covers_every_parameter_once_and_ends_in_the_declared_shape(name):
    config = catalogue.find("models", name)
    with torch.device("meta"):
        network = network_of(config)
    graph = trace(network, *example(config.ports().takes))
    beside = sorted(beside_forward(config, network))
    assert sorted([*graph.parameters(), *beside]) == sorted(dict(network.named_parameters()))
    assert sorted(graph.unused) == beside
    uncalled = sum(network.get_parameter(one).numel() for one in beside)
    assert sum(node.count for node in graph.nodes) == COUNTS[name] - uncalled
    shape, gives = graph.nodes[graph.outputs[0]].shape, config.ports().gives
    if isinstance(gives, Map):
        assert shape == (1, gives.size, *example(config.ports().takes)[0].shape[2:])
    elif isinstance(gives, Plates):
        assert (shape[1], graph.nodes[graph.outputs[1]].shape[2]) == (gives.size, gives.symbols)
    else:
        assert (shape[0], *shape[1 + isinstance(gives, Steps | Places) :]) == (1, gives.size)
    assert all(source < node.index for node in graph.nodes for source in node.inputs)


def test_configuration_is_frozen_and_says_why_each_setting_is_there(entry):
    _, config, _ = entry
    assert type(config).__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(config))
    assert not hasattr(config, "__dict__")


def test_declared_shapes_and_no_nan(entry):
    _, config, network = entry
    gives = config.ports().gives
    for scale in (1.0, 0.0, 10.0):
        with torch.no_grad():
            logits = network.eval()(*batch(config, 3, scale))
        if isinstance(gives, Plates):
            places, letters = logits
            sides = batch(config, 3)[0].shape[2:]
            assert places.shape == (3, gives.size, *(-(-side // gives.stride) for side in sides))
            assert letters.values.shape == (3, letters.lengths[0], gives.symbols)
        elif isinstance(gives, Steps):
            assert logits.values.shape == (3, max(logits.lengths), gives.size)
            assert logits.lengths.min() >= 1 and not logits.values[~logits.mask].any()
        elif isinstance(gives, Places):
            takes = config.ports().takes
            count = sum(-(-takes.height // stride) * -(-takes.width // stride) for stride in gives.strides)
            assert logits.shape == (3, count, gives.size)
        elif isinstance(gives, Map):
            assert logits.shape == (3, gives.size, *batch(config, 3)[0].shape[2:])
        else:
            assert logits.shape == (3, gives.size)
        assert torch.isfinite(flat(logits)).all()


def test_every_parameter_gets_a_gradient(entry):
    _, config, network = entry
    network.train()
    torch.manual_seed(0)
    for parameter in network.parameters():
        if not parameter.ndim:
            parameter.data.fill_(0.1)  # a gate that begins shut lets nothing behind it learn
    logits = flat(network(*batch(config, 4)))
    if beside_forward(config, network):
        made = network.generator(torch.randn(4, config.latent, generator=torch.Generator().manual_seed(0)))
        logits = logits + flat(network.discriminator(made))
    classes = torch.tensor([0, 1, 1, 1]).repeat(len(logits))[: len(logits)] % logits.shape[1]
    players = isinstance(config.ports().gives, Players)
    (
        F.softplus(-logits).sum() if players else F.cross_entropy(logits, classes)
    ).backward()  # unbalanced: a neuron that starts at zero has something to learn
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name
    network.zero_grad()


def test_saved_and_loaded_is_the_same(entry):
    _, config, network = entry
    stored = safetensors.torch.save(network.state_dict())
    torch.manual_seed(1)
    other = network_of(config)
    other.load_state_dict(safetensors.torch.load(stored), strict=True)
    inputs = batch(config, 2)
    with torch.no_grad():
        assert torch.equal(flat(network.eval()(*inputs)), flat(other.eval()(*inputs)))


def test_alone_is_as_in_a_batch(entry):
    _, config, network = entry
    inputs = batch(config, 4)
    with torch.no_grad():
        together = flat(network.eval()(*inputs))
        alone = torch.cat([flat(network(*row_of(inputs, row))) for row in range(4)])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5 * together.abs().max().item() + 1e-7)


def test_stages_and_head_exist_and_run_in_order(entry):
    _, config, network = entry
    names = network.stages()
    with torch.no_grad(), Probe(network, [*names, network.head]) as probe:
        network.eval()(*batch(config, 2))
    assert [capture.name for capture in probe] == [*names, network.head]
    ranks = [probe[name].value.ndim for name in names]
    assert ranks == sorted(ranks, reverse=True)  # maps first, then vectors
    assert probe[network.head].value.shape[0] == 2


@pytest.mark.parametrize("classes", [2, 5])
def test_fitted_to_other_data_works_or_says_why(entry, classes):
    _, config, _ = entry
    ports = Ports(Image(3, 96, 80), Vector(classes))
    try:
        fitted = config.fitted(ports)
    except PortMismatch as refusal:
        assert len(str(refusal)) > 40 and str(refusal).endswith(".")
        return
    assert fitted.ports() == ports
    with torch.device("meta"):
        network = network_of(fitted)
    assert network(*example(ports.takes, 2)).shape == (2, classes)


def test_what_is_called_unseen_is_unseen_and_nothing_else(entry):
    """Of what stands behind a step and of the step itself, in the tokens that the answers belong to."""
    _, config, network = entry
    takes, gives = config.ports()
    if not isinstance(gives, Steps) or isinstance(takes, Series | Image):
        return
    inputs = row_of(batch(config, 1), 0)
    for unseen in ("later", "own"):
        asked = dataclasses.replace(gives, unseen=unseen)
        assert sees(network.eval(), asked, *inputs) == (gives.unseen != unseen)
    if gives.unseen == "later":
        *others, last = inputs
        changed = last.values.clone()
        changed[:, -1] = (changed[:, -1] + 1) % gives.size
        with torch.no_grad():
            first, second = (network(*others, last._replace(values=one)).values for one in (last.values, changed))
        assert torch.equal(first[:, :-1], second[:, :-1]) and not torch.equal(first[:, -1], second[:, -1])


OTHERS = [
    Ports(Tokens(70), Vector(2)),
    Ports(Tokens(70), Steps(70)),
    Ports(Tokens(70), Steps(70, "later")),
    Ports(Tokens(70), Steps(70, "own")),
    Ports(Series(5), Vector(2)),
    Ports(Series(40), Steps(30)),
    Ports(Image(3, 32, 64), Steps(30)),
    Ports(Translation(60, 70), Steps(70, "later")),
    Ports(Captions(Image(1, 64, 40), 70), Steps(70, "later")),
    Ports(Volume(2, 9, 20, 17), Vector(3)),
    Ports(Volume(2, 9, 20, 17), Map(3)),
]


@pytest.mark.parametrize("ports", OTHERS, ids=str)
def test_fitted_to_other_kinds_of_data_works_or_says_why(entry, ports):
    _, config, _ = entry
    asked, unseen = (getattr(gives, "unseen", "nothing") for gives in (ports.gives, config.ports().gives))
    if [type(port) for port in config.ports()] != [type(port) for port in ports] or asked not in ("nothing", unseen):
        with pytest.raises(
            PortMismatch, match=r"but the (data are|task asks for) .*\.|; (these are|the data has) .*\."
        ):
            config.fitted(ports)
        return
    fitted = config.fitted(ports)
    if isinstance(ports.gives, Steps):
        ports = ports._replace(gives=dataclasses.replace(ports.gives, unseen=unseen))
    assert fitted.ports() == ports
    logits = network_of(fitted).eval()(*batch(fitted, 2))
    assert flat(logits).shape[1] == ports.gives.size


REFUSED = [
    ("perceptron", Ports(Vector(4), Vector(5)), "separates two classes; the data has 5. Choose mlp"),
    (
        "perceptron",
        Ports(Steps(4), Vector(2)),
        "takes rows of numbers or pictures, but the data are 4 numbers for every step",
    ),
    ("mlp", Ports(Steps(4), Vector(2)), "mlp takes rows of numbers or pictures"),
    (
        "mlp",
        Ports(Vector(4), Map(2)),
        "mlp gives one number per class, but the task asks for 2 numbers for every pixel",
    ),
    ("lenet5", Ports(Image(1, 28, 28), Vector(10)), "lenet5 wants pictures of 32x32; these are 28x28"),
    ("lenet5_1998", Ports(Image(1, 28, 28), Vector(10)), "lenet5_1998 wants pictures of 32x32"),
    ("lenet5_1998", Ports(Image(1, 32, 32), Vector(7)), "exactly the ten digits.* has 7 classes. Choose lenet5"),
    ("lenet5_1998", Ports(Image(3, 32, 32), Vector(10)), "these have 3. Turn them grey, or choose lenet5"),
    ("alexnet", Ports(Image(3, 48, 99), Vector(5)), "alexnet needs pictures of at least 63x63; these are 48x99"),
    ("alexnet_2012", Ports(Image(3, 66, 99), Vector(5)), "at least 67x67"),
    ("resnet18", Ports(Vector(4), Vector(5)), "looks at pictures, but the data are rows of 4 numbers"),
    ("resnet50", Ports(Image(3, 31, 99), Vector(5)), "at least 32x32"),
    ("resnet20", Ports(Image(3, 7, 7), Vector(5)), "resnet20 needs pictures of at least 8x8"),
    ("resnet20", Ports(Image(3, 32, 32), Map(5)), "resnet20 gives one number per class"),
    ("unet", Ports(Image(3, 64, 64), Vector(5)), "unet gives a class for every pixel, but the task asks for rows of 5"),
    ("fcn", Ports(Image(3, 64, 64), Vector(5)), "fcn gives a class for every pixel, but the task asks for rows of 5"),
    ("fcn", Ports(Image(3, 20, 64), Map(5)), "fcn needs pictures of at least 32x32; these are 20x64"),
    ("unet_small", Ports(Vector(4), Map(5)), "unet looks at pictures, but the data are rows of 4 numbers"),
    (
        "cnn3d",
        Ports(Image(3, 64, 64), Vector(5)),
        "cnn3d looks at volumes and clips, but the data are pictures of 64x64",
    ),
    ("cnn3d", Ports(Volume(1, 7, 99, 99), Vector(5)), "at least 8x8x8 .depth, height, width.; these are 7x99x99"),
    ("resnet3d18", Ports(Volume(1, 16, 15, 99), Vector(5)), "at least 8x16x16 .depth, height, width.; these are"),
    ("unet3d", Ports(Volume(1, 16, 16, 16), Vector(5)), "unet3d gives a class for every pixel, but the task asks"),
    ("resnet18", Ports(Volume(1, 9, 8, 7), Vector(5)), "but the data are volumes or clips of 9x8x7 with 1 channel"),
    ("crnn", Ports(Series(3), Steps(9)), "crnn looks at pictures, but the data are series"),
    ("crnn", Ports(Image(3, 32, 64), Vector(5)), "crnn gives numbers for every step, but the task asks for rows of 5"),
    (
        "plate_net",
        Ports(Image(3, 64, 64), Steps(9)),
        "finds and reads number plates, but the task asks for 9 num",
    ),
    ("fcos", Ports(Image(3, 64, 64), Plates(2, 9, 8)), "asks for number plates of 2 kinds in 9 symbols"),
    ("airbench94", Ports(Image(3, 8, 99), Vector(5)), "airbench94 needs pictures of at least 9x9; these are 8x99"),
    ("one_shot_cnn", Ports(Image(3, 7, 99), Vector(5)), "one_shot_cnn needs pictures of at least 8x8; these are 7x99"),
]


@pytest.mark.parametrize(("name", "ports", "sentence"), REFUSED)
def test_refusal_is_one_clear_sentence(name, ports, sentence):
    with pytest.raises(PortMismatch, match=sentence):
        catalogue.find("models", name).fitted(ports)


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("alexnet", 63),
        ("alexnet_2012", 67),
        ("resnet50", 32),
        ("resnet20", 8),
        ("resnet18", 45),
        ("airbench94", 9),
        ("one_shot_cnn", 8),
    ],
)
def test_smallest_picture_passes(name, picture):
    config = catalogue.find("models", name).fitted(Ports(Image(2, picture, picture), Vector(3)))
    with torch.device("meta"):
        assert config.build()(torch.empty(2, 2, picture, picture)).shape == (2, 3)


@pytest.mark.parametrize(
    "name", [name if name in COMPILED else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_compiled_equals_eager(name):
    torch.manual_seed(0)
    config = small(name)
    network = network_of(config).eval()
    whole = not any(isinstance(module, Recurrent) for module in network.modules())  # its kernels are left as they are
    inputs = batch(config, 2)
    with torch.no_grad():
        eager = flat(network(*inputs))
        torch.compiler.reset()
        compiled = flat(torch.compile(network, fullgraph=whole)(*inputs))
    torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=1e-5 * eager.abs().max().item() + 1e-7)
