"""How many printings of one text do we fold, and how many texts that only look like one?

Made here from invented articles: printings under other headlines, with datelines, cut tails and
furniture; beside them a reporter's own account, a later report that repeats the background, a
round-up, and texts that are the same every day but for their figures. The same for the same seed.
"""

import random
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.quality.deskwork import Desk, Tally

HERE = Path(__file__).parent
ROUNDS = 2  # times that chance edits each article
DAYS = 6  # of each formula

Row = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """One printing of an article, or something that must not be taken for one."""

    title: str
    text: str
    is_copy: bool


def made(part: str, rounds: int = ROUNDS) -> tuple[Tally, Tally]:
    """Try the part "dev" or "test" on full texts, and on teasers.

    The more ``rounds``, the larger the set.
    """
    articles = [row for row in _read("made_articles.toml", "article") if row["part"] == part]
    shortened = [_as_teaser(article) for article in articles]
    full, teasers = Tally(), Tally()
    dice = random.Random(part)
    for article in articles:
        for _ in range(rounds):
            _try_out(article, articles, _printings(article, articles, dice), full)
            _try_out(_as_teaser(article), shortened, _teasers(article, dice), teasers)
    for formula in _read("made_formulas.toml", "formula"):
        if formula["part"] == part:
            _try_days(formula, full if len(formula["text"]) > 450 else teasers)
    return full, teasers


def _read(name: str, kind: str) -> list[Row]:
    with (HERE / name).open("rb") as file:
        return list(tomllib.load(file)[kind])


def _try_out(article: Row, crowd: list[Row], versions: Iterator[Version], tally: Tally) -> None:
    for number, version in enumerate(versions):
        desk = Desk()
        leads = {
            row["name"]: desk.take("agency", row["headline"], row["text"], None) for row in crowd
        }
        for other in crowd:  # the paper has printed other things, with the same lines around them
            if other["name"] != article["name"]:
                text = _furnished(_sentences(other, "own"), other["headline"], _gap(other))
                place = f"https://paper.example/{other['name']}"
                desk.take("paper", other["others"][0], text, place)
        told = desk.take("paper", version.title, version.text, f"https://paper.example/{number}")
        tally.count(is_copy=version.is_copy, said=told == leads[article["name"]])


