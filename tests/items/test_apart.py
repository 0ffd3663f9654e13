from aggregator.items.apart import NOTHING_APART, NeverFold, Party

A = Party(id="a", feed="north", canonical="https://north.example/1")
B = Party(id="b", feed="south", canonical="https://news.south.example/1")
C = Party(id="c", feed="south", canonical=None)


def test_nothing_is_kept_apart_by_itself() -> None:
    assert NOTHING_APART.parts(A, B) is None
    assert not NOTHING_APART


def test_a_feed_or_a_site_always_stands_for_itself() -> None:
    assert NeverFold(feeds=frozenset({"south"})).parts(A, B) == "feed south"
    assert NeverFold(feeds=frozenset({"south"})).parts(C, A) == "feed south"
    site = NeverFold(sites=frozenset({"south.example"}))
    assert site.parts(A, B) == "site south.example"
    assert site.parts(A, C) is None
    assert NeverFold(sites=frozenset({"h.example"})).parts(A, B) is None, "no part of a name"


def test_a_pair_keeps_two_apart_and_nobody_else() -> None:
    pair = NeverFold(pairs=frozenset({frozenset({"https://north.example/1", "b"})}))
    assert pair.parts(A, B) == pair.parts(B, A) == "pair b and https://north.example/1"
    assert pair.parts(A, C) is None
    assert pair.frees(A) is None


def test_a_pair_of_one_address_keeps_apart_what_stands_there() -> None:
    page = NeverFold(pairs=frozenset({frozenset({"https://north.example/1"})}))
    other = Party(id="x", feed="west", canonical="https://north.example/1")
    assert page.parts(A, other) is not None
    assert page.parts(A, B) is None
