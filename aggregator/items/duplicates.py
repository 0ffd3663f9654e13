"""Have we read this article before, in another feed or under another headline?

Independent reports of one event are not copies: in doubt both stand. How the figures below were
found, and what was tried and dropped: docs/heuristics-copies.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from aggregator.items.likeness import (
    SAME_TEXT,
    SAME_TITLE,
    TITLED_LEAST,
    USUAL,
    Policy,
    Verdict,
    containment,
    is_telling,
    judge,
    only_numbers_differ,
)
from aggregator.items.places import Place, place_of
from aggregator.items.sketch import Kind, Sketch, headline_of, kinship, sketch
from aggregator.model.items import Copy, Entry
from aggregator.text.html import to_text

SAME_ADDRESS = "same-address"
SAME_NUMBER = "same-number"
SAME_HEADLINE = "same-headline"
SAME_DAYS = timedelta(days=2)  # in which an equal headline means the same; columns come weekly
NUMBERED = 0.30  # how alike headlines or texts of one number are; sections have numbers too
SHARED = 2  # hashes that two texts have to share before they are compared; or else the headline
LEAST_SHARE = 0.15  # of the hashes of the smaller text; a copy of .45 has twice as many in common
CHARACTERS, CHARACTERS_FULL = 16, 28  # of a text for each hash in its index
FULL_TEXT = 400  # characters of a text that is surely indexed as a full one
FURNITURE = 3  # articles of one feed that share a passage make it the feed's furniture


class News(Struct, frozen=True, kw_only=True):
    """What of an item is compared. ``text`` is what `text_of` says of its entry.

    ``owner`` is that of its ``feed``; ``at`` is the item's date, None when nothing is known of it.
    ``on_page`` is where on its page it stands (`place_on_page`), which ``canonical`` leaves out.
    """

    title: str
    text: str
    canonical: str | None
    feed: str
    owner: str
    at: datetime | None = None
    on_page: str = ""


class Candidate(News, frozen=True, kw_only=True):
    """A stored item that may be the same. ``lead`` is the id of the item it is folded under.

    ``hits`` is how many of the hashes asked for led to it, 0 when it was not found by hashes.
    """

    id: str
    seq: int
    lead: str | None
    hits: int = 0


class Shelf(Protocol):
    """Where items already read are looked up."""

    def same_address(self, canonical: str) -> Candidate | None:
        """Return the oldest item at the address ``canonical``."""

    def sharing(
        self, hashes: Sequence[int], limit: int, *, least: int = 1
    ) -> tuple[Candidate, ...]:
        """Return at most ``limit`` items under ``least`` or more of ``hashes``, the best first."""


def text_of(entry: Entry) -> str:
    """Return the fuller of the texts that ``entry`` carries, plain."""
    content = to_text(entry.content_html)
    return content if len(content) > len(entry.summary) else entry.summary


def find(news: News, shelf: Shelf, policy: Policy = USUAL) -> Copy | None:
    """Tell which item of ``shelf`` the ``news`` repeats, and by which rule, if any.

    The lead named is never itself folded under another item.
    """
    found = matches(news, shelf, policy)
    return found[0] if found else None


def matches(news: News, shelf: Shelf, policy: Policy = USUAL) -> tuple[Copy, ...]:
    """Tell all that the ``news`` repeats, one for each lead, the surest first.

    Several leads are the same too, now that this one repeats them all: a text and its two cuts,
    of which the first to come had little in common.
    """
    if news.feed in policy.never_fold:
        return ()
    known = _Known.held(news)
    found = _at_address(known, news.canonical, shelf, policy) if news.canonical else ()
    sharing = _sharing(known.drawn, shelf, policy.candidates)
    sure_first = {copy.lead: copy for copy in reversed((*found, *_alike(known, sharing, policy)))}
    return tuple(reversed(sure_first.values()))


def _sharing(news: Sketch, shelf: Shelf, limit: int) -> tuple[Candidate, ...]:
    """Return what may be a copy, by phrases and, lest they crowd it out, by the headline."""
    found = shelf.sharing(news.index, limit, least=SHARED)
    headed = shelf.sharing(news.headed, limit) if news.headed else ()
    by_id = {one.id: one for one in (*headed, *found)}
    return tuple(one for one in by_id.values() if _worth_reading(news, one))


class _Known(Struct, frozen=True, kw_only=True):
    """An article with what its place adds to its text."""

    drawn: Sketch
    place: Place
    on_page: str
    owner: str
    feed: str
    at: datetime | None

    @classmethod
    def held(cls, one: News) -> "_Known":
        return cls(
            drawn=sketch(one.title, one.text),
            place=place_of(one.canonical),
            on_page=one.on_page,
            owner=one.owner,
            feed=one.feed,
            at=one.at,
        )

    def near(self, other: "_Known") -> bool:
        """Tell whether both came in the same days, as far as is known."""
        return not (self.at and other.at) or abs(self.at - other.at) <= SAME_DAYS


def _worth_reading(news: Sketch, one: Candidate) -> bool:
    """Tell whether a candidate may be a copy at all: reading it costs a sketch of its text.

    Stock phrases lead to many texts. How many hashes it has is guessed from its length: too few
    for a script without spaces, so that nothing is lost there.
    """
    if not one.hits or headline_of(one.title) == news.title:
        return True
    length = len(one.text)
    hashes = length / (CHARACTERS_FULL if length > FULL_TEXT else CHARACTERS)
    return one.hits >= LEAST_SHARE * min(len(news.index), hashes)


def _at_address(news: _Known, canonical: str, shelf: Shelf, policy: Policy) -> tuple[Copy, ...]:
    held = shelf.same_address(canonical)
    if held is None or held.feed in policy.never_fold:
        return ()
    figure = _same_page(news, _Known.held(held), policy)
    return () if figure is None else (_copy(held, Verdict(rule=SAME_ADDRESS, figure=figure)),)


def _same_page(a: _Known, b: _Known, policy: Policy) -> float | None:
    """Return how alike two articles at one address are; None when it shows several in turn.

    Front and section pages are addresses of many items. One feed that gives a page to two items
    may mean two of them: CNN leads its collection pages with new stories, live blogs go on. So
    may two feeds: one lists a live blog, another its posts; two podcasts link to their show's page.
    """
    titles = kinship(a.drawn.title, b.drawn.title)
    if not a.place.single:
        agree = titles >= policy.agreeing and len(a.drawn.title) >= TITLED_LEAST
        return titles if agree and a.feed != b.feed else None
    likeness = max(titles, containment(a.drawn, b.drawn))
    if a.feed == b.feed or _are_two_places(a.on_page, b.on_page):
        return likeness if likeness >= policy.headline else None
    texts = Kind.SHORT not in {a.drawn.kind, b.drawn.kind}
    headlines = bool(a.drawn.title and b.drawn.title) and not _names_one(a, b, policy)
    return None if (texts or headlines) and likeness < policy.page else likeness


def _are_two_places(one: str, other: str) -> bool:
    """Whether two links lead to two posts of a page: posts are numbered, `#atom-everything` not."""
    return one != other and any(map(str.isdigit, one + other))


def _names_one(a: _Known, b: _Known, policy: Policy) -> bool:
    """Whether the address has the headline of one of two: whoever links there means that article.

    Link blogs write headlines of their own; a show's page is named for the show.
    """
    slug = a.place.slug
    return max(kinship(slug, a.drawn.title), kinship(slug, b.drawn.title)) >= policy.slug


def _alike(news: _Known, sharing: Sequence[Candidate], policy: Policy) -> tuple[Copy, ...]:
    """Return what the new article repeats of ``sharing``, the most alike first, then the oldest."""
    known = {one.id: _Known.held(one) for one in sharing}
    furniture = _furniture([news, *known.values()], policy)
    found: list[tuple[float, int, Copy]] = []
    for one in sharing:
        if one.feed in policy.never_fold:
            continue
        verdict = _verdict(news, known[one.id], furniture, policy)
        if verdict is not None:
            found.append((-verdict.figure, one.seq, _copy(one, verdict)))
    return tuple(copy for _, _, copy in sorted(found, key=lambda each: each[:2]))


def _verdict(a: _Known, b: _Known, furniture: frozenset[int], policy: Policy) -> Verdict | None:
    if (number := _same_number(a, b)) is not None:
        return number
    verdict = judge(a.drawn, b.drawn, policy=policy, furniture=furniture)
    if verdict is not None:
        return verdict if _may_be_one(a, b, verdict, policy) else None
    return _same_headline(a, b)


def _same_number(a: _Known, b: _Known) -> Verdict | None:
    """Tell whether one site gave both the same number: a slug follows its headline, that stays."""
    if not a.place.number or (a.place.site, a.place.number) != (b.place.site, b.place.number):
        return None
    likeness = max(kinship(a.drawn.title, b.drawn.title), containment(a.drawn, b.drawn))
    return Verdict(rule=SAME_NUMBER, figure=likeness) if likeness >= NUMBERED else None


def _same_headline(a: _Known, b: _Known) -> Verdict | None:
    """Tell whether two sites print one headline, and one of them nothing below it.

    Portals list the articles of others by their headlines alone. Where both have a text and the
    texts differ, the headline is what two reporters found for one event.
    """
    if a.drawn.title != b.drawn.title or not is_telling(a.drawn.title):
        return None
    if min(a.drawn.size, b.drawn.size) >= TITLED_LEAST or _one_site(a, b):
        return None
    return Verdict(rule=SAME_HEADLINE, figure=1.0) if a.near(b) else None


def _may_be_one(a: _Known, b: _Known, verdict: Verdict, policy: Policy) -> bool:
    """Tell whether two like texts may be one article, by their headlines and places."""
    sure = verdict.rule == SAME_TEXT and verdict.figure >= policy.near
    if only_numbers_differ(a.drawn.title, b.drawn.title):
        return sure and not _one_site(a, b)
    alike = kinship(a.drawn.title, b.drawn.title) >= policy.headline
    if _one_site(a, b):
        # Two addresses of one site are two articles, unless they were plainly one: a misspelt
        # slug mended, a text sent out again. Video ids tell nothing, so they stay apart.
        if kinship(a.place.slug, b.place.slug) >= policy.slug:
            near = verdict.figure >= policy.near
            return sure or (alike and (near or verdict.rule == SAME_TITLE))
        return sure and bool(a.place.slug or b.place.slug)
    if a.owner == b.owner:
        return alike or verdict.rule == SAME_TEXT
    return True


def _one_site(a: _Known, b: _Known) -> bool:
    return a.feed == b.feed or (a.place.site != "" and a.place.site == b.place.site)


def _furniture(all_known: list[_Known], policy: Policy) -> frozenset[int]:
    """Return what three articles of one feed have in common under headlines of their own.

    An agency's text stands once in a feed; "this programme is the flagship newscast of …" stands
    in all of its items.
    """
    by_feed: defaultdict[str, list[Sketch]] = defaultdict(list)
    # The longest headlines first: a short one has something in common with each of them.
    for known in sorted(all_known, key=lambda one: -len(one.drawn.title)):
        if not any(_related(known.drawn, other, policy) for other in by_feed[known.feed]):
            by_feed[known.feed].append(known.drawn)
    return frozenset(_repeated(by_feed.values()))


def _related(a: Sketch, b: Sketch, policy: Policy) -> bool:
    return kinship(a.title, b.title) >= policy.headline


def _repeated(groups: Iterable[list[Sketch]]) -> Iterator[int]:
    for group in groups:
        if len(group) < FURNITURE:
            continue
        counts = Counter(value for drawn in group for value in drawn.shingles)
        yield from (value for value, times in counts.items() if times >= FURNITURE)


def _copy(held: Candidate, verdict: Verdict) -> Copy:
    return Copy(lead=held.lead or held.id, rule=verdict.rule, figure=round(verdict.figure, 4))
