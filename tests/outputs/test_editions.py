"""Who stands in an output, in which order, under which id and date."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.editions import Kind, OutputSpec, Source
from aggregator.model.items import Entry, Item, StoredItem
from aggregator.model.published import Stay
from aggregator.outputs.editions import Told, face_of, latest, top
from aggregator.outputs.shares import Share, shared_out
from aggregator.outputs.standing import (
    OVERTAKING,
    Candidate,
    Face,
    enlist,
    handed_over,
    milestone,
    settled,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TOP = OutputSpec(name="top", kind=Kind.TOP, title="Top", limit=3)
LATEST = OutputSpec(name="latest", kind=Kind.LATEST, title="Latest", limit=3)
SOURCES = {
    name: Source(title=name.title(), url=f"https://{name}.example/feed", owner=owner)
    for name, owner in {"a": "A", "a2": "A", "b": "B", "c": "C"}.items()
}


def stored(seq: int, feed: str = "a", *, lead: str | None = None, **words: str) -> StoredItem:
    at = NOW - timedelta(hours=10 - seq)
    entry = Entry(title=words.get("title", f"T{seq}"), link=words.get("link"), digest="d")
    entry = replace(entry, summary=words.get("summary", ""), image=words.get("image"))
    item = Item(
        id=f"i{seq}",
        feed=feed,
        key=f"k{seq}",
        entry=entry,
        first_seen=at,
        published=at,
        updated=at,
        listed=at,
    )
    return StoredItem(seq=seq, item=item, lead=lead, story="s", topics=("sea",))


def told(*items: StoredItem) -> Told:
    return Told(story="s", items=items)


def face(story: str, _: Share) -> Face:
    return Face(item=f"face-{story}", owner=f"owner-{story}")


def of_one(story: str, _: Share) -> Face:
    return Face(item=f"face-{story}", owner="A")


def pool(*scores: tuple[str, float, int]) -> tuple[Candidate, ...]:
    found = [Candidate(story=s, score=score, owners=owners) for s, score, owners in scores]
    return tuple(sorted(found, key=lambda c: (-c.score, c.story)))


def admitted(
    ranked: Sequence[Candidate], stays: dict[str, Stay] | None = None, *, now: datetime = NOW
) -> dict[str, Stay]:
    """Run one publish step's decision and return all stays after it."""
    after = dict(stays or {})
    changed = enlist(TOP, ranked, after, face, now=now)
    after.update({stay.story: stay for stay in changed})
    return after


def standing(stays: dict[str, Stay]) -> set[str]:
    return {story for story, stay in stays.items() if stay.left is None}


def test_latest_keeps_the_order_and_lists_copies_under_their_lead() -> None:
    lead, copy, sister = stored(3, "a"), stored(2, "b", lead="i3"), stored(1, "a2", lead="i3")
    edition = latest(LATEST, [lead, stored(0, "c")], {"i3": (sister, copy)}, SOURCES, born=NOW)

    assert [entry.id for entry in edition.entries] == ["i3", "i0"]
    (also,) = edition.entries[0].also
    assert (also.owner, also.copy, also.title) == ("B", True, "T2")


@pytest.mark.conforms("B09")
def test_the_order_of_latest_does_not_depend_on_that_of_arrival() -> None:
    """By date, and by id where the dates are the same."""
    at = stored(4).item
    same = [StoredItem(seq=n, item=replace(at, id=f"i{n}", key=f"k{n}")) for n in (4, 6, 5)]
    items = [stored(9), *same, stored(2)]
    wide = replace(LATEST, limit=9, per_owner=9)
    orders = {
        tuple(entry.id for entry in latest(wide, mixed, {}, SOURCES, born=NOW).entries)
        for mixed in (items, items[::-1], [*items[2:], *items[:2]])
    }
    assert orders == {("i9", "i6", "i5", "i4", "i2")}


def test_an_owners_share_of_latest_is_capped() -> None:
    items = [stored(n, "a") for n in (9, 8, 7)] + [stored(6, "b")]
    edition = latest(replace(LATEST, per_owner=2), items, {}, SOURCES, born=NOW)
    assert [entry.id for entry in edition.entries] == ["i9", "i8", "i6"]


