import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.items.places import number_of, place_of
from aggregator.items.sketch import INDEX_MOST, Kind, kinship, sketch, without_site

WIDTHS = (("a", 3), ("b", 9), ("c", 30), ("d", 100))
LONG = " ".join(f"word{number} and then some" for number in range(2_000))


def test_a_sketch_is_the_same_in_every_process_and_version() -> None:
    # Stored postings were made with these numbers: changing them orphans every index.
    drawn = sketch("A ferry ran aground", "The ferry ran aground off Port Maren")
    assert drawn.index == (
        9_444_986_995_205,
        23_836_005_612_410,
        47_549_844_623_000,
        92_961_677_608_767,
        11_228_902_894_697,
    )


def test_the_index_of_a_short_text_is_all_of_it_and_the_headline() -> None:
    drawn = sketch("Four words of headline", "The ferry ran aground off Port Maren on Tuesday")
    assert drawn.size == 6
    assert set(drawn.index) > {value >> 17 for value in drawn.shingles}
    assert len(drawn.index) == drawn.size + 1
    assert drawn.headed == drawn.index[-1:]


def test_two_texts_that_share_eleven_words_in_a_row_share_a_hash() -> None:
    shared = " ".join(f"shared{number}x" for number in range(11))
    filled = [" ".join(f"{mark}{number}x" for number in range(size)) for mark, size in WIDTHS]
    texts = [f"{before} {shared} {after}" for before in filled for after in filled]
    indexes = [set(sketch("", text).index) for text in texts]
    assert all(one & other for one in indexes for other in indexes)


def test_the_index_of_a_full_text_is_within_that_of_its_teaser() -> None:
    # What is least of eight in a row is least of any four of them too.
    text = " ".join(f"word{number}x" for number in range(90))
    full, teaser = sketch("", text), sketch("", " ".join(text.split()[:50]))
    assert full.kind is Kind.FULL
    assert teaser.kind is Kind.TEASER
    assert len(set(full.index) & set(teaser.index)) >= 47 // 8


def test_the_index_of_a_long_text_is_bounded_and_the_same_in_a_part_of_it() -> None:
    whole, half = sketch("", LONG), sketch("", LONG[: len(LONG) // 2])
    assert len(whole.index) == INDEX_MOST
    assert len(half.index) == INDEX_MOST
    assert len(set(whole.index) & set(half.index)) > INDEX_MOST / 3


def test_a_text_is_full_a_teaser_or_too_short() -> None:
    kinds = [sketch("", " ".join(f"w{n}" for n in range(size))).kind for size in (60, 59, 15, 14)]
    assert kinds == [Kind.FULL, Kind.TEASER, Kind.TEASER, Kind.SHORT]


def test_figures_are_kept_apart() -> None:
    assert sketch("", "On 3 May 2026 some 40 boats sank, 40 in all").numbers == {"3", "2026", "40"}


def test_indic_words_are_words_not_letters() -> None:
    # Vowel signs end a run of letters for `\\w`: any two Bengali texts would share their letters.
    assert sketch("", "নদীবন্দরে সতর্কসংকেত দেখাতে বলা হয়েছে").size == 2


def test_chinese_is_compared_by_seven_characters() -> None:
    assert sketch("", "新港跨海大桥最后一节钢箱梁").size == 13 - 7 + 1


def test_a_text_of_quotations_and_furniture_has_no_shingles() -> None:
    assert sketch("A title", "“We kept it by eleven days,” ALSO READ: Something else").size == 0


def test_lone_surrogates_and_nothing_are_sketched_too() -> None:
    assert sketch("", "").index == ()
    assert sketch("\ud800", "a \ud800b c d e").size > 0


def test_the_name_of_the_site_is_no_part_of_a_headline() -> None:
    assert without_site("Ferry runs aground again | Harbour Gazette") == "Ferry runs aground again"
    assert without_site("Ferry runs aground - live") == "Ferry runs aground - live"


def test_kinship_weighs_words_by_their_length() -> None:
    assert kinship(["the", "ferry"], ["the", "budget"]) == 3 / 8
    assert kinship(["ferry"], ["a", "ferry", "sinks"]) == 1
    assert kinship([], ["ferry"]) == 0


@given(st.text(max_size=200), st.text(max_size=200))
@settings(deadline=None)
def test_anything_can_be_sketched(title: str, text: str) -> None:
    drawn = sketch(title, text)
    assert all(0 <= value < 2**64 for value in drawn.index)


def test_an_address_tells_site_words_and_whether_it_is_one_articles() -> None:
    place = place_of("https://news.harbour.example.co.uk/2026/05/ferry-runs-aground.html")
    assert place.site == "example.co.uk"
    assert place.slug == {"ferry", "runs", "aground"}
    assert place.single


def test_front_pages_sections_and_videos_have_no_slug() -> None:
    places = [
        place_of(f"https://harbour.example/{path}")
        for path in ("", "world", "watch?v=FzmrngbHVNQ", "article.cfm?id=12473126")
    ]
    assert not any(place.slug for place in places)
    assert [place.single for place in places] == [False, False, True, True]


def test_two_ports_of_one_host_are_two_sites() -> None:
    assert place_of("http://127.0.0.1:8001/a").site == "127.0.0.1:8001"


def test_no_address_and_no_sense_are_no_place() -> None:
    assert place_of(None).site == ""
    assert place_of("http://[::1").site == ""
    assert not place_of("urn:x").single


@pytest.mark.parametrize(
    "canonical",
    [
        "https://news.harbour.example.co.uk/world/ferry-7380179",
        "http://harbour.example:8080/article?id=8654155",
        "http://harbour.example/2026/05/01/ferry-runs-aground",
        "http://[harbour.example/7380179",
        None,
    ],
)
def test_the_number_of_a_place_is_that_of_its_site(canonical: str | None) -> None:
    place = place_of(canonical)
    assert number_of(canonical) == (f"{place.site} {place.number}" if place.number else "")
