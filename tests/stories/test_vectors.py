import pytest

from aggregator.stories.vectors import (
    UNIT,
    Frequencies,
    bare_title,
    square,
    term_counts,
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
    assert term_counts("flood", "")["flood"] == 1
    assert term_counts("flood", "rain")["flood"] == 2
    assert term_counts("flood", "flood")["flood"] == 3


def test_long_words_stand_as_stem_and_root() -> None:
    assert set(term_counts("elections 2024 vote", "")) == {"electio", "elect*", "2024", "vote"}


def test_only_the_opening_of_a_text_speaks() -> None:
    text = " ".join(f"w{n}" for n in range(500))
    assert len(term_counts("", text)) == 60


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
    assert frequencies.having == {"en": {"the": 5}}


def test_frequencies_read_back_as_they_were() -> None:
    frequencies = Frequencies()
    frequencies.learn("en", ["a", "b"])
    assert Frequencies.load(frequencies.dump()) == frequencies
    with pytest.raises(TypeError):
        Frequencies.load({"texts": 3})
