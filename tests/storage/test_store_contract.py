"""What every store must do, on a real file and on a real server."""

from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields, replace

from aggregator.items.identity import key_of, wanted_ids
from aggregator.items.intake import Alias, Intake, Revision, take_in
from aggregator.items.known import Waiting, traits_of
from aggregator.model.editions import Rendered
from aggregator.model.errors import OvertakenError, StoreError
from aggregator.model.feeds import (
    Feed,
    FeedState,
    Habits,
    KeyRule,
    Move,
    Older,
    Rhythm,
    Skips,
    Validators,
)
from aggregator.model.items import Copy, Enclosure, Entry
from aggregator.model.published import ArchivePage, Issue, Stay
from aggregator.model.push import HubLinks
from aggregator.model.stories import TopicScore, Voice
from aggregator.model.visits import Logged
from aggregator.sources.manners import HostHistory
from aggregator.storage import open_store
from aggregator.storage.protocol import Choice, Filing, Store
from tests.stores import Engine, Hand

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def address(engine: Engine, tmp_path: Path) -> str:
    return engine.address(tmp_path)


@pytest.fixture
def store(address: str, tmp_path: Path) -> Iterator[Store]:
    held = open_store(address, root=tmp_path)
    yield held
    held.close()


def feed(name: str = "harbour", **wishes: object) -> Feed:
    plain = Feed(id=name, url=f"https://{name}.example/feed", owner=name)
    return replace(plain, **wishes)


def entry(number: int, **wishes: object) -> Entry:
    plain = Entry(
        guid=f"urn:x-harbour:{number}",
        link=f"https://harbour.example/{number}",
        canonical=f"https://harbour.example/{number}",
        title=f"Ferry {number} leaves",
        published=NOW - number * HOUR,
        digest=f"d{number}",
    )
    return replace(plain, **wishes)


def visit(store: Store, *entries: Entry, name: str = "harbour", now: datetime = NOW) -> list[str]:
    """Take in a visit as the poll pipeline does; return the ids of new items."""
    state = store.feeds.state(name)
    keys = [key_of(e) for e in entries]
    ids = [i for k, e in zip(keys, entries, strict=True) for i in islice(wanted_ids(name, k, e), 4)]
    known = store.items.known(name, keys, ids)
    intake = take_in(state, entries, known, now=now)
    store.items.apply(intake)
    return [item.id for item in intake.new]


def file_all(store: Store, *, story: str = "s", copies: dict[str, str] | None = None) -> None:
    """File everything pending as one story, with ``copies`` from id to lead."""
    for stored in store.items.pending(1000):
        at = stored.item.published
        lead = (copies or {}).get(stored.item.id)
        store.items.file(
            Filing(
                seq=stored.seq,
                id=stored.item.id,
                copy=Copy(lead=lead, rule="same-text", figure=0.9) if lead else None,
                story=story,
                story_because="opened",
                merged=(),
                topics=(TopicScore(topic="sea", score=1.0, because="feed"),),
                voice=Voice(owner=stored.item.feed, weight=1.0, first=at, last=at),
                trace="{}",
            )
        )


