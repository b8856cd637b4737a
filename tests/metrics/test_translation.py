"""BLEU and chrF equal sacrebleu's own corpus scores, with its signature and an interval by sentences."""

import builtins

import pytest
import sacrebleu
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.example import Ragged
from deepglass.foundation.errors import MachineError, RunFailed
from deepglass.foundation.words import speaking
from deepglass.metrics.bleu import BLEU
from deepglass.metrics.chrf import ChrF
from deepglass.metrics.sacre import texts_of

WANTED = [
    "Le chat est assis sur le tapis rouge.",
    "Bibliothèque pour le traitement d'images",
    "Ce paquet contient les fichiers de développement.",
    "Il n'y a rien ici.",
]
WRITTEN = [
    "Le chat est assis sur un tapis rouge.",
    "Bibliothèque de traitement d'images",
    "Ce paquet contient les fichiers de développement.",
    "",
]


def column(texts):
    rows = [list(text.encode()) for text in texts]
    return Ragged(torch.tensor(sum(rows, []), dtype=torch.uint8), torch.tensor(list(map(len, rows))))


def measured(metric, written, wanted, sizes=(3, 1)):
    ids, start = [f"{row:03d}" for row in range(len(written))], 0
    for size in (*sizes, len(written)):
        stop = min(start + size, len(written))
        if start < stop:
            metric.update(ids[start:stop], {"text": column(written[start:stop])}, column(wanted[start:stop]))
        start = stop
    return metric.compute()


def test_bleu_is_sacrebleus():
    found = measured(BLEU(), WRITTEN, WANTED)
    theirs = sacrebleu.BLEU()
    assert found.value == pytest.approx(theirs.corpus_score(WRITTEN, [WANTED]).score)
    assert found.by == f"BLEU|{theirs.get_signature()}" and "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp" in found.by
    assert found.n == 4 and found.better == "up" and 0 < found.low < found.value < found.high < 100


def test_chrf_is_sacrebleus():
    found = measured(ChrF(), WRITTEN, WANTED)
    theirs = sacrebleu.CHRF()
    assert found.value == pytest.approx(theirs.corpus_score(WRITTEN, [WANTED]).score)
    assert found.by == f"chrF2|{theirs.get_signature()}" and "nc:6|nw:0" in found.by
    assert found.low < found.value < found.high


def test_chinese_is_cut_into_its_characters():
    wanted, written = ["这个软件包包含开发文件。", "猫坐在垫子上。"], ["这个软件包包含文件。", "猫坐在红垫子上。"]
    found = measured(BLEU(), written, wanted)
    assert found.value == pytest.approx(sacrebleu.BLEU(tokenize="zh").corpus_score(written, [wanted]).score)
    assert "tok:zh" in found.by and found.value > 30


WORDS = st.lists(st.sampled_from("a b c d e é 好 .".split()), max_size=9).map(" ".join)


@settings(max_examples=40)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
def test_any_texts_score_as_sacrebleu_says(pairs):
    written, wanted = map(list, zip(*pairs, strict=True))
    cut = "zh" if "tok:zh" in measured(BLEU(), written, wanted).by else "13a"
    bleu, chrf = sacrebleu.BLEU(tokenize=cut, force=True), sacrebleu.CHRF()
    assert measured(BLEU(), written, wanted).value == pytest.approx(bleu.corpus_score(written, [wanted]).score)
    assert measured(ChrF(), written, wanted).value == pytest.approx(chrf.corpus_score(written, [wanted]).score)


@pytest.mark.parametrize("metric", [BLEU, ChrF])
def test_the_order_of_batches_changes_nothing(metric):
    first, second = metric(), metric()
    first.update(["a", "b", "c"], {"text": column(WRITTEN[:3])}, column(WANTED[:3]))
    second.update(["c"], {"text": column(WRITTEN[2:3])}, column(WANTED[2:3]))
    second.update(["a", "b"], {"text": column(WRITTEN[:2])}, column(WANTED[:2]))
    assert first.compute() == second.compute()
    with pytest.raises(RunFailed, match="'b' was counted twice"):
        second.update(["b"], {"text": column(["x"])}, column(["x"]))


@pytest.mark.parametrize("metric", [BLEU, ChrF])
def test_the_same_texts_are_perfect_and_none_are_no_figure(metric):
    assert measured(metric(), WANTED, WANTED).value == pytest.approx(100)
    nothing = metric().compute()
    assert nothing.n == 0 and nothing.value != nothing.value


def test_broken_bytes_are_shown_and_not_raised():
    broken = Ragged(torch.tensor([0x63, 0xC3, 0x61, 0x62], dtype=torch.uint8), torch.tensor([2, 0, 2]))
    assert texts_of(broken) == ["c\ufffd", "", "ab"]


@pytest.mark.parametrize(
    "language, says",
    [("en", "not installed. Add the extra: pip install 'deepglass[translate]'"), ("zh-CN", "请安装附加包")],
)
@pytest.mark.parametrize("metric", [BLEU, ChrF])
def test_a_missing_package_is_named_with_its_extra(metric, language, says, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.split(".")[0] == "sacrebleu":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with speaking(language), pytest.raises(MachineError) as raised:
        metric()
    with speaking(language):
        assert says in str(raised.value)
