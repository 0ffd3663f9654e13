"""Words and index terms in any script."""

from aggregator.text.tokens import terms, words


def test_words_are_folded_and_possessives_dropped() -> None:
    assert words("The Taliban’s BOYS’ don't") == ["the", "taliban", "boys", "don't"]


def test_words_of_scripts_with_vowel_signs_stay_whole() -> None:
    assert words("भारत के प्रधानमंत्री ने कहा।") == ["भारत", "के", "प्रधानमंत्री", "ने", "कहा"]


def test_scripts_without_spaces_are_read_by_character_and_indexed_by_pairs() -> None:
    assert words("美军 in 日本") == ["美", "军", "in", "日", "本"]
    assert terms("美军史") == ["美军", "军史"]


def test_a_stem_is_seven_letters_without_accents_and_a_number_is_whole() -> None:
    assert terms("Präsidentschaftswahl 123456789") == ["praside", "123456789"]
