"""Gates, memory and attention: against what is known of small networks, and from the command line to files."""

import json

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass.blocks.recurrent import Recurrent
from deepglass.explain import attention, gates, memory
from deepglass.explain.answer import choose_method, explain, methods, reading
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import speaking
from deepglass.graph.gates import readable
from tests.explain.conftest import trained
from tests.explain.test_answer import run_verb
from tests.tasks.translators import pairs

QUICK = ("train.plan=plain", "data.cache=false", "train.steps=30")
SMALL = ("task.text.vocabulary.level=characters", "task.beam=1", "model.features=16", "model.hidden=16")
SENTENCE = "The cat sees the dog."


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    place = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    place.write_text("\n".join(["en\tfr", *("\t".join(row) for row in pairs(100))]), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def french(table, tmp_path_factory):
    return trained(table, tmp_path_factory.mktemp("runs") / "french", *QUICK, *SMALL)


@pytest.fixture(scope="module")
def layered(table, tmp_path_factory):
    words = ("model.name=conv_seq2seq", "model.layers=2")
    return trained(table, tmp_path_factory.mktemp("runs") / "layered", *QUICK, *SMALL, *words)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    return trained("made:numbers", tmp_path_factory.mktemp("runs") / "numbers", *QUICK, "model.hidden=16")


class Net(torch.nn.Module):
    """The last step's first number of a recurrent layer."""

    def __init__(self, kind, **settings):
        super().__init__()
        torch.manual_seed(1)
        self.layer = Recurrent(kind, 3, 5, **settings)

    def forward(self, x):
        return self.layer(x)[0].values[:, -1]


def row(steps=7):
    values = torch.randn(1, steps, 3, generator=torch.Generator().manual_seed(0))
    return Padded(values, torch.tensor([steps]))


def test_what_fades_is_the_product_of_the_steps_jacobians():
    net, x = Net("rnn_tanh"), row()
    found = memory.faded(net, (x,), 2)["layer.l0"]
    cell, states = net.layer.cell(0), [torch.zeros(1, 5)]
    for step in x.values.unbind(1):
        states.append(cell(step, (states[-1],))[0].detach())
    gradient = torch.eye(5)[2:3]
    expected = [1.0]
    for h in reversed(states[2:]):
        gradient = gradient @ torch.diag(1 - h[0] ** 2) @ net.layer.weight_hh_l0
        expected.append(float(gradient.norm()))
    assert np.allclose(found[::-1], expected, rtol=1e-4)


@pytest.mark.parametrize("kind", ["rnn_tanh", "gru", "lstm"])
@pytest.mark.parametrize("settings", [{}, {"layers": 2}, {"bidirectional": True}])
def test_a_readable_network_says_and_learns_what_the_quick_one_does(kind, settings):
    net, x = Net(kind, **settings).eval(), row()
    quick = net(x)
    with readable(net) as told:
        slow = net(x)
    assert torch.allclose(quick, slow, atol=1e-5) and list(told) == ["layer"]
    assert torch.allclose(net(x), quick) and "forward" not in vars(net.layer)
    found = memory.faded(net, (x,), 0)
    names = [f"layer.l{n}{side}" for n in range(settings.get("layers", 1)) for side in net.layer.sides]
    assert list(found) == names and all(len(norms) == 7 for norms in found.values())
    assert all((norms[-1] > 0) == (not name.endswith("_reverse")) for name, norms in found.items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_direction_that_reads_from_the_end_is_told_at_the_steps_where_it_belongs():
    net = Net("gru", bidirectional=True)
    norms = memory.faded(net, (row(),), 5)["layer.l0_reverse"]  # a number of the backward direction, at the last step
    assert norms[-1] > 0 and not norms[:-1].any()


def test_the_network_is_itself_again_where_it_fails():
    net = Net("gru")
    with pytest.raises(RuntimeError), readable(net):
        raise RuntimeError
    assert "forward" not in vars(net.layer)


def test_open_forget_gates_keep_what_a_plain_layer_loses():
    net, x = Net("lstm"), row(40)
    with torch.no_grad():
        net.layer.bias_ih_l0[5:10] = 6.0
    state = torch.random.get_rng_state()
    own, plain = (memory.faded(net, (x,), 0, plain)["layer.l0"] for plain in (False, True))
    assert own[0] / own.max() > 1000 * plain[0] / plain.max() and memory.reach(own[:-2]) == 37 > 3 * memory.reach(plain)
    assert torch.equal(torch.random.get_rng_state(), state)
    again = memory.faded(net, (x,), 0, plain=True)["layer.l0"]
    assert np.array_equal(plain, again)


def test_how_far_back_is_the_last_step_with_a_hundredth_left():
    assert memory.reach(np.array([0.0, 0.5, 0.001, 50.0, 7.0])) == 3 and memory.reach(np.array([1.0, 2.0])) == 1
    assert memory.reach(np.array([1e-9, 1.0])) == 0 == memory.reach(np.zeros(4)) == memory.reach(np.zeros(0))


def test_nothing_is_said_to_vanish_that_does_not(numbers):
    short, long = (one.explanation.words for one in explain(dg.load(numbers), ["42", "forty-two = 42\n" * 8], "memory"))
    assert "1 step read before the last" in short and "gates make little difference" in short
    assert "119 steps read before the last" in long and "there it vanishes sooner" in long


def test_the_sentence_says_where_the_lines_of_the_picture_cross(numbers):
    (one,) = explain(dg.load(numbers), ["forty-two = 42\n" * 8], "memory")
    *layers, plain, vanished = one.explanation.views["memory"].lines
    assert [line.name for line in layers] == ["lstm.l0", "lstm.l1"] and vanished.name == "1 % of the largest"
    assert set(vanished.y) == {memory.VANISHED} and vanished.x == [0, 119]
    far = [max(x for x, y in zip(line.x, line.y, strict=True) if y >= memory.VANISHED) for line in (*layers, plain)]
    assert (
        f"is left {far[0]} steps back in lstm.l0, {far[1]} steps back in lstm.l1; in a plain" in one.explanation.words
    )
    assert f"only {far[2]} steps back" in one.explanation.words and min(plain.y) > memory.FAINTEST


def test_frozen_layers_have_a_memory_as_well():
    net = Net("lstm").requires_grad_(False)
    assert memory.faded(net, (row(),), 0)["layer.l0"][-1] > 0


def test_methods_of_sequences_follow_from_the_network(french, numbers, layered):
    assert methods(dg.load(french)) == ["attention", "gates", "memory"]
    assert methods(dg.load(numbers)) == ["gates", "memory"]
    assert methods(dg.load(layered)) == ["attention"]


def test_a_network_without_attention_or_memory_says_so(numbers, layered, xor):
    with pytest.raises(UsageError, match=r"'char_lm' has no attention over a text or a picture .*: gates, memory\."):
        choose_method(dg.load(numbers), "attention")
    with pytest.raises(UsageError, match=r"'conv_seq2seq' has no recurrent layers, .* fade\. Use one of: attention\."):
        choose_method(dg.load(layered), "memory")
    with pytest.raises(UsageError, match=r"no gates to be seen\. Use one of: boundary"):
        choose_method(dg.load(xor), "gates")


@pytest.mark.parametrize("made", ["french", "layered"])
def test_attention_is_that_of_the_translation_itself(made, request):
    bundle = dg.load(request.getfixturevalue(made))
    (one,) = explain(bundle, [SENTENCE], "attention")
    told, shown = one.answer["alignment"], one.explanation.views["attention"]
    weights = np.mean(list(one.explanation.arrays.values()), axis=0)
    assert shown.read == told["source"] and shown.written == [*told["target"], "[end]"]
    assert np.allclose(weights.sum(1), 1, atol=1e-5) and weights.shape == (len(shown.written), len(shown.read))
    assert np.allclose(weights[:-1], np.array(told["weights"]).reshape(-1, weights.shape[1]), atol=2e-3)
    assert len(one.explanation.arrays) == (1 if made == "french" else 2)
    assert ("the mean of 2 layers" in one.explanation.words) == (made == "layered")


def test_gates_of_a_translator_are_those_of_reading_and_writing(french):
    (one,) = explain(dg.load(french), [SENTENCE], "gates")
    arrays = one.explanation.arrays
    assert {name.rpartition(".")[0] for name in arrays} == {"reader.l0", "reader.l0_reverse", "writer.l0"}
    assert len(arrays["reader.l0.f"]) == 1 + len(SENTENCE) and len(arrays["writer.l0.f"]) == 1 + len(
        one.answer["alignment"]["target"]
    )
    assert "the output gate o how much of it is said as the hidden state h (LSTM)" in reading(dg.load(french), "gates")


def test_the_memory_of_a_language_model_is_a_picture_and_arrays(numbers, tmp_path, capsys):
    words = [str(numbers), "forty-two = 42 ninety-nine = 99", "--method", "memory", "--out", str(tmp_path), "--json"]
    code, out, err = run_verb(capsys, *words)
    (found,) = json.loads(out)["explanations"]
    assert code == 0 and "before the last" in found["words"] and "it vanishes sooner" in err
    with np.load(tmp_path / "explanation.npz", allow_pickle=False) as arrays:
        norms = arrays[found["arrays"]["lstm.l1"]["key"]]
        assert len(norms) == len("forty-two = 42 ninety-nine = 99") and norms.argmax() > len(norms) - 5
        assert arrays[found["arrays"]["plain.lstm.l1"]["key"]].shape == norms.shape
    assert (tmp_path / found["pictures"][0]).read_bytes().startswith(b"\x89PNG")


def test_a_translator_is_explained_from_the_command_line_in_chinese(french, tmp_path, capsys):
    code, out, _ = run_verb(capsys, str(french), SENTENCE, "--out", str(tmp_path), "--lang", "zh-CN")
    document = json.loads((tmp_path / "explanation.json").read_text(encoding="utf-8"))
    assert code == 0 and document["method"] == "attention" and "网络看向何处" in document["explanations"][0]["words"]
    assert out.startswith("0：") and "图片与网页" in out


def test_fits_ask_for_sequences(xor):
    bundle = dg.load(xor)
    assert not gates.fits(bundle) and not attention.fits(bundle)


def test_gates_are_a_picture_for_each_layer_with_what_was_read(numbers, tmp_path, capsys):
    code, out, _ = run_verb(capsys, str(numbers), "six = 6", "--method", "gates", "--out", str(tmp_path), "--json")
    (found,) = json.loads(out)["explanations"]
    assert code == 0 and len(found["pictures"]) == 2 and len(found["arrays"]) == 12
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in found["pictures"])
    page = (tmp_path / "explanation.html").read_text(encoding="utf-8")
    assert all(f"<small>{name}</small>" in page for name in ("lstm.l0", "lstm.l1"))
    (one,) = explain(dg.load(numbers), ["six = 6"], "gates")
    names = ["input gate i", "forget gate f", "candidate g", "output gate o", "cell state c", "hidden state h"]
    for layer in ("lstm.l0", "lstm.l1"):
        shown = one.explanation.views[f"gates-{layer}"]
        assert list(shown.bands) == names and layer in shown.title
        assert shown.read == ["[begin]", "s", "i", "x", "␣", "=", "␣"]
        assert np.array_equal(shown.bands["forget gate f"], one.explanation.arrays[f"{layer}.f"].T)
    assert "Shown are" not in one.explanation.words


def test_a_number_has_its_unit_in_the_sentence_and_on_the_page(numbers, tmp_path, capsys):
    code, out, _ = run_verb(capsys, str(numbers), "six = 6", "--method", "memory", "--out", str(tmp_path))
    page = (tmp_path / "explanation.html").read_text(encoding="utf-8")
    assert code == 0 and " bits per character. How much" in out and " bits per character</b>" in page


def test_a_long_text_is_shown_from_its_start_and_that_is_said(numbers):
    (one,) = explain(dg.load(numbers), ["forty-two = 42\n" * 8], "gates")
    shown = one.explanation.views["gates-lstm.l1"]
    assert len(shown.read) == shown.bands["forget gate f"].shape[1] == 60 and shown.read[15] == "↵"
    assert one.explanation.words.endswith(
        "the first 60 of 120 steps and 16 of 16 numbers; the arrays of explanation.npz hold all."
    )


def test_a_layer_that_reads_from_the_end_has_the_tokens_in_its_order(tmp_path):
    (tmp_path / "book.txt").write_text("The cat sat on the mat. A dog ran to the tree.\n" * 60, encoding="utf-8")
    words = ("task.name=cloze", "task.text.vocabulary.least=1", "model.features=8", "model.hidden=8", *QUICK)
    made = trained(tmp_path / "book.txt", tmp_path / "run", *words)
    (one,) = explain(dg.load(made), ["the cat ____ on"], "gates")
    assert one.explanation.views["gates-left.l0"].read == ["the", "cat", "\ufffd", "on"]
    assert one.explanation.views["gates-right.l0"].read == ["on", "\ufffd", "cat", "the"]


def test_reader_and_writer_have_each_what_it_read(french):
    (one,) = explain(dg.load(french), [SENTENCE], "gates")
    reader, writer = (one.explanation.views[f"gates-{name}.l0"] for name in ("reader", "writer"))
    assert reader.read[:3] == ["T", "h", "e"] and writer.read[0] == "[begin]"
    assert writer.read[1:] == one.answer["alignment"]["target"]
