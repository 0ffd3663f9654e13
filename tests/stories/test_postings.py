from aggregator.stories.postings import NEAREST, NEWEST, Postings


def test_the_nearest_items_come_first_and_equals_by_age() -> None:
    postings = Postings()
    postings.add(1, {"flood": 600, "dam": 800})
    postings.add(2, {"flood": 1000})
    postings.add(3, {"flood": 1000})
    assert postings.nearest({"flood": 900}, since=1) == [2, 3, 1]
    assert postings.nearest({"ebb": 900}, since=1) == []


def test_items_before_since_are_not_found_whether_forgotten_or_not() -> None:
    postings = Postings()
    postings.add(1, {"flood": 1000, "dam": 100})
    postings.add(2, {"flood": 1000})
    assert postings.nearest({"flood": 500, "dam": 500}, since=2) == [2]
    postings.forget_before(2)
    assert postings.nearest({"flood": 500, "dam": 500}, since=1) == [1, 2]
    assert postings.nearest({"dam": 500}, since=1) == []


def test_a_term_leads_only_to_its_newest_items() -> None:
    postings = Postings()
    for serial in range(1, 1001):
        postings.add(serial, {"the": 10, f"only{serial}": 990})
    found = postings.nearest({"the": 10}, since=1)
    assert len(found) == min(NEAREST, NEWEST)
    assert min(found) == 1001 - NEWEST
    assert postings.nearest({"only1": 10}, since=1) == [1]
