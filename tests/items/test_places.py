import pytest

from aggregator.items.places import place_of


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("https://a.example/swiat/lot-odwoluje-rejsy-7380029", "7380029"),
        ("https://a.example/news/article-11718057/Police-seal-range.html", "11718057"),
        ("https://a.example/praca/artykuly/8654141,urlop-podwyzki.html", "8654141"),
        ("https://a.example/gielda/polacy-chca-gotowki/224r76c", "224r76c"),
        ("https://a.example/news/article.cfm?objectid=12473150", "12473150"),
        ("https://a.example/2023/02/06/slug-of-words", ""),
        ("https://a.example/live/kurs-06-20230206", ""),
        ("https://a.example/world/what-we-know-on-day-591-of-the-invasion", ""),
        ("https://a.example/", ""),
    ],
)
def test_the_number_that_an_address_gives_its_article(address: str, number: str) -> None:
    assert place_of(address).number == number
