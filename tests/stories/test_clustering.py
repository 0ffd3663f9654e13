from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.stories import Placement
from aggregator.stories.clustering import Clusters, Piece, story_id
from aggregator.stories.gathering import LIFE
from aggregator.stories.traces import Trace

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)

DAM = (
    (
        "Dam bursts above Velmora, thousands told to leave",
        "Water from the Orsk dam reached the town.",
    ),
    ("Thousands leave Velmora after Orsk dam bursts", "The Orsk dam gave way before dawn."),
    ("Velmora evacuated as Orsk dam fails", "The burst dam sent water through Velmora."),
)
CUP = (
    ("Halvorsen wins the Tarn marathon in record time", "She ran the Tarn course in 2:14."),
    ("Record for Halvorsen at Tarn marathon", "Halvorsen took the marathon in 2:14."),
)
BANK = ("Central bank of Ostrava holds its rate", "The bank left the rate at four percent.")
FILLER = (
    ("Museum reopens its north wing", "Painters return after a decade."),
    ("Ferry line to Kestrel island ends", "The last boat sails on Sunday."),
    ("Vaccine trial begins in Lomond", "Doctors recruit volunteers."),
    ("New chip plant planned near Arden", "The factory would employ many."),
)


def piece(name: str, text: tuple[str, str], *, hours: float = 0, **more: str) -> Piece:
    at = NOON + timedelta(hours=hours)
    return Piece(id=name, title=text[0], summary=text[1], at=at, language="en", **more)


def place_all(clusters: Clusters, pieces: Iterable[Piece]) -> list[Placement]:
    return [clusters.place(one, now=one.at)[0] for one in pieces]


def warmed() -> Clusters:
    """Clusters that have seen some other news, as a desk has."""
    clusters = Clusters()
    place_all(clusters, [piece(f"filler-{n}", text) for n, text in enumerate(FILLER)])
    return clusters


def test_reports_of_one_event_join_one_story() -> None:
    clusters = warmed()
    placed = place_all(clusters, [piece(f"d{n}", text, hours=n) for n, text in enumerate(DAM)])
    assert {one.story for one in placed} == {story_id("d0")}
    assert [one.opened for one in placed] == [True, False, False]
    assert placed[1].because.startswith("joined ")
    assert 0 < placed[1].similarity <= 1


def test_different_events_open_different_stories() -> None:
    clusters = warmed()
    texts = (DAM[0], CUP[0], BANK)
    placed = place_all(clusters, [piece(f"x{n}", text) for n, text in enumerate(texts)])
    assert all(one.opened for one in placed)
    assert len({one.story for one in placed}) == 3


def test_an_item_that_bridges_two_stories_merges_them_and_the_larger_keeps_its_id() -> None:
    clusters = warmed()
    wall, boats = "Orsk valley reservoir wall collapses", "Velmora residents flee flood water"
    place_all(clusters, [piece("small", (wall, ""))])
    place_all(clusters, [piece(f"large-{n}", (boats, ""), hours=1) for n in range(4)])
    (bridge,) = place_all(clusters, [piece("bridge", (f"{boats} as {wall}", ""), hours=2)])
    assert bridge.story == story_id("large-0")
    assert bridge.merged == (story_id("small"),)
    assert clusters.current(story_id("small")) == story_id("large-0")
    later = place_all(clusters, [piece("later", (wall, ""), hours=3)])[0]
    assert later.story == story_id("large-0")


def test_a_copy_joins_its_story_and_adds_no_evidence() -> None:
    with_copy, without = warmed(), warmed()
    for clusters in (with_copy, without):
        place_all(clusters, [piece("d0", DAM[0])])
    copy = piece("copy", ("Something else entirely", "Moon."), copy_of_story=story_id("d0"))
    placement, trace = with_copy.place(copy, now=copy.at)
    assert placement.story == story_id("d0")
    assert trace.vector == {}
    after = [piece("d1", DAM[1]), piece("moon", ("Something else entirely", "Moon."))]
    assert place_all(with_copy, after) == place_all(without, after)


def test_a_copy_of_a_merged_story_joins_what_it_merged_into() -> None:
    clusters = Clusters.restore(
        [_trace(1, "a", opened=True), _trace(2, "b", opened=True), _trace(3, "a", merged=("b",))]
    )
    placement, _ = clusters.place(piece("copy", BANK, copy_of_story="b"), now=NOON)
    assert placement.story == "a"


def test_languages_without_spaces_are_grouped_by_their_characters() -> None:
    clusters = Clusters()
    titles = (
        "北海道で大規模な地震、津波警報を発表",
        "中央銀行が金利を据え置く決定",
        "津波警報、北海道の地震で住民が避難",
        "新しい美術館が東京で開館した",
    )
    pieces = [
        Piece(id=f"j{n}", title=title, at=NOON, language="ja") for n, title in enumerate(titles)
    ]
    placed = place_all(clusters, pieces)
    assert placed[2].story == placed[0].story
    assert len({one.story for one in placed}) == 3


def test_names_lead_from_one_language_to_another() -> None:
    clusters = warmed()
    foreign = [
        ("Rupture du barrage d'Orsk: Velmora évacuée", "L'eau a atteint Velmora à l'aube."),
        ("Le musée national rouvre ses portes", "Les peintres reviennent après dix ans."),
    ]
    place_all(clusters, [piece("d0", DAM[0])])
    pieces = [replace(piece(f"f{n}", text), language="fr") for n, text in enumerate(foreign)]
    placed = place_all(clusters, pieces)
    assert placed[0].story == story_id("d0")
    assert placed[1].opened