@pytest.mark.conforms("A22")
def test_a_new_feed_is_due_at_once_and_a_known_one_keeps_its_time(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    later = NOW + 5 * HOUR
    store.feeds.save(replace(store.feeds.state("harbour"), next_due=later))

    store.feeds.configure([feed(title="Harbour"), feed("north")], now=NOW + HOUR)

    assert store.feeds.state("harbour").next_due == later
    assert [state.feed for state in store.feeds.due(NOW + 2 * HOUR, 10)] == ["north"]


@pytest.mark.conforms("A22", "E44")
def test_a_start_writes_no_feed_that_is_as_it_was(store: Store, address: str) -> None:
    """Who visits meanwhile need not wait for it."""
    north = feed("north", title="North", topics=("sea",), weight=1.5)
    store.feeds.configure([feed(), north, feed("left", enabled=False)], now=NOW)
    with closing(Hand(address)) as hand:
        hand.refuse("UPDATE", "feed")
    store.feeds.configure([feed(), north, feed("left", enabled=False)], now=NOW + HOUR)
    with pytest.raises(StoreError):
        store.feeds.configure([feed(), replace(north, weight=2), feed("left")], now=NOW)


def test_an_address_that_comes_back_is_not_due_sooner_than_if_it_had_stayed(store: Store) -> None:
    """After an edit and its undoing, and under another id."""
    store.feeds.configure([feed()], now=NOW)
    later, elsewhere = NOW + 5 * HOUR, "https://harbour.example/edited"
    store.feeds.save(replace(store.feeds.state("harbour"), next_due=later))

    store.feeds.configure([feed(url=elsewhere)], now=NOW + HOUR)
    assert store.feeds.state("harbour").next_due == NOW + HOUR
    store.feeds.configure([feed()], now=NOW + 2 * HOUR)
    assert store.feeds.state("harbour").next_due == later

    store.feeds.configure([feed("port", url=feed().url)], now=NOW + 3 * HOUR)
    assert store.feeds.state("port").next_due == later
    store.feeds.configure([feed("quay", url=feed().url)], now=NOW + 6 * HOUR)
    assert store.feeds.state("quay").next_due == NOW + 6 * HOUR


def test_items_are_tallied_by_feed_and_copies_among_them(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    first, second = visit(store, entry(1), entry(2))
    visit(store, entry(1, guid="urn:x-north:1"), name="north", now=NOW + HOUR)
    file_all(store, copies={second: first})

    assert store.items.tally(NOW) == {"harbour": (2, 1), "north": (1, 0)}
    assert store.items.tally(NOW + HOUR) == {"north": (1, 0)}


@pytest.mark.conforms("A15")
def test_a_changed_address_forgets_validators_and_digest(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    held = Validators(url="https://harbour.example/feed", etag=b'W/"caf\xe9"')
    store.feeds.save(replace(store.feeds.state("harbour"), validators=held, digest="abc"))
    assert store.feeds.state("harbour").validators == held

    store.feeds.configure([feed(url="https://harbour.example/new")], now=NOW)

    state = store.feeds.state("harbour")
    assert (state.validators, state.digest) == (None, None)


@pytest.mark.conforms("A15")
@pytest.mark.parametrize(
    "edited", [feed(credentials=("me", "pw")), feed(headers=(("X-Key", "k"),))], ids=["user", "key"]
)
def test_changed_secrets_forget_validators_and_digest_once_and_nothing_else(
    store: Store, edited: Feed
) -> None:
    held = Validators(url="https://harbour.example/feed", etag=b'"1"')
    store.feeds.configure([feed()], now=NOW)
    known = replace(LEARNED, validators=held, digest="abc")
    store.feeds.save(known)

    store.feeds.configure([edited], now=NOW + HOUR)
    turn = store.feeds.state("harbour").turn
    assert store.feeds.state("harbour") == replace(LEARNED, turn=turn)
    known = replace(known, turn=turn)
    store.feeds.save(known)
    store.feeds.configure([edited], now=NOW + HOUR)
    assert store.feeds.state("harbour") == known


def test_a_feed_that_was_gone_is_asked_anew_at_a_new_address(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    gone = replace(store.feeds.state("harbour"), gone=True, next_due=NOW + 999 * HOUR, failures=7)
    store.feeds.save(gone)
    assert store.feeds.due(NOW + 9999 * HOUR, 10) == ()

    store.feeds.configure([feed(url="https://harbour.example/new")], now=NOW + HOUR)

    (due,) = store.feeds.due(NOW + HOUR, 10)
    assert (due.gone, due.failures, due.url) == (False, 0, "https://harbour.example/new")


def test_a_rehearsal_leaves_nothing_behind(store: Store) -> None:
    store.notes.put("other", "kept")
    store.rehearse()
    assert (store.notes.get("rehearsal"), store.notes.get("other")) == (None, "kept")
    store.notes.drop("other")
    store.notes.drop("other")
    assert store.notes.get("other") is None


LEARNED = FeedState(
    feed="harbour",
    url="https://harbour.example/feed",
    next_due=NOW,
    not_before=NOW + HOUR,
    ttl=2 * HOUR,
    base=NOW - 9 * HOUR,
    skips=Skips(hours=frozenset({0, 23}), days=frozenset({6})),
    entries=40,
    rhythm=Rhythm(
        since=NOW - 99 * HOUR,
        at=NOW,
        newest=NOW - HOUR,
        hours=tuple(n / 8 for n in range(24)),
        days=tuple(n / 4 for n in range(7)),
    ),
    moved_to="https://harbour.example/new",
    move=Move(to="https://harbour.example/newer", since=NOW - HOUR, visits=2),
    gaps=3,
    last_gap_at=NOW - HOUR,
    haste=2,
    recovered=7,
    habits=Habits(key=KeyRule.FORM, reformed=5, reused=1),
    older=Older(
        page="https://harbour.example/2",
        at=NOW,
        since=NOW - HOUR,
        read=("https://harbour.example/feed", "https://harbour.example/1"),
        tries=2,
    ),
)


def test_what_a_feed_taught_us_reads_back_and_is_forgotten_with_its_address(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    new = store.feeds.state("harbour")
    bare = replace(LEARNED, rhythm=Rhythm(since=NOW, at=NOW), skips=Skips())
    for learned in (bare, LEARNED):
        store.feeds.save(learned)
        store.feeds.configure([feed(title="Harbour")], now=NOW)
        assert store.feeds.state("harbour") == learned

    store.feeds.configure([feed(url="https://harbour.example/edited")], now=NOW)

    edited = replace(
        new,
        url="https://harbour.example/edited",
        because=LEARNED.because,
        habits=LEARNED.habits,  # the items are the feed's, wherever it is asked
        turn=new.turn + 1,  # a visit of the former address is overtaken
    )
    assert store.feeds.state("harbour") == edited


CHANGED = replace(
    LEARNED,
    because="rhythm",
    validators=Validators(url="https://harbour.example/feed", etag=b"1", last_modified=b"today"),
    digest="ab",
    attempted_at=NOW,
    succeeded_at=NOW,
    failures=2,
    last_error="no",
    gone=True,
    visits=9,
    links=HubLinks(hubs=("https://hub.example/",), topic="https://harbour.example/feed"),
    usual_due=NOW + HOUR,
    missed=4,
    title="Harbour",
    home="https://harbour.example/",
    feed_language="en",
)


def test_a_visit_writes_each_thing_that_it_changed_and_only_those(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    before = store.feeds.state("harbour")
    for each in fields(FeedState):
        if each.name in {"feed", "url", "turn"}:
            continue
        value = getattr(CHANGED, each.name)
        if each.name == "next_due":
            value = NOW + HOUR
        after = replace(before, **{each.name: value})
        assert after != before, each.name
        store.items.apply(Intake(state=after, at=NOW), before=before)
        assert store.feeds.state("harbour") == after
        store.feeds.save(replace(after, home="https://elsewhere.example/"))
        store.items.apply(Intake(state=before, at=NOW), before=after)
        if each.name != "home":  # nobody changed it between the two, but somebody else did
            assert store.feeds.state("harbour") == replace(
                before, home="https://elsewhere.example/"
            )
        store.feeds.save(before)


def test_who_asks_an_address_is_who_moved_there_or_has_it_in_the_configuration(
    store: Store,
) -> None:
    there = "https://harbour.example/new"
    feeds = [feed(), feed("north", url=there), feed("south", url=there), feed("west", url=there)]
    store.feeds.configure(feeds, now=NOW)
    store.feeds.save(LEARNED)
    store.feeds.save(replace(store.feeds.state("west"), moved_to="https://west.example/"))
    store.feeds.configure(feeds[:2] + feeds[3:], now=NOW)

    assert [state.feed for state in store.feeds.asking(there)] == ["harbour", "north"]
    assert store.feeds.asking("https://harbour.example/feed") == ()


def test_what_is_remembered_of_a_document_reads_back_and_is_forgotten_with_the_address(
    store: Store,
) -> None:
    store.feeds.configure([feed(), feed("other")], now=NOW)
    assert store.feeds.memory("harbour") is None
    for name in ("harbour", "other"):
        store.feeds.remember(name, b"before")
        store.feeds.remember(name, b"after\x00")
    edited = feed(url="https://harbour.example/edited")
    store.feeds.configure([edited, feed("other", title="Other")], now=NOW)
    assert store.feeds.memory("harbour") is None
    assert store.feeds.memory("other") == b"after\x00"
    store.feeds.remember("other", None)
    store.feeds.remember("other", None)
    assert store.feeds.memory("other") is None


@pytest.mark.conforms("A39")
def test_a_feed_last_asked_in_the_future_is_due_once(store: Store) -> None:
    """The clock was set back by a month; by a minute is no matter."""
    store.feeds.configure([feed()], now=NOW)
    store.feeds.begin("harbour", now=NOW, next_due=NOW + HOUR, because="attempt")

    assert store.feeds.due(NOW - timedelta(minutes=1), 10) == ()
    back = NOW - timedelta(days=30)
    assert [state.feed for state in store.feeds.due(back, 10)] == ["harbour"]
    store.feeds.begin("harbour", now=back, next_due=back + HOUR, because="attempt")
    assert store.feeds.due(back + HOUR / 2, 10) == ()
    assert [state.feed for state in store.feeds.due(back + HOUR, 10)] == ["harbour"]


def test_a_feed_that_left_the_configuration_is_not_due_but_still_named(store: Store) -> None:
    store.feeds.configure([feed(), feed("north", title="North")], now=NOW)
    store.feeds.configure([feed()], now=NOW)

    assert [state.feed for state in store.feeds.due(NOW, 10)] == ["harbour"]
    assert store.feeds.sources()["north"].title == "North"
    assert not store.feeds.configured()["north"].enabled


def test_an_attempt_is_remembered_before_its_outcome(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    store.feeds.begin("harbour", now=NOW, next_due=NOW + HOUR, because="attempt")

    assert store.feeds.due(NOW, 10) == ()
    assert store.feeds.state("harbour").attempted_at == NOW


@pytest.mark.conforms("A36", "A37")
def test_what_was_done_to_a_host_reads_back_no_earlier_and_is_forgotten_when_old(
    store: Store,
) -> None:
    almost = NOW - timedelta(microseconds=1)
    store.hosts.note("harbour.example", HostHistory(started=NOW - HOUR))
    store.hosts.note("harbour.example", HostHistory(started=almost, quiet_until=almost + HOUR))
    store.hosts.note("north.example", HostHistory(started=NOW - HOUR))

    quiet = {"harbour.example": HostHistory(started=NOW, quiet_until=NOW + HOUR)}
    assert store.hosts.all() == {**quiet, "north.example": HostHistory(started=NOW - HOUR)}
    store.tidy(NOW)
    assert store.hosts.all() == quiet
    store.tidy(NOW + HOUR + timedelta(seconds=1))
    assert store.hosts.all() == {}


def test_the_log_of_visits_reads_back_and_keeps_the_latest_of_each_feed(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    begun = Logged(at=NOW, due=NOW - HOUR, because="ttl", place=2**32 - 1, conditional=True)
    done = replace(
        begun, requests=2, outcome="fetched", status=200, size=99, new=3, gave=True, place=7
    )
    store.visits.begin("north", begun)
    for number in range(60):
        store.visits.begin("harbour", replace(begun, at=NOW + number * HOUR))
        store.visits.end("harbour", replace(done, at=NOW + number * HOUR))
    store.visits.begin("harbour", begun)
    store.visits.end("nobody", done)

    log = store.visits.all()

    assert log["north"] == (begun,)
    assert len(log["harbour"]) == 48
    assert log["harbour"][-2:] == (replace(done, at=NOW + 59 * HOUR), begun)


def test_an_item_reads_back_as_it_was_written(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    rich = entry(
        1,
        summary="A “plain” teaser",
        content_html="<p>text</p>",
        updated=NOW,
        authors=("Ann Ferry",),
        categories=("Ships", "Sea"),
        language="en-GB",
        image="https://harbour.example/1.png",
        enclosures=(Enclosure(url="https://harbour.example/1.mp3", length=7),),
        agency="MNA",
    )
    visit(store, rich)

    assert store.items.pending(10)[0].item.entry == rich


def test_a_visit_repeated_writes_nothing(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    assert len(visit(store, entry(1), entry(2))) == 2

    assert visit(store, entry(1), entry(2), now=NOW + HOUR) == []
    assert [s.item.revisions for s in store.items.all()] == [0, 0]


def test_new_words_revise_the_item_in_place(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    ids = visit(store, entry(1))
    visit(store, entry(1, title="Ferry 1 is late", digest="other"), now=NOW + HOUR)

    (stored,) = store.items.all()
    assert stored.item.id == ids[0]
    assert stored.item.entry.title == "Ferry 1 is late"
    assert stored.item.updated == NOW + HOUR
    assert stored.item.published == NOW - HOUR


def test_two_feeds_with_the_same_guid_keep_apart(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    first = visit(store, entry(1))
    second = visit(store, entry(1, title="Another"), name="north")

    assert first == ["urn:x-harbour:1"]
    assert second[0].startswith("urn:uuid:")
    assert store.items.count() == 2


def test_a_failed_visit_leaves_nothing_behind(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    with pytest.raises(StoreError), store.transaction():  # noqa: PT012
        visit(store, entry(1))
        store.feeds.state("nobody")

    assert store.items.count() == 0


def test_latest_lists_leads_newest_first_by_topic(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    visit(store, entry(3), entry(1, language="en-GB"))
    visit(store, entry(2, guid="urn:x-north:2", language="de"), name="north")
    file_all(store, copies={"urn:x-harbour:3": "urn:x-harbour:1"})

    def ids(topic: str | None = None) -> list[str]:
        return [stored.item.id for stored in store.items.latest(topic=topic, limit=9)]

    assert ids() == ["urn:x-harbour:1", "urn:x-north:2"]
    assert ids(topic="sea") == ["urn:x-harbour:1", "urn:x-north:2"]
    assert ids(topic="sky") == []
    assert [s.item.id for s in store.items.copies(["urn:x-harbour:1"])["urn:x-harbour:1"]] == [
        "urn:x-harbour:3"
    ]


def test_postings_find_the_best_and_keep_only_the_newest(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, *(entry(n) for n in range(5)))
    seqs = [stored.seq for stored in store.items.pending(9)]
    file_all(store)
    big = 2**63 - 1
    store.items.post(seqs[0], [big, 1, 2])
    store.items.post(seqs[1], [big, 1])

    hits = store.items.sharing([big, 1, 2], 5)

    assert [(hit.stored.seq, hit.hits) for hit in hits] == [(seqs[0], 3), (seqs[1], 2)]
    assert store.items.sharing([big, 1, 2], 5, least=3) == hits[:1]
    for seq in seqs[2:]:
        store.items.post(seq, [big], cap=3)
    assert [hit.stored.seq for hit in store.items.sharing([big], 9)] == seqs[2:]


def test_what_has_left_the_window_is_no_longer_found(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1))
    visit(store, entry(2), now=NOW + 9 * HOUR)
    old, fresh = store.items.pending(9)
    file_all(store)
    store.outputs.show("latest", [old.item.id])
    store.items.post(old.seq, [1, 2])
    store.items.post(fresh.seq, [2, 3])

    assert store.items.prune(NOW + HOUR, 1000) == 0
    assert len(store.items.sharing([1, 2, 3], 9)) == 2
    assert store.items.sweep(NOW + HOUR) is None
    assert [hit.stored.seq for hit in store.items.sharing([1, 2, 3], 9)] == [fresh.seq]


def test_a_lead_folded_under_another_takes_its_copies_with_it(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    visit(store, entry(1), entry(2), entry(3))
    ids = [f"urn:x-harbour:{number}" for number in (1, 2, 3)]
    file_all(store, story="s", copies={ids[2]: ids[1]})
    visit(store, entry(4, guid="urn:x-north:4"), name="north")
    file_all(store, story="s", copies={"urn:x-north:4": ids[1]})

    store.items.refold(ids[1], Copy(lead=ids[0], rule="same-text", figure=0.61))

    folded = store.items.by_id([*ids, "urn:x-north:4"])
    assert [folded[i].lead for i in ids] == [None, ids[0], ids[0]]
    assert folded["urn:x-north:4"].lead == ids[0]
    assert folded[ids[1]].lead_because == "same-text 0.61"
    assert [stored.item.id for stored in store.items.latest(topic=None, limit=9)] == [ids[0]]


def test_a_voice_with_nothing_but_copies_is_a_copys(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    visit(store, entry(1))
    visit(store, entry(2, guid="urn:x-north:2"), entry(3, guid="urn:x-north:3"), name="north")
    file_all(store, story="s")

    def quiet() -> dict[str, bool]:
        (facts,) = store.stories.facts(NOW - 9 * HOUR)
        return {voice.owner: voice.copies_only for voice in facts.voices}

    copy = Copy(lead="urn:x-harbour:1", rule="same-text", figure=0.61)
    store.items.refold("urn:x-north:2", copy)
    assert quiet() == {"harbour": False, "north": False}
    store.items.refold("urn:x-north:3", copy)
    assert quiet() == {"harbour": False, "north": True}


def test_stories_gather_voices_and_merge(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    visit(store, entry(1))
    file_all(store, story="one")
    visit(store, entry(2, guid="urn:x-north:2"), name="north")
    file_all(store, story="two")
    visit(store, entry(3))
    (stored,) = store.items.pending(1)
    at = stored.item.published
    store.items.file(
        Filing(
            seq=stored.seq,
            id=stored.item.id,
            copy=None,
            story="one",
            story_because="joined .50",
            merged=("two",),
            topics=(),
            voice=Voice(owner="harbour", weight=2.0, first=at, last=at, copies_only=True),
            trace="{}",
        )
    )

    (facts,) = store.stories.facts(NOW - 9 * HOUR)
    assert store.stories.fact(facts.id) == facts
    assert store.stories.fact("no such story") is None
    assert facts.id == "one"
    assert facts.opened == NOW - 3 * HOUR
    assert facts.topics == ("sea",)
    assert [(v.owner, v.weight, v.copies_only) for v in facts.voices] == [
        ("harbour", 2.0, False),
        ("north", 1.0, False),
    ]
    assert store.stories.current("two") == "one"
    assert {s.story for s in store.items.all()} == {"one"}
    assert len(store.stories.items(["one"])["one"]) == 3
    assert len(list(store.stories.traces(NOW - 9 * HOUR))) == 3


def test_outputs_stays_and_notes_read_back(store: Store) -> None:
    rendered = Rendered(
        path="feeds/latest.atom", media_type="x/y", body=b"\x00", etag='"e"', changed_at=NOW
    )
    store.outputs.put(rendered)
    stay = Stay(output="top", story="s", entered=NOW, updated=NOW, milestone=3, face="i", entry="s")
    store.outputs.enrol([stay])
    store.outputs.enrol([replace(stay, left=NOW + HOUR)])
    store.notes.put("model", "{}")

    assert store.outputs.get(rendered.path) == rendered
    assert store.outputs.all() == (rendered,)
    assert store.outputs.members("top") == {"s": replace(stay, left=NOW + HOUR)}
    assert store.outputs.born("top", NOW) == NOW
    assert store.outputs.born("top", NOW + HOUR) == NOW
    assert (store.notes.get("model"), store.notes.get("none")) == ("{}", None)


def test_what_was_filed_or_revised_is_told_once_in_that_order(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    (first,), (second,) = visit(store, entry(2)), visit(store, entry(1))
    assert store.items.changed(0) == ((), 0)
    assert store.items.filed() == 0
    file_all(store)
    items, mark = store.items.changed(0)
    assert [one.item.id for one in items] == [first, second]
    assert (mark, store.items.changed(mark)) == (store.items.mark(), ((), mark))

    visit(store, entry(2, title="Other words", digest="x"))
    ((revised,), after) = store.items.changed(mark)
    assert (revised.item.id, revised.item.entry.title) == (first, "Other words")
    assert after == store.items.mark() > mark


def test_choices_are_kept_newest_first_and_the_first_word_stands(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    names = visit(store, *(entry(n) for n in range(6)))
    names.sort()
    file_all(store)
    seqs = [store.items.by_id([name])[name].seq for name in names]
    store.items.choose([Choice(output="sea", seq=seq, barred=seq == seqs[0]) for seq in seqs])
    store.items.choose([Choice(output="sea", seq=seqs[0]), Choice(output="air", seq=seqs[0])])

    assert [one.item.id for one in store.items.chosen("sea", 2)] == names[1:3]
    assert [one.item.id for one in store.items.chosen("air", 9)] == names[:1]
    store.items.unchoose("sea", keep=3)
    assert [one.item.id for one in store.items.chosen("sea", 9)] == names[1:4]
    store.items.unchoose("sea")
    assert store.items.chosen("sea", 9) == ()
    assert len(store.items.chosen("air", 9)) == 1


def test_a_story_is_chosen_when_a_report_passes_and_not_more_are_barred(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    for number, (story, barred) in enumerate([("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 1)]):
        (name,) = visit(store, entry(number))
        file_all(store, story=story)
        seq = store.items.by_id([name])[name].seq
        store.items.choose([Choice(output="sea", seq=seq, barred=bool(barred))])
    assert store.stories.chosen("sea", NOW - 9 * HOUR) == {"a"}
    assert store.stories.chosen("sea", NOW + HOUR) == frozenset()
    assert len(store.stories.passed("sea", "b")) == 1
    assert store.stories.passed("air", "b") == frozenset()


def test_a_renamed_output_takes_its_memory_along_unless_the_name_was_used(store: Store) -> None:
    for name in ("old", "used"):
        store.outputs.born(name, NOW)
    store.outputs.rename("old", "used")
    assert store.outputs.born("old", NOW + HOUR) == NOW
    store.outputs.rename("old", "new")
    store.outputs.rename("old", "newer")
    assert store.outputs.born("new", NOW + HOUR) == NOW
    assert store.outputs.born("newer", NOW + HOUR) == NOW + HOUR


def test_an_output_that_is_no_more_lists_and_holds_nothing(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1), entry(2))
    file_all(store, story="s")
    kept, gone = (stored.item.id for stored in store.items.all())
    stay = Stay(
        output="top", story="s", entered=NOW, updated=NOW, milestone=0, face=kept, entry="s"
    )
    store.outputs.enrol([stay, replace(stay, output="removed")])
    store.outputs.show("top", [kept])
    store.outputs.show("removed", [gone])

    store.outputs.retain(["top"], NOW + HOUR)
    assert store.outputs.members("top") == {"s": stay}
    assert store.outputs.members("removed")["s"].left == NOW + HOUR
    assert store.items.prune(NOW + HOUR, 9) == 0
    store.outputs.retain([], NOW + HOUR)
    assert store.items.prune(NOW + HOUR, 9) == 1, "the last one filed always stays"


def test_issues_are_kept_newest_first_and_one_a_day(store: Store) -> None:
    one = Issue(
        output="noon",
        day=NOW.date(),
        id="urn:1",
        made=NOW,
        title="T",
        summary="S",
        content_html="<ol></ol>",
        image="https://a.example/i",
        mark=7,
    )
    later = replace(one, day=one.day + timedelta(days=1), id="urn:2", image=None)
    for issue in (later, one, replace(one, output="other")):
        store.outputs.bring_out(issue)
    assert store.outputs.issues("noon", 9) == (later, one)
    assert store.outputs.issues("noon", 1) == (later,)
    with pytest.raises(StoreError):
        store.outputs.bring_out(one)
    store.outputs.born("noon", NOW)
    store.outputs.rename("noon", "dawn")
    assert [issue.id for issue in store.outputs.issues("dawn", 9)] == ["urn:2", "urn:1"]


def test_pages_of_an_archive_are_kept_in_order_until_they_are_dropped(store: Store) -> None:
    pages = [ArchivePage(output="a", number=n, made=NOW, ids=(f"x{n}", "ü")) for n in (1, 2, 10)]
    for page in (pages[2], pages[0], pages[1], replace(pages[0], output="b")):
        store.archives.add(page, bytes([page.number]))
    assert store.archives.listed("a") == tuple(pages)
    assert store.archives.listed("never") == ()
    assert store.archives.entries("a", 10) == b"\n"
    with pytest.raises(KeyError):
        store.archives.entries("a", 3)
    with pytest.raises(StoreError):
        store.archives.add(pages[0], b"")

    store.archives.drop("a", 2)
    assert store.archives.listed("a") == tuple(pages[1:])
    store.outputs.born("a", NOW)
    store.outputs.rename("a", "c")
    assert [page.output for page in store.archives.listed("c")] == ["c", "c"]
    store.outputs.retain(["b"], NOW)
    assert (store.archives.listed("c"), len(store.archives.listed("b"))) == ((), 1)


def test_what_is_served_no_more_is_remembered_until_it_is_again(store: Store) -> None:
    one = Rendered(path="a", media_type="x/y", body=b"1", etag='"1"', changed_at=NOW)
    store.outputs.drop("never", NOW)
    store.outputs.put(one)
    store.outputs.drop("a", NOW)
    assert store.outputs.get("a") is None
    assert store.outputs.retired() == {"a"}
    store.outputs.put(one)
    assert store.outputs.get("a") == one
    assert store.outputs.retired() == frozenset()


def test_pruned_items_never_come_back_as_new(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    visit(store, *(entry(n) for n in range(3)))
    file_all(store)
    store.outputs.show("latest", ["urn:x-harbour:0"])

    visit(store, entry(9))
    file_all(store)

    assert store.items.prune(NOW + HOUR, 1000) == 2
    assert visit(store, entry(1)) == []
    assert store.items.count() == 2


def test_places_are_never_given_again_whatever_is_pruned(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1))
    file_all(store)
    visit(store, entry(2))
    file_all(store)
    visit(store, entry(1, title="Other words", digest="x"))
    filed, mark = store.items.filed(), store.items.mark()
    assert filed == 2

    store.items.prune(NOW + HOUR, 1000)
    (third,) = visit(store, entry(3))
    file_all(store)
    assert store.items.filed() > filed
    assert [one.item.id for one in store.items.changed(mark)[0]] == [third]


def test_the_id_of_a_pruned_item_is_never_given_away(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    visit(store, entry(1))
    file_all(store)
    visit(store, entry(2, title="Last"))
    file_all(store)
    assert store.items.prune(NOW + HOUR, 1000) == 1

    (other,) = visit(store, entry(1, title="Another"), name="north")
    assert other.startswith("urn:uuid:")
    assert visit(store, entry(1, title="New words", digest="new")) == []
    assert [stored.item.entry.title for stored in store.items.all()] == ["Last", "Another"]


def test_a_story_that_stands_in_top_keeps_its_items(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1))
    file_all(store, story="s")
    visit(store, entry(2))
    file_all(store, story="last")
    stay = Stay(output="top", story="s", entered=NOW, updated=NOW, milestone=0, face="i", entry="s")
    store.outputs.enrol([stay])
    assert store.items.prune(NOW + HOUR, 1000) == 0
    store.outputs.enrol([replace(stay, left=NOW)])
    store.tidy(NOW + HOUR)
    assert "s" in store.outputs.members("top")  # a late copy might revive it
    assert store.items.prune(NOW + HOUR, 1000) == 1
    store.tidy(NOW + HOUR)
    assert store.outputs.members("top") == {}
    assert store.stories.current("s") is None


def test_items_are_counted_as_they_come_and_go(store: Store) -> None:
    assert store.items.count() == 0
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1), entry(2), entry(3))
    assert store.items.count() == 3
    file_all(store)
    visit(store, entry(4))
    visit(store, entry(4, title="Another", digest="new"))
    with suppress(ZeroDivisionError), store.transaction():
        visit(store, entry(5))
        assert store.items.count() == 5
        raise ZeroDivisionError
    assert store.items.count() == 4
    file_all(store)
    assert store.items.prune(NOW + HOUR, 2) == 2
    assert store.items.prune_of("harbour", 9, before=NOW + HOUR, most=None) == 1
    assert store.items.count() == 1


def test_stays_are_told_by_whether_they_ended_and_by_story(store: Store) -> None:
    one = Stay(output="top", story="s", entered=NOW, updated=NOW, milestone=0, face="i", entry="s")
    gone = replace(one, story="gone", left=NOW)
    store.outputs.enrol([one, gone, replace(one, output="sea"), replace(gone, output="sea")])
    assert store.outputs.standing("top") == {"s": one}
    assert store.outputs.left("top", NOW - HOUR) == {"gone": gone}
    assert store.outputs.left("top", NOW) == {}
    assert store.outputs.stays_of("top", ["gone", "nobody"]) == {"gone": gone}


@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_stories_that_are_over_are_found_piece_by_piece(store: Store, most: int) -> None:
    shelf: Any = store.stories
    store.feeds.configure([feed()], now=NOW)
    for number in range(1, 6):
        visit(store, entry(number))
        file_all(store, story=f"s{number}")
    store.items.prune(NOW + HOUR, 3)  # of those published last, which came first
    found, place = set[str](), ("", "")
    for _ in range(9 // most):
        bare, place = shelf.over(NOW + HOUR, place, most)
        found |= bare
    assert found == {"s1", "s2", "s3"}
    assert shelf.over(NOW - 9 * HOUR, ("", ""), most) == (frozenset(), ("", ""))


def test_an_item_set_aside_is_neither_waiting_nor_listed(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1))
    (stored,) = store.items.pending(9)
    store.items.set_aside(stored.seq)
    assert store.items.pending(9) == ()
    assert store.items.latest(topic=None, limit=9) == ()


def test_a_second_process_is_refused(store: Store, address: str, tmp_path: Path) -> None:
    store.notes.put("a", "1")
    with pytest.raises(StoreError, match="in use by another aggregator"):
        open_store(address, root=tmp_path)
    store.close()
    with closing(open_store(address, root=tmp_path)) as again:
        assert again.notes.get("a") == "1"


def test_a_reader_sees_what_the_writer_writes_and_writes_nothing(
    store: Store, address: str, tmp_path: Path
) -> None:
    store.feeds.configure([feed()], now=NOW)
    with closing(open_store(address, root=tmp_path, reading=True)) as reader:
        store.notes.put("a", "1")
        assert reader.notes.get("a") == "1"
        with pytest.raises(StoreError, match="written"):
            reader.notes.put("a", "2")
    store.notes.put("a", "3")


def test_there_is_nothing_to_read_before_there_are_tables(address: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="`aggregator run` makes"):
        open_store(address, root=tmp_path, reading=True)


def test_an_item_is_found_again_by_guid_address_number_and_headline(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    told = entry(
        1, guid="https://harbour.example/news/7#0", link="https://harbour.example/n/654321"
    )
    told = replace(told, canonical=told.link)
    visit(store, told, entry(2))

    traits = traits_of("harbour", told)
    assert len(traits) == 4
    found = store.items.recall(traits)
    assert set(found) == set(traits)
    assert {item.title for items in found.values() for item in items} == {told.title}
    assert store.items.recall(traits_of("north", told)) == {}


def test_a_trait_leads_to_its_newest_items_only(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    for number in range(12):
        visit(store, entry(number, title="Morning briefing"))
    (trait,) = set(traits_of("harbour", entry(1, title="Morning briefing"))) & set(
        traits_of("harbour", entry(2, title="Morning briefing"))
    )
    found = store.items.recall([trait])[trait]
    assert [item.guid for item in found] == [f"urn:x-harbour:{n}" for n in range(11, 3, -1)]


def test_an_item_answers_to_its_other_keys_and_keeps_its_id(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    (id_,) = visit(store, entry(1))
    aliases = tuple(
        Alias(key=f"guid:{n}", item=id_, rule="same-page", figure=0.5) for n in range(30)
    )
    for n, alias in enumerate(aliases):
        at = NOW + n * HOUR
        intake = Intake(state=store.feeds.state("harbour"), at=at, aliases=(alias,))
        store.items.apply(intake)
        store.items.apply(intake)

    known = store.items.known("harbour", [alias.key for alias in aliases], []).items
    assert sorted(known) == sorted(alias.key for alias in aliases[-24:]), "the newest are kept"
    assert {item.id for item in known.values() if item} == {id_}
    assert key_of(entry(1)) in store.items.known("harbour", [key_of(entry(1))], []).items


def test_a_change_that_says_nothing_new_leaves_the_date_of_the_update(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    (id_,) = visit(store, entry(1))
    state = store.feeds.state("harbour")
    for title in ("Ferry 1 leaves.", "Ferry 1 leaves."):
        revision = Revision(id=id_, entry=entry(1, title=title, digest="x"), updated=None)
        store.items.apply(Intake(state=state, at=NOW + HOUR, revised=(revision,)))

    (stored,) = store.items.all()
    assert (stored.item.entry.title, stored.item.updated) == ("Ferry 1 leaves.", NOW - HOUR)
    (known,) = store.items.known("harbour", [key_of(entry(1))], []).items.values()
    assert known is not None
    assert (known.revisions, known.titles) == (1, 1)


def test_former_headlines_are_kept_with_their_time_and_bounded(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    (id_,) = visit(store, entry(1))
    for n in range(1, 25):
        visit(store, entry(1, title=f"Ferry is {n} hours late", digest=str(n)), now=NOW + n * HOUR)

    told = store.items.headlines(id_)
    assert len(told) == 20
    assert told[-1] == (NOW + 24 * HOUR, "Ferry is 23 hours late")


def test_what_waits_reads_back_in_its_order_and_is_replaced(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    waiting = tuple(
        Waiting(entry=entry(n, authors=("Ann",)), since=NOW, backlog=n > 1) for n in (3, 1, 2)
    )
    state = store.feeds.state("harbour")
    store.items.apply(Intake(state=state, at=NOW, waiting=waiting))
    store.items.apply(Intake(state=store.feeds.state("north"), at=NOW, waiting=()))
    assert store.items.waiting("harbour") == waiting
    store.items.apply(Intake(state=state, at=NOW, waiting=waiting[1:]))
    store.items.apply(Intake(state=state, at=NOW))
    assert store.items.waiting("harbour") == waiting[1:]


@pytest.mark.conforms("A22")
def test_who_began_an_earlier_turn_writes_nothing(store: Store) -> None:
    store.feeds.configure([feed()], now=NOW)
    early = store.feeds.state("harbour")
    due = NOW + HOUR
    store.feeds.begin("harbour", now=NOW, next_due=due, because="attempt", turn=early.turn)
    with pytest.raises(OvertakenError):
        store.feeds.begin("harbour", now=NOW, next_due=due, because="attempt", turn=early.turn)

    late = store.feeds.state("harbour")
    with pytest.raises(OvertakenError):
        store.feeds.save(replace(early, digest="early"))
    intake = take_in(early, (entry(1),), store.items.known("harbour", [], []), now=NOW)
    with pytest.raises(OvertakenError):
        store.items.apply(intake)
    assert store.feeds.state("harbour") == late
    assert store.items.count() == 0
    store.feeds.save(replace(late, digest="late"))


def test_feeds_of_one_publisher_are_of_one_beat_wherever_they_moved(store: Store) -> None:
    east = feed("east", url="https://www.gazette.example/east")
    west = feed("west", url="https://gazette.example/west")
    store.feeds.configure([east, west, feed("north")], now=NOW)
    ours, other = sorted(
        (store.feeds.due(NOW, 9, beat=beat) for beat in store.feeds.beats(NOW)), key=len
    )[::-1]
    assert [[state.feed for state in each] for each in (ours, other)] == [
        ["east", "west"],
        ["north"],
    ]

    store.feeds.save(replace(other[0], moved_to="https://gazette.example/north"))
    (beat,) = store.feeds.beats(NOW)
    assert len(store.feeds.due(NOW, 9, beat=beat)) == 3
    left_out = {"east", "west"}
    assert [one.feed for one in store.feeds.due(NOW, 1, beat=beat, but=left_out)] == ["north"]
    store.feeds.configure([east, west, feed("north", url="https://north.example/2")], now=NOW)
    assert len(store.feeds.beats(NOW)) == 2
    assert store.feeds.beats(NOW - HOUR) == ()


def test_an_edited_address_overtakes_the_visit_of_the_former_one(store: Store) -> None:
    store.feeds.configure([feed(), feed("north")], now=NOW)
    former, other = store.feeds.state("harbour"), store.feeds.state("north")
    edited = feed(url="https://harbour.example/new")
    store.feeds.configure([edited, feed("north", title="North")], now=NOW)

    with pytest.raises(OvertakenError):
        store.feeds.save(replace(former, moved_to="https://harbour.example/elsewhere"))
    store.feeds.save(replace(other, last_error="x"))
    assert store.feeds.state("harbour").moved_to is None


def test_no_process_shortens_the_peace_that_another_promised_a_host(store: Store) -> None:
    held = HostHistory(started=NOW, quiet_until=NOW + HOUR)
    store.hosts.note("harbour.example", held)
    store.hosts.note("harbour.example", HostHistory())
    store.hosts.note("harbour.example", HostHistory(started=NOW - HOUR, quiet_until=NOW))
    assert store.hosts.all() == {"harbour.example": held}


def test_of_some_hosts_what_is_remembered_is_found(store: Store) -> None:
    for name in ("a.example", "b.example"):
        store.hosts.note(name, HostHistory(started=NOW))
    assert set(store.hosts.of(["a.example", "c.example"])) == {"a.example"}
    assert store.hosts.of([]) == {}


@pytest.mark.parametrize("part", ["Überfall", "ÜbERFALL"])
def test_a_headline_is_found_in_either_case_of_plain_letters(store: Store, part: str) -> None:
    store.feeds.configure([feed()], now=NOW)
    visit(store, entry(1, title="Der Überfall"), entry(2, title="überfällig"))
    assert [found.item.entry.title for found in store.items.titled(part, 9)] == ["Der Überfall"]


def test_the_first_note_stands(store: Store) -> None:
    assert store.notes.first("a", "1") == "1"
    assert store.notes.first("a", "2") == "1" == store.notes.get("a")
