import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.queries import MAX_PHRASES, MAX_QUERY, Phrase, read_query, searchable


def phrase(*words: str, begins: bool = False) -> Phrase:
    return Phrase(words=words, begins=begins)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("ferry", [phrase("ferry", begins=True)], []),
        ("sea", [phrase("sea")], []),
        ("  Sea   FERRY ", [phrase("sea"), phrase("ferry", begins=True)], []),
        ('"night ferry" late', [phrase("night", "ferry"), phrase("late")], []),
        ("„night ferry“", [phrase("night", "ferry")], []),
        ('"ferry', [phrase("ferry")], []),
        ("sea -storm", [phrase("sea")], [phrase("storm", begins=True)]),
        ('-"night ferry" sea', [phrase("sea")], [phrase("night", "ferry")]),
        ("port-maren", [phrase("port", "maren")], []),
        ("2031", [phrase("2031")], []),
        ("図書館", [phrase("図", "書", "館")], []),
        ("ferry ferry", [phrase("ferry", begins=True)], []),
        ("", [], []),
        ('- "" * ( NEAR/2', [phrase("near", "2")], []),
    ],
)
def test_every_word_is_wanted_and_phrases_and_exceptions_are_told_apart(
    text: str, wanted: list[Phrase], unwanted: list[Phrase]
) -> None:
    query = read_query(text)
    assert (list(query.wanted), list(query.unwanted)) == (wanted, unwanted)


@pytest.mark.conforms("D53")
@given(st.text(max_size=400))
def test_whatever_is_typed_is_a_query_of_bounded_size(text: str) -> None:
    query = read_query(text)
    assert len(query.text) <= MAX_QUERY
    assert len(query.wanted) <= MAX_PHRASES
    assert len(query.unwanted) <= MAX_PHRASES
    assert all('"' not in word for part in query.wanted for word in part.words)
    assert read_query(query.text) == query


def test_a_text_is_indexed_as_the_words_that_queries_are_made_of() -> None:
    assert searchable("The Ferry’s “night” 図書館") == "the ferry night 図 書 館"