def _printings(article: Row, crowd: Sequence[Row], dice: random.Random) -> Iterator[Version]:
    sentences, own = _sentences(article), _sentences(article, "own")
    first, second = article["others"]
    place, gap = article["place"], _gap(article)
    whole = gap.join(sentences)

    def some(share: float) -> str:
        return gap.join(sentences[: max(2, round(len(sentences) * share))])

    dateline = article.get("dateline", f"{place.upper()}, Sept 20 (ANI) - ")
    yield Version(first, f"{dateline}{whole} (ANI)", is_copy=True)
    yield Version(second, f"{whole}\nALSO READ: {first}\n…reports Example Lite News", is_copy=True)
    yield Version(first, f"{place}: {some(0.5)}", is_copy=True)
    yield Version(second, f"{some(0.6)} Read more at paper.example", is_copy=True)
    yield Version(first, _furnished(sentences, second, gap), is_copy=True)
    yield Version(second, gap.join(_edited(sentences, dice, 0.04)), is_copy=True)
    yield Version(first, gap.join(_edited(sentences[1:], dice, 0.08)), is_copy=True)
    yield Version(article["headline"], gap.join(_moved(sentences)), is_copy=True)
    yield Version(second, some(0.25), is_copy=True)
    yield Version(first, f"{own[0]}{gap}{whole}", is_copy=True)
    for _ in range(4):
        yield Version(second, gap.join(_edited(sentences, dice, 0.12)), is_copy=True)
    yield Version(first, article["own"], is_copy=False)
    yield Version(article["headline"], _furnished(own, "", gap), is_copy=False)
    yield Version(second, gap.join((*own[:4], *sentences[-len(sentences) // 2 :])), is_copy=False)
    yield Version("The morning in brief", _round_up(article, crowd), is_copy=False)


def _teasers(article: Row, dice: random.Random) -> Iterator[Version]:
    first, second = article["others"]
    opening, place = _opening(article, 45), article["place"]
    yield Version(first, opening, is_copy=True)
    dateline = article.get("dateline", f"{place.upper()} (Reuters) - ")
    yield Version(second, f"{dateline}{opening}", is_copy=True)
    yield Version(first, f"{_opening(article, 26)}… Continue reading", is_copy=True)
    yield Version(article["headline"], f"{_opening(article, 18)} [...]", is_copy=True)
    yield Version(second, f"{opening}\nThe post {second} appeared first on Example.", is_copy=True)
    yield Version(first, article["text"], is_copy=True)
    for _ in range(4):
        yield Version(second, " ".join(_edited([opening], dice, 0.06)), is_copy=True)
    shorter = _opening(article, 26)
    for _ in range(2):
        yield Version(article["headline"], " ".join(_edited([shorter], dice, 0.06)), is_copy=True)
    yield Version(first, _opening(article, 45, "own"), is_copy=False)
    yield Version(article["headline"], _opening(article, 45, "own"), is_copy=False)
    yield Version(second, _opening(article, 25, "own"), is_copy=False)


def _try_days(formula: Row, tally: Tally) -> None:
    """One agency's text of each day, and a paper that prints each under a headline of its own."""
    desk = Desk()
    days = [_drawn(formula, day) for day in range(DAYS)]
    for day, (title, text) in enumerate(days):
        first = desk.take("agency", title, text, f"https://agency.example/{formula['name']}-{day}")
        tally.count(is_copy=False, said=first != str(day + 1))
    firsts = [str(number + 1) for number in range(DAYS)]
    for day, (_, text) in enumerate(days):
        place = f"https://paper.example/{formula['name']}-{day}"
        told = desk.take("paper", f"Figures of the day, no {day}", text, place)
        tally.count(is_copy=True, said=told == firsts[day])
        tally.count(is_copy=False, said=told in firsts and told != firsts[day])


def _drawn(formula: Row, day: int) -> tuple[str, str]:
    dice = random.Random(f"{formula['name']} {day}")

    def draw(found: re.Match[str]) -> str:
        if found[0] == "#":
            return str(dice.randint(2, 970))
        return dice.choice(found[0][1:-1].split("|"))

    title, text = (re.sub(r"#|\[[^\]]+\]", draw, formula[name]) for name in ("title", "text"))
    return title, text


def _gap(article: Row) -> str:
    return "" if article.get("language") in {"zh", "ja"} else " "


def _sentences(article: Row, field: str = "text") -> list[str]:
    return re.split(r"(?<=[.!?])\s+|(?<=。)(?=.)", article[field].strip())


def _as_teaser(article: Row) -> Row:
    return {**article, "text": _opening(article, 45)}


def _opening(article: Row, words: int, field: str = "text") -> str:
    text: str = article[field].strip()
    return " ".join(text.split()[:words]) if _gap(article) else text[: words * 2]


def _round_up(article: Row, crowd: Sequence[Row]) -> str:
    """The first sentences of several texts, this one's among them."""
    others = [row for row in crowd if row["name"] != article["name"]][:4]
    told = [" ".join(_sentences(row)[:3]) for row in (*others[:2], article, *others[2:])]
    return "\n".join(("Good morning. Here is what matters today.", *told))


def _furnished(sentences: list[str], elsewhere: str, gap: str = " ") -> str:
    half = len(sentences) // 2
    return "\n".join((
        "3 mins read",
        gap.join(sentences[:half]),
        f"Read also: {elsewhere}",
        "Sign up for our newsletter and never miss a story again.",
        gap.join(sentences[half:]),
        "(With inputs from agencies)",
        "Photo: A view of the scene. Credit: Somebody/Agency",
        "This story has been published from a wire agency feed without modifications to the text.",
    ))  # fmt: skip


def _edited(sentences: list[str], dice: random.Random, share: float) -> Iterator[str]:
    """Change every so many words, as a copy editor does."""
    for sentence in sentences:
        parts = re.findall(r"\w+|\W+", sentence)
        yield "".join(
            "other" if part.isalpha() and len(part) < 12 and dice.random() < share else part
            for part in parts
        )


def _moved(sentences: list[str]) -> list[str]:
    """Put the third sentence first and leave the last one out."""
    return [sentences[2], *sentences[:2], *sentences[3:-1]]
