"""Made sentences about people, days and money, each token with its tag in BIO; what many words are follows from others.

    sentence   who paid whom money day .          day who bought count things for money .     who and who met in month .
               did who owe money day ?            the things of who cost money day .
               in month who sold count pounds of food .
    who        name, name surname                                                    PER
    day        on number month year, in month year, before number month              DATE
    money      number dollars, number pounds, number marks, $ number                 MONEY
    count      number, which is nothing by itself, nor are pounds of food

April, May, June, August and March are names, surnames or months; Mark is a person, marks are money or things; a number
may be a day, a year, a price or a count. So the likeliest tag of each word by itself is often wrong.
"""

from collections.abc import Callable, Sequence

from deepglass.data.readers.tagged import written
from deepglass.data.readers.text import Text
from deepglass.foundation.seeds import Draws

NAMES = "April May June August Mark Penny Rose Anna Ben Clara Frank Rich".split()
SURNAMES = "March May Miller Sterling Brown Rich".split()
MONTHS = "January March April May June August October".split()
THINGS = "chairs roses books coins marks lamps".split()
FOOD = "apples flour rice".split()

Tagged = list[tuple[str, str]]


class _Row:
    """What one sentence draws, number after number."""

    def __init__(self, drawn: list[float]):
        self.drawn = iter(drawn)

    def below(self, count: int) -> int:
        return int(next(self.drawn) * count)

    def pick(self, words: Sequence[str]) -> str:
        return words[self.below(len(words))]

    def who(self) -> Tagged:
        name = [self.pick(NAMES), self.pick(SURNAMES)]
        return span("PER", *name[: 1 + self.below(2)])

    def month(self) -> Tagged:
        return plain("in") + span("DATE", self.pick(MONTHS))

    def day(self) -> Tagged:
        number, month, year = str(1 + self.below(28)), self.pick(MONTHS), str(1980 + self.below(50))
        ways: tuple[Tagged, ...] = (
            plain("on") + span("DATE", number, month, year),
            plain("in") + span("DATE", month, year),
            plain("before") + span("DATE", number, month),
        )
        return ways[self.below(len(ways))]

    def count(self) -> str:
        return str(2 + self.below(2040))

    def money(self) -> Tagged:
        number = self.count()
        ways = ((number, "dollars"), (number, "pounds"), (number, "marks"), ("$", number))
        return span("MONEY", *ways[self.below(len(ways))])

    def sentence(self) -> Tagged:
        one, other, money, day = self.who(), self.who(), self.money(), self.day()
        things = plain(self.pick(THINGS))
        ways: tuple[Callable[[], Tagged], ...] = (
            lambda: one + plain("paid") + other + money + day + plain("."),
            lambda: day + one + plain("bought", self.count()) + things + plain("for") + money + plain("."),
            lambda: one + plain("and") + other + plain("met") + self.month() + plain("."),
            lambda: plain("the") + things + plain("of") + one + plain("cost") + money + day + plain("."),
            lambda: plain("did") + one + plain("owe") + money + day + plain("?"),
            lambda: self.month() + one + plain("sold", self.count(), "pounds", "of", self.pick(FOOD), "."),
        )
        return ways[self.below(len(ways))]()


def plain(*words: str) -> Tagged:
    """Words that are nothing in particular."""
    return [(word, "O") for word in words]


def span(kind: str, *words: str) -> Tagged:
    """Words that are one thing together."""
    return [(word, f"{'I' if place else 'B'}-{kind}") for place, word in enumerate(words)]


def tagged(draws: Draws, count: int) -> list[tuple[Text, str]]:
    """Sentences of the grammar with their tags, one on every line."""
    sentences = [_Row(drawn).sentence() for drawn in draws.uniform("grammar", 32).tolist()]
    return [(written([word for word, _ in sentence]), "\n".join(tag for _, tag in sentence)) for sentence in sentences]
