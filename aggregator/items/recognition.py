"""Is an entry that seems new an item we have, under an id that its publisher changed?

Asked of one feed's own items only. In doubt it is new: a story lost in another is worse than one
shown twice, and what says the same is folded later (`aggregator.items.duplicates`). The rules and
what they were measured by: docs/heuristics-identity.md.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct

from aggregator.items.identity import Told, address_of, both, form_of, key_of
from aggregator.items.known import Known, KnownItem, Match, traits_of
from aggregator.items.likeness import only_numbers_differ
from aggregator.items.places import Place, place_of
from aggregator.items.sketch import kinship
from aggregator.model.feeds import FeedState, Habits, KeyRule
from aggregator.model.items import Enclosure, Entry
from aggregator.text.tokens import words

SAME_KEY = "same-guid"
SAME_GUID = "same-guid-in-another-form"
SAME_PAGE = "same-page-under-another-guid"
SAME_NUMBER = "same-number-in-address"
SAME_TITLE = "same-title-and-date"
SAME_WORDS = "same-words-and-path"
ALL_MOVED = "all-ids-changed-same-page"
ALL_RETITLED = "all-ids-changed-same-title-and-date"
_RANKS = (
    SAME_KEY,
    SAME_GUID,
    SAME_PAGE,
    SAME_NUMBER,
    SAME_TITLE,
    SAME_WORDS,
    ALL_MOVED,
    ALL_RETITLED,
)

ALIKE = 0.5  # kinship of headlines, or of the words in two addresses, of one article
UNLIKE = 0.3  # headlines of two articles; an editor's new headline for one story keeps more
_TITLED_LEAST = 3  # words of a headline that tells something; "Weather" and "Live" do not
MOST_LEAST = 3  # entries, and at least half of the document, that make it a change of all ids
REUSED = 2  # entries under the guid of another story that make it a feed's habit


def keys_of(entries: Iterable[Entry], rule: KeyRule) -> list[str]:
    """Return the key of each of ``entries``.

    Two stories under one guid are no entry listed twice: the second goes by guid and link.
    """
    first: dict[str, Entry] = {}
    found = []
    for entry in entries:
        key = key_of(entry, rule)
        held = first.setdefault(key, entry)
        found.append(both(entry) if entry.guid and _other_story(entry, held) else key)
    return found


def keyed(entries: Iterable[Entry], rule: KeyRule) -> dict[str, Entry]:
    """Return ``entries`` by key; of those listed twice the first stands."""
    listed = tuple(entries)
    found: dict[str, Entry] = {}
    for key, entry in zip(keys_of(listed, rule), listed, strict=True):
        found.setdefault(key, entry)
    return found


def rekeyed(listed: Mapping[str, Entry], known: Known, habits: Habits) -> dict[str, Entry]:
    """Return ``listed`` with entries that bear the guid of another story under keys of their own.

    Otherwise a story would be overwritten in silence by one that only inherited its guid. Where
    that is the feed's habit, another page is another story, whatever the headlines.
    """
    bearing = {
        key: held
        for key, entry in listed.items()
        if entry.guid is not None and (held := known.items.get(key)) is not None
    }
    reused = {key for key, held in bearing.items() if _other_story(listed[key], held)}
    if habits.reused:
        reused |= {
            key
            for key, entry in listed.items()
            if key == key_of(entry) and entry.guid and known.outlived(key, entry)
        }
    if habits.reused or len(reused) >= REUSED:
        reused = {key for key, held in bearing.items() if _other_page(listed[key], held)} | reused
    found: dict[str, Entry] = {}
    for key, entry in listed.items():
        found.setdefault(both(entry) if key in reused else key, entry)
    return found


def recognise(
    state: FeedState,
    listed: Mapping[str, Entry],
    known: Known,
    recalled: Mapping[int, tuple[KnownItem, ...]],
    *,
    omitted: Callable[[str], bool] | None = None,
) -> dict[str, Match]:
    """Return which entries of ``listed``, new by their keys, are known items after all.

    ``recalled`` are items of the feed by trait. No item is matched twice, nor one that the
    document lists under a key that is known. ``omitted`` tells which keys it lists besides
    ``listed``; None when there are none. With them most of a document has not changed its ids.
    """
    present = {item.id for key in listed if (item := known.items.get(key)) is not None}
    crowd = _Crowd.of(listed.values(), recalled)
    reused = state.habits.reused > 0 or sum(key.startswith("both:") for key in listed) >= REUSED
    pairs = [
        (key, item, crowd.likeness(entry, item, same_key=item == known.items.get(key_of(entry))))
        for key, entry in listed.items()
        if key not in known.items
        for item in _candidates(state.feed, entry, recalled)
        if item.id not in present and not (reused and _other_page(entry, item))
        if omitted is None or not omitted(key_of(item, state.habits.key))
    ]
    found = _matched(pairs, all_moved=False)
    if omitted is not None:
        return found
    everything = _matched(pairs, all_moved=True)
    least = max(MOST_LEAST, len(listed) / 2)
    return everything if len(everything) >= least else found


def _other_story(entry: Entry, held: Entry | KnownItem) -> bool:
    """Tell whether an entry under a guid that ``held`` has is another story.

    Headline, words, date and place must all speak for it: editors rewrite every one of them, but
    leave the number of an article in its address (stuff.co.nz), or some words of it.
    """
    if entry.digest == held.digest:
        return False
    same_date = entry.published is not None and entry.published == held.published
    titles = kinship(words(entry.title), words(held.title))
    if entry.link and address_of(entry) == address_of(held):
        several = not place_of(entry.canonical).single
        return several and bool(entry.title) and not same_date and titles < UNLIKE
    telling = place_of(entry.canonical).single and place_of(held.canonical).single
    most = ALIKE if telling and not same_date else UNLIKE
    return _other_page(entry, held) and titles < most


def _other_page(entry: Entry, held: Entry | KnownItem) -> bool:
    """Tell whether two are at addresses that have nothing in common but the site."""
    here, there = address_of(entry), address_of(held)
    if not here or not there or here == there:
        return False
    return not _related(place_of(entry.canonical), place_of(held.canonical))


def _related(here: Place, there: Place) -> bool:
    if here.site != there.site:
        return False
    if here.number and there.number:
        return here.number == there.number
    return kinship(here.slug, there.slug) >= UNLIKE


class _Likeness(Struct, frozen=True, kw_only=True):
    """What speaks for an entry and an item being one. ``title`` is kinship, 0..1.

    Against it speak ``redated``, two dates, and ``another``, two episodes of one programme.
    """

    key: bool
    form: bool
    page: bool
    single: bool
    number: bool
    path: bool
    title: float
    titled: bool
    date: bool
    words: bool
    redated: bool
    another: bool

    def rule(self, *, all_moved: bool) -> str | None:
        """Return the rule by which they are one, None when they are not."""
        alike = self.title >= ALIKE
        agree = self.date or (not self.another and (self.words or alike))
        told = {
            SAME_KEY: self.key,
            SAME_GUID: self.form and (self.page or self.date or alike),
            SAME_PAGE: self.page and self.single and agree,
            SAME_NUMBER: self.number and agree,
            SAME_TITLE: self.titled and self.date and self.path,
            SAME_WORDS: self.words
            and self.path
            and not (self.another or (self.redated and not self.single)),
            ALL_MOVED: all_moved and self.page,
            ALL_RETITLED: all_moved and self.titled and self.date,
        }
        return next((rule for rule, holds in told.items() if holds), None)


class _Crowd(Struct, frozen=True, kw_only=True):
    """How often each guid's form and each address occurs, in the document or among the items.

    What several have in common tells none of them: a live page and its posts, a site's front page.
    """

    forms: Counter[str]
    pages: Counter[str]
    numbers: Counter[str]

    @classmethod
    def of(
        cls, entries: Iterable[Entry], recalled: Mapping[int, tuple[KnownItem, ...]]
    ) -> "_Crowd":
        listed = list(entries)
        items = {item.id: item for held in recalled.values() for item in held}.values()
        return cls(
            forms=Counter(_form(entry.guid) for entry in listed)
            | Counter(_form(item.guid) for item in items),
            pages=Counter(map(address_of, listed)) | Counter(map(address_of, items)),
            numbers=Counter(_numbers(listed)) | Counter(_numbers(items)),
        )

    def likeness(self, entry: Entry, item: KnownItem, *, same_key: bool) -> _Likeness:
        a, b = words(entry.title), words(item.title)
        here, there = place_of(entry.canonical), place_of(item.canonical)
        dated = entry.published is not None and item.published is not None
        redated = dated and not _same_minute(entry.published, item.published)
        # Under another slug, a new figure is the same article: the dead of a disaster.
        formula = address_of(entry) == address_of(item) and only_numbers_differ(tuple(a), tuple(b))
        return _Likeness(
            key=same_key and not _other_story(entry, item),
            form=self._same(self.forms, _form(entry.guid), _form(item.guid))
            and not _other_story(entry, item),
            page=self._same(self.pages, address_of(entry), address_of(item)),
            single=here.single,
            number=here.site == there.site and self._same(self.numbers, here.number, there.number),
            path=_path(entry, here) == _path(item, there),
            title=kinship(a, b),
            titled=a == b and len(a) >= _TITLED_LEAST,
            date=_same_minute(entry.published, item.published),
            words=entry.digest == item.digest,
            redated=redated,
            another=redated and (_other_sound(entry, item) or formula),
        )

    @staticmethod
    def _same(crowd: Counter[str], one: str, other: str) -> bool:
        return bool(one) and one == other and crowd[one] <= 1


def _other_sound(entry: Entry, item: KnownItem) -> bool:
    """Tell whether both have a recording, and none in common; what signs an address is left out."""
    here, there = _sounds(entry.enclosures), _sounds(item.enclosures)
    return bool(here and there) and here.isdisjoint(there)


def _sounds(enclosures: Iterable[Enclosure]) -> set[str]:
    return {
        file.url.partition("?")[0]
        for file in enclosures
        if (file.media_type or "").startswith(("audio/", "video/"))
    }


def _numbers(entries: Iterable[Told]) -> Iterable[str]:
    return (place_of(entry.canonical).number for entry in entries)


def _form(guid: str | None) -> str:
    return form_of(guid) if guid else ""


def _path(entry: Told, place: Place) -> tuple[str, str] | None:
    """Return what is left of an address when its host is another; None when there is none."""
    if not place.single:
        return None if entry.link is None else (entry.link, "")
    parts = urlsplit(entry.canonical or "")
    return parts.path, parts.query


def _same_minute(a: datetime | None, b: datetime | None) -> bool:
    if a is None or b is None:
        return False
    return a.replace(second=0, microsecond=0) == b.replace(second=0, microsecond=0)


def _candidates(
    feed: str, entry: Entry, recalled: Mapping[int, tuple[KnownItem, ...]]
) -> Iterable[KnownItem]:
    found = {item.id: item for trait in traits_of(feed, entry) for item in recalled.get(trait, ())}
    return found.values()


def _matched(
    pairs: Iterable[tuple[str, KnownItem, _Likeness]], *, all_moved: bool
) -> dict[str, Match]:
    """Give each item to one entry, by the strongest rule and the nearest headline first."""
    told = [
        (
            _RANKS.index(rule),
            -likeness.title,
            key,
            item.id,
            Match(item=item, rule=rule, figure=likeness.title),
        )
        for key, item, likeness in pairs
        if (rule := likeness.rule(all_moved=all_moved))
    ]
    found: dict[str, Match] = {}
    taken: set[str] = set()
    for _, _, key, _, match in sorted(told, key=lambda one: one[:4]):
        if key not in found and match.item.id not in taken:
            found[key] = match
            taken.add(match.item.id)
    return found
