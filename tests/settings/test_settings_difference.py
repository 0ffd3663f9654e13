"""What a change of settings means."""

from msgspec.structs import replace

from aggregator.model.editions import Site
from aggregator.model.feeds import Feed
from aggregator.settings import ServiceSettings, Settings, diff
from aggregator.settings.service import Listen

A, B, C = (Feed(id=name, url=f"https://example.org/{name}") for name in "abc")
BEFORE = Settings(
    feeds=(A, B),
    service=ServiceSettings(),
    topics=(),
    outputs=(),
    site=Site(base_url="http://localhost:8080"),
)


def test_equal_settings_differ_in_nothing_whatever_the_order_of_feeds() -> None:
    assert not diff(BEFORE, BEFORE)
    assert not diff(BEFORE, replace(BEFORE, feeds=(B, A)))


def test_feeds_are_told_apart_by_id() -> None:
    heavier = replace(A, weight=2.0)
    found = diff(BEFORE, replace(BEFORE, feeds=(heavier, C)))
    assert found.added == (C,)
    assert found.removed == (B,)
    assert found.changed == ((A, heavier),)
    assert found.sections == ()


def test_other_changes_are_named_by_section() -> None:
    after = replace(
        BEFORE,
        service=BEFORE.service.but(listen=Listen(port=1)),
        site=replace(BEFORE.site, title="Wire"),
    )
    assert diff(BEFORE, after).sections == ("service.listen", "site")
