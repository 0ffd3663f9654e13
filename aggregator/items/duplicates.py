"""Have we read this article before, in another feed or under another headline?

Independent reports of one event are not copies: in doubt both stand. How the figures below were
found, and what was tried and dropped: docs/heuristics-copies.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aggregator.items.places import Place, place_of
from aggregator.items.sketch import Kind, Sketch, kind_of, kinship, sketch
from aggregator.model.items import Copy, Entry
from aggregator.text.html import to_text

SAME_ADDRESS = "same-address"
SAME_TEXT = "same-text"
SAME_TEASER = "same-teaser"
SAME_TITLE = "same-title-and-teaser"


Curve = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How alike is the same.

    ``needed`` are points (shingles of the smaller text, containment from which it is a copy), the
    lines between them and beyond them level; ``agreed`` are those under headlines that say the
    same. Containment is shared shingles per those of the smaller text, 0..1. ``titled`` is it for
    a teaser under an equal headline, ``near`` for texts that have a reason to be alike and yet be
    two: another address of one site, other figures in the headline.
    ``headline`` (in one house), ``agreeing`` (saying the same), ``page`` (at one address) are
    kinship of headlines, ``slug`` is that of addresses, 0..1; ``numbers`` is the share of figures
    that must recur. Items of the feeds in ``never_fold`` always stand for themselves, and nothing
    is folded under them.
    """

    needed: Curve = ((12, 0.70), (30, 0.60), (57, 0.60), (150, 0.45))
    agreed: Curve = ((12, 0.70), (30, 0.60), (57, 0.60), (150, 0.40))
    titled: float = 0.50
    near: float = 0.80
    headline: float = 0.50
    agreeing: float = 0.80
    page: float = 0.10
    slug: float = 0.30
    numbers: float = 0.50
    candidates: int = 8
    never_fold: frozenset[str] = frozenset()


