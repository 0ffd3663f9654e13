"""What is asked of a store, again and again?

Each question is asked as those ask it who need the answer; what one writes is taken back.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from aggregator.items.intake import Intake, Revision
from aggregator.model.editions import Kind, OutputSpec, Site
from aggregator.model.items import Copy, Entry, Item
from aggregator.model.stories import Topic, TopicScore, Voice
from aggregator.service.explain import explained, titled
from aggregator.service.explaining import Explainer
from aggregator.service.searching import LOOKED_AT, Asked, Searcher
from aggregator.service.storypages import StoryPages
from aggregator.service.survey import WEEK
from aggregator.storage import Store
from aggregator.storage.protocol import Choice, Filing
from aggregator.text.queries import read_query
from bench.million.filling import RARE, TOPICS, TOPS, Newsroom, at

Question = Callable[[Store], object]

DAY = timedelta(days=1)
SELDOM = "two common words that seldom go together"
PART = "explain: by a part of a title"
PHRASES = frozenset({f"search: {SELDOM}", PART})
"""Go through all items with the rarest of the words that are to go together, by their nature."""
TIDY = "house: tidy"
"""Cannot be asked within a transaction; asked again, it finds nothing to do."""
WINDOW = timedelta(hours=72)
SITE = Site(base_url="https://wire.example")
SPECS = (
    OutputSpec(name="latest", title="Latest", kind=Kind.LATEST),
    *(OutputSpec(name=top, title=top, kind=Kind.TOP, topic=slug) for top, slug in
      zip(TOPS, (None, *TOPICS), strict=True)),
)  # fmt: skip
SUBJECTS = tuple(Topic(slug=slug, title=slug) for slug in TOPICS)


def questions(held: int, room: Newsroom, reader: Callable[[], Store]) -> Mapping[str, Question]:
    """Return what is asked of a store that holds ``held`` items, by name."""
    now = at(held)
    return {
        **_of_visits(held, now),
        **_of_filing(held, now),
        **_of_outputs(held, now),
        **_of_search(room, reader, now),
        **_of_pages(held, now),
        **_of_housekeeping(now),
    }


def _of_visits(held: int, now: datetime) -> Mapping[str, Question]:
    feed, link = "f3", "https://f3.example/2026/new"
    keys = [f"guid:{held - n}" for n in range(30)]
    ids = [f"urn:x:{held - n}" for n in range(30)]
    entry = Entry(guid="new", link=link, canonical=link, title="Bread dearer", digest="n")
    item = Item(id="urn:x:new", feed=feed, key="guid:new", entry=entry, first_seen=now,
                published=now, updated=now, listed=now)  # fmt: skip
    revision = Revision(id=f"urn:x:{held - 50}", entry=entry, updated=now)

    def come(store: Store) -> None:
        state = store.feeds.state(feed)
        store.items.apply(Intake(state=state, at=now, new=(item,)))

    def change(store: Store) -> None:
        state = store.feeds.state(feed)
        store.items.apply(Intake(state=state, at=now, revised=(revision,)))

    return {
        "visit: feeds that are due": lambda store: store.feeds.due(now, 50),
        "visit: which of 30 entries are known": lambda store: store.items.known(feed, keys, ids),
        "visit: items of 30 traits": lambda store: store.items.recall(range(30)),
        "visit: an item comes": come,
        "visit: an item changes": change,
    }


def _of_filing(held: int, now: datetime) -> Mapping[str, Question]:
    seq = held - 60
    filing = Filing(
        seq=seq,
        id=f"urn:x:{seq}",
        copy=Copy(lead=f"urn:x:{seq - 1}", rule="same-text", figure=1.0),
        story="urn:uuid:new",
        story_because="opened",
        merged=(),
        topics=(TopicScore(topic="weather", score=1.0, because="feed"),),
        voice=Voice(owner="o3", weight=1.0, first=now, last=now),
        trace="{}",
    )
    return {
        "filing: what waits": lambda store: store.items.pending(100),
        "filing: who shares 40 phrases": lambda store: store.items.sharing(range(40), 50),
        "filing: who has an address": lambda store: store.items.at_address(
            f"https://f3.example/2026/{seq}"
        ),
        "filing: phrases of an item": lambda store: store.items.post(seq, range(40)),
        "filing: an item": lambda store: store.items.file(filing),
        "filing: what changed since": lambda store: store.items.changed(held - 50),
        "filing: the mark": lambda store: (store.items.mark(), store.items.filed()),
    }


def _of_outputs(held: int, now: datetime) -> Mapping[str, Question]:
    latest = [f"urn:x:{held - n}" for n in range(100)]
    choices = [Choice(output="sea", seq=held - n, barred=n % 5 == 0) for n in range(100)]

    def choose(store: Store) -> None:
        store.items.choose(choices)
        store.items.unchoose("sea", keep=50)
        store.items.chosen("sea", 50)
        store.stories.chosen("sea", now - WINDOW)

    return {
        "outputs: Latest": lambda store: store.items.latest(topic=None, limit=100),
        "outputs: Latest of a topic": lambda store: store.items.latest(topic="sport", limit=100),
        "outputs: copies under 100 items": lambda store: store.items.copies(latest),
        "outputs: 100 items by id": lambda store: store.items.by_id(latest),
        "outputs: a filter, chosen anew": choose,
        "outputs: stories of 72 hours": lambda store: store.stories.facts(now - WINDOW),
        "outputs: stays in Top News": lambda store: store.outputs.standing("top"),
        "outputs: stays that ended today": lambda store: store.outputs.left("top", now - DAY),
        "outputs: what merged": lambda store: store.stories.forwards(),
        "outputs: what is listed": lambda store: store.outputs.show("latest", latest),
    }


def _of_search(
    room: Newsroom, reader: Callable[[], Store], now: datetime
) -> Mapping[str, Question]:
    words = room.words
    often = next(word for word in words if len(word) < 5)
    going_on = next(word for word in words if 6 <= len(word) <= 8)
    asked = {
        "a common word": often,
        "three common words": " ".join(f'"{word}"' for word in words[1:4]),
        "a word and what it begins": going_on,
        "two words that often go together": f'"{words[0]} {words[1]}"',
        SELDOM: f'"{words[2]} {words[9]}"',
        "a common word without another": f'"{words[1]}" -"{words[2]}"',
        "twenty items": RARE,
        "nothing": "qqqqq",
    }

    def find(text: str) -> Question:
        query = read_query(text)
        return lambda store: store.search.find(query, LOOKED_AT)

    searcher = Searcher(reader, site=SITE, topics=(), clock=lambda: now, born=now)
    return {
        **{f"search: {name}": find(text) for name, text in asked.items()},
        "search: the page of a common word": lambda _: searcher.answer(Asked.of(often)),
    }


def _of_pages(held: int, now: datetime) -> Mapping[str, Question]:
    def story(store: Store) -> None:
        press = StoryPages(store, outputs=SPECS, topics=SUBJECTS, site=SITE)
        (stored,) = store.items.by_id([f"urn:x:{held - 40}"]).values()
        assert press.page((stored.story or "").removeprefix("urn:uuid:")) is not None

    def explain(store: Store) -> None:
        (stored,) = store.items.by_id([f"urn:x:{held - 40}"]).values()
        explained(store, stored, SPECS[:2], Explainer(store, now))

    def part(store: Store) -> None:
        (stored,) = store.items.by_id([f"urn:x:{held // 2}"]).values()
        assert titled(store, stored.item.entry.title)

    return {
        "page: a story": story,
        "status: items of a week by feed": lambda store: store.items.tally(now - WEEK),
        "status: items stored": lambda store: store.items.count(),
        "status: stories of a day": lambda store: store.stories.facts(now - DAY),
        "explain: an item": explain,
        PART: part,
        "explain: by what is in no title": lambda store: titled(store, "qqqqq"),
    }


def _of_housekeeping(now: datetime) -> Mapping[str, Question]:
    early = at(500)
    return {
        "house: prune, nothing to do": lambda store: store.items.prune(at(0), 500),
        "house: prune 500": lambda store: store.items.prune(early, 500),
        "house: prune by feed, nothing to do": lambda store: store.items.prune_of(
            "f3", 500, before=at(0), most=None
        ),
        "house: prune by feed and number": lambda store: store.items.prune_of(
            "f3", 100, before=None, most=500
        ),
        "house: prune by feed": lambda store: store.items.prune_of(
            "f3", 500, before=early, most=None
        ),
        "house: names of a feed": lambda store: store.items.forget_names("f3", early),
        "house: sweep a piece": lambda store: store.items.sweep(at(0)),
        TIDY: lambda store: store.tidy(now - WEEK),
    }
