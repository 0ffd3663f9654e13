"""Do two texts say the same, wherever they stand?

How the figures were found, and what was tried and dropped: docs/heuristics-copies.md.
"""

from collections.abc import Iterable

from msgspec import Struct

from aggregator.items.sketch import Kind, Sketch, kind_of, kinship

SAME_TEXT = "same-text"
SAME_TEASER = "same-teaser"
SAME_TITLE = "same-title-and-teaser"

Curve = tuple[tuple[int, float], ...]


class Policy(Struct, frozen=True, kw_only=True):
    """How alike is the same.

    ``needed`` are points (shingles of the smaller text, containment from which it is a copy), the
    lines between them and beyond them level; ``agreed`` are those under headlines that say the
    same. Containment is shared shingles per those of the smaller text, 0..1. ``near`` is it for
    texts that have a reason to be alike and yet be two: another address of one site, other figures
    in the headline. ``titled`` is it for a teaser under an equal headline.
    ``opening`` is the share of one text's opening that the other has to have, up to ``sure``: a
    later report repeats the background and begins anew. ``within`` is it for the larger of two
    texts of which one is ``larger`` times the other: a round-up has many short texts in it.
    ``headline`` (in one house), ``agreeing`` (saying the same), ``page`` (at one address) are
    kinship of headlines, ``slug`` is that of addresses, 0..1; ``numbers`` is the share of figures
    that must recur. Items of the feeds in ``never_fold`` always stand for themselves, and nothing
    is folded under them.
    """

    needed: Curve = ((12, 0.70), (30, 0.60), (57, 0.60), (150, 0.45))
    agreed: Curve = ((12, 0.70), (30, 0.60), (57, 0.60), (150, 0.40))
    titled: float = 0.50
    near: float = 0.80
    sure: float = 0.85
    opening: float = 0.40
    within: float = 0.30
    larger: float = 2.0
    headline: float = 0.50
    agreeing: float = 0.80
    page: float = 0.10
    slug: float = 0.30
    numbers: float = 0.50
    candidates: int = 8
    never_fold: frozenset[str] = frozenset()


USUAL = Policy()
TITLED_LEAST = 4  # shingles of a teaser that an equal headline speaks for, and words of that
# A headline that says one thing: "What we know so far" is everybody's, this long one is one's own.
TELLING_WORDS, TELLING_LETTERS, TELLING_UNSPACED = 6, 35, 14


class Verdict(Struct, frozen=True, kw_only=True):
    """Two texts are the same: by which rule, and the containment that says so."""

    rule: str
    figure: float


def judge(
    a: Sketch, b: Sketch, *, policy: Policy = USUAL, furniture: frozenset[int] = frozenset()
) -> Verdict | None:
    """Tell whether two texts are the same, wherever they stand; ``furniture`` counts for nothing.

    Symmetric. None when they are not, or when there is too little text to tell.
    """
    shared = (a.shingles & b.shingles) - furniture
    smaller = min(len(a.shingles - furniture), len(b.shingles - furniture))
    figure = len(shared) / smaller if smaller else 0.0
    if figure < policy.near and _numbers_differ(a, b, policy):
        return None
    kind = kind_of(smaller)
    if kind is Kind.FULL:
        enough = figure >= _needed(a, b, smaller, policy) and _begin_alike(a, b, figure, policy)
        found = Verdict(rule=SAME_TEXT, figure=figure)
    elif figure >= policy.titled and smaller >= TITLED_LEAST and _same_headline(a, b):
        return Verdict(rule=SAME_TITLE, figure=figure)
    else:
        enough = kind is Kind.TEASER and figure >= _needed(a, b, smaller, policy)
        found = Verdict(rule=SAME_TEASER, figure=figure)
    return found if enough and not _rounded_up(a, b, policy) else None


def containment(a: Sketch, b: Sketch) -> float:
    """Return the shingles that two texts share, per those of the smaller one, 0..1."""
    smaller = min(a.size, b.size)
    return len(a.shingles & b.shingles) / smaller if smaller else 0.0


def only_numbers_differ(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether two headlines are one formula: 'Covid: 24 new cases', 'Covid: 31 new cases'."""
    left, right = _figures(a), _figures(b)
    if left <= right or right <= left:
        return False
    return kinship(set(a) - left, set(b) - right) >= 0.6


def is_telling(title: tuple[str, ...]) -> bool:
    """Tell whether a headline is so long that two matters hardly have it in common."""
    letters = sum(map(len, title))
    if letters == len(title):  # a script without spaces: words are characters
        return letters >= TELLING_UNSPACED
    return len(title) >= TELLING_WORDS and letters >= TELLING_LETTERS


def _same_headline(a: Sketch, b: Sketch) -> bool:
    """Tell whether headlines are equal, or long ones so but for a word that was cut."""
    if a.title == b.title:
        return len(a.title) >= TITLED_LEAST
    left, right = set(a.title), set(b.title)
    within = left <= right or right <= left
    return within and is_telling(a.title) and is_telling(b.title) and len(left ^ right) == 1


def _needed(a: Sketch, b: Sketch, size: int, policy: Policy) -> float:
    return _at(policy.agreed if _agree(a, b, policy) else policy.needed, size)


def _agree(a: Sketch, b: Sketch, policy: Policy) -> bool:
    return kinship(a.title, b.title) >= policy.agreeing


def _begin_alike(a: Sketch, b: Sketch, figure: float, policy: Policy) -> bool:
    if figure >= policy.sure or _agree(a, b, policy):
        return True
    return max(_opening_in(a, b), _opening_in(b, a)) >= policy.opening


def _opening_in(a: Sketch, b: Sketch) -> float:
    """Return how much of the opening of ``a`` is in ``b``, per what would fit into it."""
    fitting = min(len(a.opening), b.size)
    return len(a.opening & b.shingles) / fitting if fitting else 0.0


def _rounded_up(a: Sketch, b: Sketch, policy: Policy) -> bool:
    """Tell whether the larger text has the smaller one somewhere within: one of its matters."""
    small, large = (a, b) if a.size <= b.size else (b, a)
    if large.size < policy.larger * small.size or _agree(a, b, policy):
        return False
    return _opening_in(large, small) < policy.within


def _at(curve: Curve, size: int) -> float:
    """Return the height of ``curve`` at ``size``."""
    (left, height), *rest = curve
    for right, other in rest:
        if size <= right:
            return height + (other - height) * max(0, size - left) / (right - left)
        left, height = right, other
    return height


def _figures(words: Iterable[str]) -> set[str]:
    return {word for word in words if word[0].isdigit()}


def _numbers_differ(a: Sketch, b: Sketch, policy: Policy) -> bool:
    """Tell whether two texts have other figures: yesterday's market report in today's words."""
    least = min(len(a.numbers), len(b.numbers))
    return least >= 2 and len(a.numbers & b.numbers) < policy.numbers * least