def test_an_empty_edition_is_dated_by_its_birth_and_others_by_their_newest_entry() -> None:
    assert latest(LATEST, [], {}, SOURCES, born=NOW).updated == NOW
    edition = latest(LATEST, [stored(1)], {}, SOURCES, born=NOW)
    assert edition.updated == NOW - timedelta(hours=9)


def test_an_entry_always_has_a_headline_and_a_link() -> None:
    bare = stored(1, title="", summary="one two three four five six seven eight nine ten 11 12 13")
    entry = latest(LATEST, [bare], {}, SOURCES, born=NOW).entries[0]
    assert entry.title.startswith("one two")
    assert entry.title.endswith("…")
    assert entry.link == "https://a.example/feed"
    nothing = latest(LATEST, [stored(1, title="")], {}, SOURCES, born=NOW).entries[0]
    assert nothing.title == "(untitled)"


def test_the_face_is_the_heaviest_feeds_own_report_with_a_picture() -> None:
    copy = stored(0, "c", lead="x", image="p")
    plain, pictured, light = stored(1, "a"), stored(2, "a", image="p"), stored(3, "b", image="p")
    weights = {"a": 2.0, "b": 1.0, "c": 9.0}

    def chosen(*items: StoredItem, full: str = "") -> str:
        share = Share(replace(TOP, limit=1))
        share.take(full)
        return face_of(told(*items), weights, SOURCES, share).item

    assert chosen(copy, plain, pictured, light) == "i2"
    assert chosen(copy, plain) == "i1"
    assert chosen(copy, plain, pictured, light, full="A") == "i3"
    assert chosen(plain, pictured, full="A") == "i2"


def test_the_face_says_what_most_of_the_others_say() -> None:
    """The first report is of yesterday; sister headlines and copies add nothing to it."""
    stale = stored(1, "a", title="Search for the ferry goes on", image="p")
    sisters = [stored(n, "a", title="Search for the ferry goes on, hour by hour") for n in (2, 3)]
    repeated = stored(4, "c", title="Search for the ferry goes on", lead="i1")
    found = stored(5, "b", title="Missing ferry found off the cape")
    also = stored(6, "c", title="Ferry found safe off the cape")
    items = (stale, *sisters, repeated, found, also)
    assert face_of(told(*items), {}, SOURCES).item == "i5"


def test_milestones_are_few() -> None:
    counts = (1, 2, 3, 5, 6, 12, 500)
    assert [milestone(n, TOP.milestones) for n in counts] == [0, 0, 3, 3, 6, 12, 96]
    assert [milestone(n, (4,)) for n in counts] == [0, 0, 0, 4, 4, 4, 4]
    assert {milestone(n, ()) for n in counts} == {0}


def test_stories_of_several_owners_come_first_and_lone_ones_only_fill_up() -> None:
    many = [(f"m{n}", 1.0 + n, 2) for n in range(3)]
    assert standing(admitted(pool(*many, ("lone", 99.0, 1)))) == {"m0", "m1", "m2"}
    assert standing(admitted(pool(("m", 1.0, 2), ("lone", 0.5, 1)))) == {"m", "lone"}


def test_a_full_list_takes_a_newcomer_only_when_it_is_clearly_stronger() -> None:
    first = admitted(pool(("x", 1.0, 2), ("y", 2.0, 2), ("z", 3.0, 2)))
    close = admitted(pool(("x", 1.0, 2), ("y", 2.0, 2), ("z", 3.0, 2), ("n", 1.1, 2)), first)
    clear = admitted(pool(("x", 1.0, 2), ("y", 2.0, 2), ("z", 3.0, 2), ("n", 1.2, 2)), first)
    assert standing(close) == {"x", "y", "z"}
    assert standing(clear) == {"n", "y", "z"}


def test_what_left_never_comes_back() -> None:
    first = admitted(pool(("x", 1.0, 2)))
    gone = admitted(pool(("y", 1.0, 2)), first)
    again = admitted(pool(("x", 9.0, 9), ("y", 1.0, 2)), gone)
    assert gone["x"].left == NOW
    assert standing(again) == {"y"}