USUAL = Policy()
TITLED_LEAST = 4  # shingles of a teaser that an equal headline speaks for, and words of that
FULL_TEXT = 600  # characters that surely make a full text; 60 words have 350
FULL_HITS = 2  # postings that two full texts have to share before they are compared
FURNITURE = 3  # articles of one feed that share a passage make it the feed's furniture


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A stored item that may be the same. ``text`` is what `text_of` said of its entry.

    ``lead`` is the id of the item that it is itself folded under. ``owner`` is that of its feed.
    ``hits`` is how many of the hashes asked for led to it, 0 when it was not found by hashes.
    """

    id: str
    seq: int
    lead: str | None
    owner: str
    feed: str
    canonical: str | None
    title: str
    text: str
    first_seen: datetime
    hits: int = 0


class Shelf(Protocol):
    """Where items already read are looked up."""

    def same_address(self, canonical: str) -> Candidate | None:
        """Return the oldest item at the address ``canonical``."""

    def sharing(self, hashes: Sequence[int], limit: int) -> tuple[Candidate, ...]:
        """Return at most ``limit`` items indexed under most of ``hashes``, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Two texts are the same: by which rule, and the containment that says so."""

    rule: str
    figure: float


def text_of(entry: Entry) -> str:
    """Return the fuller of the texts that ``entry`` carries, plain."""
    content = to_text(entry.content_html)
    return content if len(content) > len(entry.summary) else entry.summary


def find(
    entry: Entry, text: str, *, owner: str, feed: str, shelf: Shelf, policy: Policy = USUAL
) -> Copy | None:
    """Tell which item of ``shelf`` the new ``entry`` of ``feed`` repeats, and by which rule.

    ``text`` is its `text_of`. The lead named is never itself folded under another item.
    """
    if feed in policy.never_fold:
        return None
    news = _Known.of(sketch(entry.title, text), entry.canonical, owner=owner, feed=feed)
    held = shelf.same_address(entry.canonical) if entry.canonical else None
    if held is not None and held.feed not in policy.never_fold:
        figure = _same_page(news, _Known.held(held), policy)
        if figure is not None:
            return _copy(held, Verdict(rule=SAME_ADDRESS, figure=figure))
    found = shelf.sharing(news.drawn.index, policy.candidates)
    return _best(news, {one.id: one for one in found if _worth_reading(news, one)}, policy)


def judge(
    a: Sketch, b: Sketch, *, policy: Policy = USUAL, furniture: frozenset[int] = frozenset()
) -> Verdict | None:
    """Tell whether two texts are the same, wherever they stand; ``furniture`` counts for nothing.

    Symmetric. None when they are not, or when there is too little text to tell.
    """
    shared = len((a.shingles & b.shingles) - furniture)
    smaller = min(len(a.shingles - furniture), len(b.shingles - furniture))
    figure = shared / smaller if smaller else 0.0
    if figure < policy.near and _numbers_differ(a, b, policy):
        return None
    kind = kind_of(smaller)
    if kind is Kind.FULL:
        enough = figure >= _needed(a, b, smaller, policy)
        return Verdict(rule=SAME_TEXT, figure=figure) if enough else None
    titled = a.title == b.title and len(a.title) >= TITLED_LEAST <= smaller
    if titled and figure >= policy.titled:
        return Verdict(rule=SAME_TITLE, figure=figure)
    if kind is Kind.TEASER and figure >= _needed(a, b, smaller, policy):
        return Verdict(rule=SAME_TEASER, figure=figure)
    return None


def _needed(a: Sketch, b: Sketch, size: int, policy: Policy) -> float:
    agree = kinship(a.title, b.title) >= policy.agreeing
    return _at(policy.agreed if agree else policy.needed, size)


def _at(curve: Curve, size: int) -> float:
    """Return the height of ``curve`` at ``size``."""
    (left, height), *rest = curve
    for right, other in rest:
        if size <= right:
            return height + (other - height) * max(0, size - left) / (right - left)
        left, height = right, other
    return height


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """An article with what its place adds to its text."""

    drawn: Sketch
    place: Place
    owner: str
    feed: str

    @classmethod
    def of(cls, drawn: Sketch, canonical: str | None, *, owner: str, feed: str) -> "_Known":
        return cls(drawn=drawn, place=place_of(canonical), owner=owner, feed=feed)

    @classmethod
    def held(cls, one: Candidate) -> "_Known":
        drawn = sketch(one.title, one.text)
        return cls.of(drawn, one.canonical, owner=one.owner, feed=one.feed)


def _same_page(a: _Known, b: _Known, policy: Policy) -> float | None:
    """Return how alike two articles at one address are; None when it shows several in turn.

    Front and section pages are addresses of many items. One feed that gives a page to two items
    may mean two of them: CNN leads its collection pages with new stories, live blogs go on.
    """
    titles = kinship(a.drawn.title, b.drawn.title)
    if not a.place.single:
        agree = titles >= policy.agreeing and len(a.drawn.title) >= TITLED_LEAST
        return titles if agree and a.feed != b.feed else None
    likeness = max(titles, containment(a.drawn, b.drawn))
    if a.feed == b.feed:
        return likeness if likeness >= policy.headline else None
    telling = Kind.SHORT not in {a.drawn.kind, b.drawn.kind}
    return None if telling and likeness < policy.page else likeness


def containment(a: Sketch, b: Sketch) -> float:
    """Return the shingles that two texts share, per those of the smaller one, 0..1."""
    smaller = min(a.size, b.size)
    return len(a.shingles & b.shingles) / smaller if smaller else 0.0


def _worth_reading(news: _Known, one: Candidate) -> bool:
    """Tell whether a candidate may be a copy at all; reading one costs a sketch of its text.

    Two full texts that share .40 of 57 phrases share 6 hashes of the index in the mean.
    """
    both_full = news.drawn.kind is Kind.FULL and len(one.text) >= FULL_TEXT
    return not both_full or not one.hits or one.hits >= FULL_HITS


def _best(news: _Known, held_by: dict[str, Candidate], policy: Policy) -> Copy | None:
    known = {key: _Known.held(one) for key, one in held_by.items()}
    furniture = _furniture([news, *known.values()], policy)
    best: tuple[float, int, Copy] | None = None
    for key, one in held_by.items():
        if one.feed in policy.never_fold:
            continue
        verdict = judge(news.drawn, known[key].drawn, policy=policy, furniture=furniture)
        if verdict is None or not _may_be_one(news, known[key], verdict, policy):
            continue
        found = (verdict.figure, -one.seq, _copy(one, verdict))
        if best is None or found[:2] > best[:2]:
            best = found
    return best[2] if best else None


def _may_be_one(a: _Known, b: _Known, verdict: Verdict, policy: Policy) -> bool:
    """Tell whether two like texts may be one article, by their headlines and places."""
    sure = verdict.rule == SAME_TEXT and verdict.figure >= policy.near
    if _only_numbers_differ(a.drawn.title, b.drawn.title):
        return sure and a.place.site != b.place.site
    alike = kinship(a.drawn.title, b.drawn.title) >= policy.headline
    if a.feed == b.feed or (a.place.site and a.place.site == b.place.site):
        # Two addresses of one site are two articles, unless they were plainly one: a misspelt
        # slug mended, a text sent out again. Video ids tell nothing, so they stay apart.
        if kinship(a.place.slug, b.place.slug) >= policy.slug:
            near = verdict.figure >= policy.near
            return sure or (alike and (near or verdict.rule == SAME_TITLE))
        return sure and bool(a.place.slug or b.place.slug)
    if a.owner == b.owner:
        return alike or verdict.rule == SAME_TEXT
    return True


def _only_numbers_differ(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether two headlines are one formula: 'Covid: 24 new cases', 'Covid: 31 new cases'."""
    left, right = _figures(a), _figures(b)
    if left <= right or right <= left:
        return False
    return kinship(set(a) - left, set(b) - right) >= 0.6


def _figures(words: Iterable[str]) -> set[str]:
    return {word for word in words if word[0].isdigit()}


def _numbers_differ(a: Sketch, b: Sketch, policy: Policy) -> bool:
    """Tell whether two texts have other figures: yesterday's market report in today's words."""
    least = min(len(a.numbers), len(b.numbers))
    return least >= 2 and len(a.numbers & b.numbers) < policy.numbers * least


def _furniture(all_known: list[_Known], policy: Policy) -> frozenset[int]:
    """Return what three articles of one feed have in common under headlines of their own.

    An agency's text stands once in a feed; "this programme is the flagship newscast of …" stands
    in all of its items.
    """
    by_feed: defaultdict[str, list[Sketch]] = defaultdict(list)
    for known in all_known:
        if not any(_alike(known.drawn, other, policy) for other in by_feed[known.feed]):
            by_feed[known.feed].append(known.drawn)
    return frozenset(_repeated(by_feed.values()))


def _alike(a: Sketch, b: Sketch, policy: Policy) -> bool:
    return kinship(a.title, b.title) >= policy.headline


def _repeated(groups: Iterable[list[Sketch]]) -> Iterator[int]:
    for group in groups:
        if len(group) < FURNITURE:
            continue
        counts = Counter(value for drawn in group for value in drawn.shingles)
        yield from (value for value, times in counts.items() if times >= FURNITURE)


def _copy(held: Candidate, verdict: Verdict) -> Copy:
    return Copy(lead=held.lead or held.id, rule=verdict.rule, figure=round(verdict.figure, 4))
