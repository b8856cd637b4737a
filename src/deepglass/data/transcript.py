"""What counts as said in a transcript: letters of any script, digits and apostrophes; the rest is how it is written."""

import unicodedata
from typing import Literal

Letters = Literal["spoken", "written"]
APOSTROPHES = str.maketrans("’‘ʼ＇", "''''")


def transcript(text: str, letters: Letters = "spoken") -> str:
    """A transcript as a network learns it; spaces stand single and only between words.

    spoken: small letters, digits and apostrophes inside words; written: every character as it stands.

    >>> transcript("  “Please, hold…” — it’s  O'Neil's  No. 5! "), transcript("你好，世界。")
    ("please hold it's o'neil's no 5", '你好 世界')
    """
    text = unicodedata.normalize("NFC", text)
    if letters == "spoken":
        text = "".join(letter if _said(letter) else " " for letter in text.translate(APOSTROPHES).lower())
        return " ".join(word for word in (word.strip("'") for word in text.split()) if word)
    return " ".join(text.split())


def _said(letter: str) -> bool:
    return letter == "'" or unicodedata.category(letter)[0] in "LMN"