def test_a_story_is_dated_anew_only_at_a_milestone() -> None:
    later = NOW + timedelta(hours=1)
    first = admitted(pool(("x", 1.0, 1)))
    two = admitted(pool(("x", 2.0, 2)), first, now=later)
    three = admitted(pool(("x", 3.0, 3)), two, now=later)
    four = admitted(pool(("x", 4.0, 4)), three, now=later + timedelta(hours=1))
    assert two["x"] == first["x"]
    assert (three["x"].milestone, three["x"].updated, three["x"].entered) == (3, later, NOW)
    assert four["x"] == three["x"]


def test_a_story_is_one_entry_with_everybody_else_who_reports_it() -> None:
    stays = {
        "s": Stay(
            output="top", story="s", entered=NOW, updated=NOW, milestone=0, face="i1", entry="s"
        )
    }
    items = (stored(0, "b", lead="i1"), stored(1, "a"), stored(2, "a2"), stored(3, "b"))
    edition = top(TOP, stays, {"s": told(*items)}, SOURCES, born=NOW)

    (entry,) = edition.entries
    assert (entry.id, entry.title, entry.updated, edition.updated) == ("s", "T1", NOW, NOW)
    assert entry.published == NOW - timedelta(hours=9)
    assert entry.categories == ("sea",)
    # b's own report is told rather than its copy; a2 is a sister title of the face
    assert [(also.owner, also.title, also.copy) for also in entry.also] == [("B", "T3", False)]


def test_a_story_without_a_picture_borrows_the_first_that_a_report_has() -> None:
    stay = Stay(
        output="top", story="s", entered=NOW, updated=NOW, milestone=0, face="i1", entry="s"
    )
    items = (stored(1, "a"), stored(2, "b", image="first"), stored(3, "c", image="second"))
    (entry,) = top(TOP, {"s": stay}, {"s": told(*items)}, SOURCES, born=NOW).entries
    assert (entry.title, entry.image) == ("T1", "first")
    own = (stored(1, "a", image="own"), *items[1:])
    (entry,) = top(TOP, {"s": stay}, {"s": told(*own)}, SOURCES, born=NOW).entries
    assert entry.image == "own"


def test_a_lowered_limit_is_kept() -> None:
    first = admitted(pool(("x", 1.0, 2), ("y", 2.0, 2), ("z", 3.0, 2)))
    changed = enlist(
        replace(TOP, limit=1),
        pool(("x", 1.0, 2), ("y", 2.0, 2), ("z", 3.0, 2)),
        first,
        face,
        now=NOW,
    )
    assert {stay.story for stay in changed if stay.left} == {"x", "y"}


def test_lone_reports_go_once_enough_stories_have_several() -> None:
    first = admitted(pool(("lone", 9.0, 1)))
    many = [(f"m{n}", 1.0, 2) for n in range(3)]
    assert standing(first) == {"lone"}
    assert standing(admitted(pool(("lone", 9.0, 1), *many), first)) == {"m0", "m1", "m2"}


def test_an_owners_share_of_top_is_capped() -> None:
    """The cap that ops set is hard; the usual one only asks for other faces."""
    ranked = pool(*((f"s{n}", 9.0 - n, 2) for n in range(3)))
    for cap, chosen in ((2, ["s0", "s1"]), (None, ["s0", "s1", "s2"])):
        changed = enlist(replace(TOP, per_owner=cap), ranked, {}, of_one, now=NOW)
        assert [stay.story for stay in changed] == chosen
    lowered = enlist(
        replace(TOP, per_owner=1), ranked, {s.story: s for s in changed}, of_one, now=NOW
    )
    assert {stay.story for stay in lowered if stay.left} == {"s1", "s2"}


def test_what_one_owner_alone_reports_enters_when_it_counts_for_two() -> None:
    many = pool(*((f"m{n}", 5.0, 2) for n in range(2)))
    heavy = Candidate(story="heavy", score=3.0, owners=1, weight=2.0)
    light = Candidate(story="light", score=9.0, owners=1, weight=1.9)
    wide = replace(TOP, limit=2)
    assert {stay.story for stay in enlist(wide, (light, *many, heavy), {}, face, now=NOW)} == {
        "m0",
        "m1",
    }
    strong = replace(heavy, score=6.0)
    assert {stay.story for stay in enlist(wide, (light, strong, *many), {}, face, now=NOW)} == {
        "heavy",
        "m0",
    }


