"""BLEU: how many runs of one to four words a translation shares with its reference (Papineni et al. 2002)."""

from collections.abc import Mapping, Sequence
from typing import Any

from deepglass.metrics.figure import Figure
from deepglass.metrics.sacre import Texts, figure, scorer

HAN = ("\u3400", "\u9fff")
UNSPACED = (("\u3040", "\u30ff"), ("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))  # kana, Thai ...
MANY = 0.2  # share of a language's letters from which the references are taken to be in it


class BLEU:
    """100 · min(1, e^(1 - r/c)) · (p_1 p_2 p_3 p_4)^(1/4) over the whole part, as sacrebleu computes and signs it.

    p_n is the share of the translations' n-grams that their references have, c and r how long both are. Words are cut
    as the language of the references asks. Reads predictions["text"], targets: Ragged UTF-8; `apart` is what stands
    between several references of one text.
    """

    def __init__(self, apart: str = "") -> None:
        scorer("BLEU")  # that it is there is asked before anything is translated
        self.apart = apart
        self._texts = Texts()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Any], targets: Any) -> None:
        """A batch."""
        self._texts.add(ids, predictions["text"], targets)

    def compute(self) -> Figure:
        """The figure over everything seen."""
        written, wanted = self._texts.pairs()
        return figure(scorer("BLEU", tokenize=cutting(wanted), force=True), written, wanted, self.apart)


def cutting(texts: Sequence[str]) -> str:
    """How sacrebleu should cut these into words: "zh", "char" for other languages without spaces, else "13a".

    >>> cutting(["Bonjour !"]), cutting(["你好, world"]), cutting(["こんにちは、世界"]), cutting(["안녕 하세요"])
    ('13a', 'zh', 'char', '13a')
    """
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    unspaced = sum(first <= letter <= last for letter in letters for first, last in UNSPACED)
    if unspaced > MANY * len(letters):
        return "char"
    return "zh" if sum(HAN[0] <= letter <= HAN[1] for letter in letters) > MANY * len(letters) else "13a"