def test_regions_of_one_language_share_stories() -> None:
    clusters = warmed()
    place_all(clusters, [piece("d0", DAM[0])])
    british = Piece(id="gb", title=DAM[1][0], summary=DAM[1][1], at=NOON, language="en_GB")
    assert place_all(clusters, [british])[0].story == story_id("d0")


def test_a_story_is_closed_after_two_days_of_silence() -> None:
    clusters = warmed()
    place_all(clusters, [piece("d0", DAM[0])])
    assert not place_all(clusters, [piece("d1", DAM[1], hours=47)])[0].opened
    assert place_all(clusters, [piece("d2", DAM[2], hours=47 + 49)])[0].opened


def test_a_saga_is_cut_after_a_week() -> None:
    clusters = warmed()
    days = [piece(f"day{n}", DAM[n % 3], hours=24 * n) for n in range(9)]
    placed = place_all(clusters, days)
    assert {one.story for one in placed[:8]} == {story_id("day0")}
    assert placed[8].opened


def test_old_news_that_arrives_late_finds_its_own_time() -> None:
    clusters = warmed()
    place_all(clusters, [piece("d0", DAM[0])])
    late = piece("late", DAM[1], hours=-100)
    assert clusters.place(late, now=NOON)[0].opened


def test_titles_lose_the_name_of_the_site() -> None:
    clusters = warmed()
    first = piece("s1", ("Sculptor wins national prize again - Harbour Daily Post", ""))
    other = piece("s2", ("Wolves return to western hills - Harbour Daily Post", ""))
    assert all(one.opened for one in place_all(clusters, [first, other]))


def test_an_empty_item_opens_a_story_of_its_own() -> None:
    clusters = warmed()
    blank = [Piece(id=f"blank{n}", title="", at=NOON) for n in range(2)]
    assert [one.opened for one in place_all(clusters, blank)] == [True, True]


def test_story_ids_are_permanent_and_follow_from_the_first_item() -> None:
    assert story_id("urn:uuid:1") == story_id("urn:uuid:1")
    assert story_id("urn:uuid:1") != story_id("urn:uuid:2")
    assert story_id("x") == "urn:uuid:" + story_id("x").removeprefix("urn:uuid:")
    # Subscribers have it: another value here makes every entry new again.
    assert story_id("urn:uuid:0b5a0c1e-0000-4000-8000-000000000000") == PINNED


PINNED = "urn:uuid:b9dfefce-8238-5ac4-819b-4cf413a2494e"

TEXTS = (*DAM, *CUP, BANK, *FILLER)
STREAM = st.lists(
    st.tuples(st.integers(0, len(TEXTS) - 1), st.integers(0, len(TEXTS) - 1), st.integers(0, 30)),
    min_size=2,
    max_size=40,
)


def stream(drawn: list[tuple[int, int, int]]) -> list[Piece]:
    hours, pieces = 0, []
    for n, (title, text, step) in enumerate(drawn):
        hours += step
        words = (TEXTS[title][0], TEXTS[text][1])
        pieces.append(piece(f"p{n}", words, hours=hours))
    return pieces


@settings(deadline=None, max_examples=60)
@given(STREAM, st.data())
def test_a_restart_anywhere_changes_no_later_placement(
    drawn: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    pieces = stream(drawn)
    noted = data.draw(st.integers(0, len(pieces)))
    stop = data.draw(st.integers(noted, len(pieces)))
    whole = place_all(Clusters(), pieces)
    clusters, kept, note = Clusters(), [], Clusters().dump()
    for n, one in enumerate(pieces[:stop]):
        kept.append(clusters.place(one, now=one.at)[1].dump())
        if n + 1 == noted:
            note = clusters.dump()
    since = pieces[max(0, noted - 1)].at - LIFE
    traces = [Trace.load(text) for text in kept]
    resumed = Clusters.restore([one for one in traces if one.now >= since], note)
    assert place_all(resumed, pieces[stop:]) == whole[stop:]


@settings(deadline=None, max_examples=60)
@given(STREAM, st.sets(st.integers(0, 39)))
def test_forgetting_changes_no_later_placement(
    drawn: list[tuple[int, int, int]], moments: set[int]
) -> None:
    pieces = stream(drawn)
    clusters, placed = Clusters(), []
    for n, one in enumerate(pieces):
        if n in moments:
            clusters.forget(one.at)
        placed.append(clusters.place(one, now=one.at)[0])
    assert placed == place_all(Clusters(), pieces)


def test_expecting_pieces_counts_each_once_and_a_copy_not_at_all() -> None:
    ahead, plain = Clusters(), Clusters()
    pieces = [piece(f"d{n}", text) for n, text in enumerate(DAM)]
    copy = piece("copy", BANK)
    ahead.expect([*pieces, copy])
    place_all(ahead, [*pieces, replace(copy, copy_of_story=story_id("d0"))])
    place_all(plain, pieces)
    assert ahead.dump() == {**plain.dump(), "serial": 4}


def test_forgetting_frees_closed_stories() -> None:
    clusters = warmed()
    assert len(clusters) == len(FILLER)
    clusters.forget(NOON + timedelta(days=4))
    assert len(clusters) == 0


def test_term_counts_outlive_the_traces() -> None:
    clusters = warmed()
    resumed = Clusters.restore((), clusters.dump())
    assert resumed.dump() == clusters.dump()


def _trace(serial: int, story: str, *, opened: bool = False, merged: tuple[str, ...] = ()) -> Trace:
    return Trace(
        serial=serial,
        item=f"i{serial}",
        story=story,
        opened=opened,
        merged=merged,
        language="en",
        at=NOON,
        now=NOON,
        vector={"word": 1000},
    )


def test_a_trace_reads_back_as_it_was() -> None:
    trace = _trace(7, "s", merged=("t", "u"))
    assert Trace.load(trace.dump()) == trace