def test_the_share_of_an_owner_is_half_unless_nobody_else_takes_the_places() -> None:
    spec = replace(LATEST, limit=4)
    mine = [f"a{n}" for n in range(6)]
    pools = {
        "alone": (mine, ["a0", "a1", "a2", "a3"]),
        "beside others": ([*mine, "b0", "c0"], ["a0", "a1", "b0", "c0"]),
        "beside one": ([*mine, "b0"], ["a0", "a1", "b0", "a2"]),
    }
    for listed, chosen in pools.values():
        assert list(shared_out(listed, spec, lambda one: one[0])) == chosen


@given(st.lists(st.sampled_from("aaaabc"), max_size=60), st.integers(1, 8))
def test_what_made_room_for_others_never_comes_back(arrivals: str, limit: int) -> None:
    """Whatever comes in, and although only the newest are looked at."""
    spec = replace(LATEST, limit=limit)
    shown: set[int] = set()
    gone: set[int] = set()
    for count in range(1, len(arrivals) + 1):
        newest = range(count - 1, max(-1, count - 1 - 4 * limit), -1)
        now_shown = set(shared_out(newest, spec, lambda at: arrivals[at]))
        assert not now_shown & gone
        gone |= shown - now_shown
        shown = now_shown


def test_a_member_passes_another_only_when_it_is_clearly_stronger() -> None:
    def order(**scores: float) -> str:
        inside = [Candidate(story=s, score=score, owners=2) for s, score in scores.items()]
        return "".join(settled(inside, "abc"))

    assert order(a=1.0, b=1.1, c=1.2) == "abc"
    assert order(a=1.0, b=1.3, c=0.5) == "bac"
    assert order(a=1.0, b=1.1, c=1.3) == "cab"
    assert order(a=1.0, b=1.0, c=1.0, n=1.2) == "abcn"
    assert order(a=1.0, b=1.0, c=1.0, n=2.0) == "nabc"


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 9), min_size=1),
    st.permutations("abcdefgh"),
)
def test_nobody_stands_below_whom_it_clearly_beats_and_order_settles(
    scores: dict[str, float], before: list[str]
) -> None:
    inside = [Candidate(story=s, score=score, owners=2) for s, score in scores.items()]
    order = settled(inside, before)
    for place, story in enumerate(order):
        assert all(scores[low] < OVERTAKING * scores[story] for low in order[place:])
    assert settled(inside, order) == order
    faded = [replace(one, score=one.score / 2) for one in inside]
    assert settled(faded, order) == order


def test_a_story_that_merges_into_one_that_does_not_stand_keeps_its_entry() -> None:
    first = admitted(pool(("small", 1.0, 3)))
    for other in ({}, {"large": replace(first["small"], story="large", entry="large", left=NOW)}):
        stays = first | other
        handed = {s.story: s for s in handed_over(stays, {"small": "large"}, now=NOW)}
        assert handed["small"].left == NOW
        assert (handed["large"].entry, handed["large"].left) == ("small", None)
        assert handed["large"].entered == first["small"].entered


def test_of_two_standing_stories_that_merge_one_leaves() -> None:
    stays = admitted(pool(("small", 1.0, 3), ("large", 2.0, 3)))
    (gone,) = handed_over(stays, {"small": "large"}, now=NOW)
    assert (gone.story, gone.left) == ("small", NOW)


rounds = st.lists(
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.floats(0, 9), st.integers(1, 4))),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=200)
@given(rounds)
def test_no_story_appears_vanishes_and_reappears(days: list[dict[str, tuple[float, int]]]) -> None:
    stays: dict[str, Stay] = {}
    gone: set[str] = set()
    shown: set[str] = set()
    for day in days:
        stays = admitted(pool(*((s, score, n) for s, (score, n) in day.items())), stays)
        now_shown = standing(stays)
        assert len(now_shown) <= TOP.limit
        assert not now_shown & gone
        gone |= shown - now_shown
        shown = now_shown
