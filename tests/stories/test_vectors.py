import pytest

from aggregator.stories.vectors import (
    UNIT,
    Frequencies,
    amounts,
    bare_title,
    leading,
    square,
    vector_of,
)


@pytest.mark.parametrize(
    ("title", "feed", "bare"),
    [
        (
            "Storm closes three northern ports | Harbour Post",
            "",
            "Storm closes three northern ports",
        ),
        ("Storm closes three ports - News - Harbour Post", "", "Storm closes three ports"),
        ("Spain - Italy", "", "Spain - Italy"),
        ("Short head - Harbour Post", "", "Short head - Harbour Post"),
        ("Short head - Harbour Post", "harbour post", "Short head"),
        ("Who wins the cup - a long guess at the coming season", "", None),
        ("A well-known port re-opens today", "", None),
        ("", "", None),
    ],
)
def test_a_site_name_behind_the_title_is_dropped(title: str, feed: str, bare: str | None) -> None:
    assert bare_title(title, feed) == (title if bare is None else bare)


def test_title_terms_count_twice_beside_a_text() -> None:
    assert amounts("sea", "")["sea"] == 1
    assert amounts("sea", "rain")["sea"] == 2
    assert 2.9 < amounts("sea", "sea")["sea"] < 3


def test_long_words_stand_as_stem_and_root_and_weigh_as_much_as_short_ones() -> None:
    found = amounts("elections 2024 vote", "soon")
    assert set(found) == {"electio", "elec*", "2024", "vote", "soon"}
    assert found["electio"] ** 2 + found["elec*"] ** 2 == pytest.approx(found["vote"] ** 2)


def test_the_words_of_a_headline_alone_also_stand_as_their_parts() -> None:
    found = amounts("košarka 96 zob", "")
    assert set(found) == {
        *("kosarka", "kosa*", "96", "zob"),
        *("~^ko", "~kos", "~osa", "~sar", "~ark", "~rka"),
    }


def test_parts_of_words_lead_nowhere() -> None:
    assert leading({"~kos": 9, "kosarka": 8, "zob": 7, "96": 6}, 2) == [("kosarka", 8), ("zob", 7)]


def test_only_the_opening_of_a_text_speaks_and_its_beginning_most() -> None:
    found = amounts("", " ".join(f"w{n}" for n in range(500)))
    assert len(found) == 100
    assert found["w0"] > 1.9 * found["w60"] > found["w99"]


def test_vectors_have_unit_length_and_rare_terms_weigh_more() -> None:
    frequencies = Frequencies()
    for n in range(50):
        frequencies.learn("en", ["the", f"only{n}"])
    vector = vector_of({"the": 1, "only1": 1}, "en", frequencies)
    assert list(vector) == ["only1", "the"]
    assert abs(square(vector) - UNIT * UNIT) < UNIT


def test_every_term_keeps_a_place_however_light() -> None:
    frequencies = Frequencies()
    for _ in range(3000):
        frequencies.learn("en", ["the"])
    counts = {"the": 1, **{f"rare{n}": 9 for n in range(400)}}
    assert vector_of(counts, "en", frequencies)["the"] >= 1


def test_counts_fade_and_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.stories.vectors.FADE", 10)
    frequencies = Frequencies()
    for n in range(10):
        frequencies.learn("en", ["the", f"once{n}"])
    assert frequencies.texts == {"en": 5}
    assert frequencies.having == {"en": {"the": 10}}


def test_a_word_that_a_story_had_before_is_counted_half() -> None:
    once, again = Frequencies(), Frequencies()
    for frequencies in (once, again):
        for n in range(20):
            frequencies.learn("en", ["the", f"only{n}"])
        frequencies.learn("en", ["flood"])
        frequencies.learn("en", ["flood"])
    again.repeated("en", ["flood", "never seen"])
    assert again.rarity("en", "flood") > once.rarity("en", "flood")
    assert again.rarity("en", "the") == once.rarity("en", "the")


def test_frequencies_read_back_as_they_were() -> None:
    frequencies = Frequencies()
    frequencies.learn("en", ["a", "b"])
    assert Frequencies.load(frequencies.dump()) == frequencies
    with pytest.raises(TypeError):
        Frequencies.load({"texts": 3})
