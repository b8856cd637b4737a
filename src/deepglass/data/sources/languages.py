"""Names that people give to the two sides of a parallel text: languages by code or by name, source and target."""

import re
from collections.abc import Iterable, Mapping

CODES = frozenset(
    (
        "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fo fr fy ga gd gl gu ha he hi hr ht"
        " hu hy id ig is it ja jv ka kk km kn ko ku ky la lb ln lo lt lv mg mi mk ml mn mr ms mt my nb ne nl nn no ny"
        " oc or pa pl ps pt qu ro ru rw sa sd si sk sl sm sn so sq sr st su sv sw ta te tg th ti tk tl tn tr tt ug uk"
        " ur uz vi wo xh yi yo yue zh zu"
        " eng fra fre deu ger spa ita por nld rus zho chi cmn jpn kor ara hin tur pol ces cze swe vie"
    ).split()
)
NAMES = frozenset(
    (
        "english french german spanish italian portuguese dutch russian chinese mandarin japanese korean arabic hindi"
        " turkish polish czech swedish vietnamese latin greek hebrew français deutsch español"
        " 中文 汉语 英文 英语 法文 法语 德文 德语 日文 日语 俄文 俄语 西班牙语 原文 译文 源语言 目标语言"
    ).split()
)
ROLES = frozenset("source target src tgt trg original translation translated from to input output".split())
FILLING = frozenset("text sentence sentences language lang string line 句子 文本".split())


def language(name: str) -> bool:
    """Whether it is the code or the name of a language, with a region or a script behind it or without.

    >>> [language(name) for name in ("en", "zh-CN", "pt_BR", "French", "md", "ts", "garden")]
    [True, True, True, True, False, False, False]
    """
    lower = name.lower()
    return re.split("[-_]", lower)[0] in CODES or lower in NAMES


def is_side(heading: str) -> bool:
    """Whether a column's heading names one side of a parallel text.

    >>> [is_side(heading) for heading in ("en", "source text", "sentence_fr", "Go.", "label")]
    [True, True, True, False, False]
    """
    words = [word for word in re.split(r"[\W_]+", heading.lower()) if word]
    sides = [word for word in words if word in ROLES or language(word)]
    return bool(sides) and all(word in FILLING or word in sides for word in words) or language(heading)


def side_of(file: str) -> tuple[str, str] | None:
    """What a file's name says: which text it is of, and its language.

    >>> side_of("train.en"), side_of("news_zh-CN.txt"), side_of("fr.txt"), side_of("train.txt"), side_of("kitchen")
    (('train', 'en'), ('news', 'zh-CN'), ('', 'fr'), None, None)
    """
    bare = re.sub(r"\.te?xt$", "", file, flags=re.IGNORECASE)
    cuts = [0, *(found.end() for found in re.finditer(r"[._-]", bare))]
    cut = next((cut for cut in cuts if language(bare[cut:])), None)
    if cut is None or (bare == file and cut and bare[cut - 1] != "."):  # notes-en is a name like any other
        return None
    return bare[: max(0, cut - 1)], bare[cut:]


def by_text(files: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Files that name a language: by the text that they are of, then by language."""
    found: dict[str, dict[str, str]] = {}
    for file in files:
        if side := side_of(file):
            found.setdefault(side[0], {})[side[1]] = file
    return found
