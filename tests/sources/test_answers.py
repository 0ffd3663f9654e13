from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.feeds import Validators
from aggregator.model.visits import Hints
from aggregator.sources.answers import (
    MAX_DELAY,
    freshened,
    hints_of,
    http_date,
    validators_of,
)

DATE = (b"Date", b"Sun, 06 Nov 1994 08:00:00 GMT")
HOUR_LATER = b"Sun, 06 Nov 1994 09:00:00 GMT"


def fresh(*headers: tuple[bytes, bytes], date: bool = True) -> timedelta | None:
    return hints_of([DATE, *headers] if date else headers).fresh_for


def control(value: bytes, *headers: tuple[bytes, bytes]) -> float | None:
    found = fresh((b"Cache-Control", value), *headers)
    return None if found is None else found.total_seconds()


@pytest.mark.conforms("A24", "A25", "A26")
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"max-age=300", 300),
        (b"MAX-AGE=300", 300),
        (b"public, max-age=300, must-revalidate", 300),
        (b'max-age="300"', 300),
        (b"max-age = 300", 300),
        (b"max-age=0", 0),
        (b"max-age=0300", 300),
        (b"max-age=300, max-age=600", 600),
        (b"max-age=600, max-age=300", 600),
        (b"max-age=600, max-age=x", 600),
        (b"max-age=999999999", MAX_DELAY.total_seconds()),
        (b"max-age=9223372036854775808", MAX_DELAY.total_seconds()),
        (b"max-age=" + b"9" * 4000, MAX_DELAY.total_seconds()),
        (b"max-age=-1", None),
        (b"max-age=", None),
        (b"max-age", None),
        (b"max-age=3e2", None),
        (b"max-age=\xb2", None),
        (b"s-maxage=300", None),
        (b"x-max-age=300", None),
        (b'private="a, max-age=9", max-age=300', 300),
        (b"no-cache, max-age=300", None),
        (b"no-store, max-age=300", None),
        (b',,;="', None),
        (b"", None),
    ],
)
def test_max_age_is_read_kindly_and_never_raises(value: bytes, seconds: float | None) -> None:
    assert control(value) == seconds


def test_max_age_may_come_in_several_headers() -> None:
    assert control(b"public", (b"cache-control", b"max-age=300")) == 300


@pytest.mark.parametrize(
    ("age", "left"), [(b"100", 200), (b"300", 0), (b"400", 0), (b"-5", 300), (b"x", 300)]
)
def test_age_shortens_freshness_down_to_nothing(age: bytes, left: float) -> None:
    assert control(b"max-age=300", (b"Age", age)) == left


@pytest.mark.conforms("A27")
def test_expires_counts_from_the_answers_own_date() -> None:
    """Whatever our clock says."""
    assert fresh((b"Expires", HOUR_LATER)) == timedelta(hours=1)


def test_expires_without_a_date_counts_from_when_it_was_received_if_that_is_known() -> None:
    received = datetime(1994, 11, 6, 8, 30, tzinfo=UTC)
    headers = [(b"Expires", HOUR_LATER)]
    assert hints_of(headers, received=received).fresh_for == timedelta(minutes=30)
    assert hints_of(headers).fresh_for is None


def test_max_age_goes_before_expires() -> None:
    assert control(b"max-age=300", (b"Expires", HOUR_LATER)) == 300


@pytest.mark.conforms("A28")
@pytest.mark.parametrize("value", [b"0", b"-1", b"never", b"Sun, 99 Xxx 1994 08:00:00 GMT"])
def test_an_invalid_expires_means_already_expired(value: bytes) -> None:
    assert fresh((b"Expires", value)) == timedelta()


@pytest.mark.conforms("A28")
@pytest.mark.parametrize(
    "value",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
    ],
)
def test_all_three_forms_of_a_date_are_read(value: bytes) -> None:
    assert http_date(value) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.conforms("A41", "A27")
@pytest.mark.parametrize(
    ("value", "wait"),
    [
        (b"120", timedelta(seconds=120)),
        (b" 120 ", timedelta(seconds=120)),
        (b"0", timedelta()),
        (HOUR_LATER, timedelta(hours=1)),
        (b"Sun, 06 Nov 1994 07:00:00 GMT", timedelta()),
        (b"-1", None),
        (b"soon", None),
        (b"", None),
        (b"99999999999", MAX_DELAY),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", MAX_DELAY),
        (b"Fri, 31 Dec 9999 23:59:59 -1200", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: bytes, wait: timedelta | None) -> None:
    assert hints_of([DATE, (b"Retry-After", value)]).retry_after == wait


@pytest.mark.conforms("A02", "A03", "A04")
@pytest.mark.parametrize(
    "etag",
    [b'"abc"', b'W/"a-gzip"', b'"caf\xe9"', b"abc", b'"with space"', b"'single'", b'"a,b"'],
)
def test_validators_are_kept_byte_for_byte(etag: bytes) -> None:
    modified = b"Mon, 1 Jan 2024 00:00:00 +0000 (odd)"
    found = validators_of([(b"ETAG", etag), (b"last-modified", modified)], "http://a/")
    assert found == Validators(url="http://a/", etag=etag, last_modified=modified)


@pytest.mark.conforms("A09")
def test_no_validator_is_invented() -> None:
    assert validators_of([DATE, (b"ETag", b"")], "http://a/") is None


def test_a_validator_too_long_to_send_back_is_none() -> None:
    assert validators_of([(b"ETag", b'"' + b"x" * 5000 + b'"')], "http://a/") is None


@pytest.mark.conforms("A07")
def test_a_304_replaces_only_what_it_names() -> None:
    held = Validators(url="http://a/", etag=b'"1"', last_modified=b"then")
    assert freshened(held, []) == held
    assert freshened(held, [(b"ETag", b'"2"')]).etag == b'"2"'
    assert freshened(held, [(b"ETag", b'"2"')]).last_modified == b"then"


NAMES = st.sampled_from([b"Cache-Control", b"Expires", b"Date", b"Age", b"Retry-After", b"ETag"])
VALUES = st.one_of(st.binary(max_size=60), st.from_regex(rb"(max-age|no-cache)[=, \"0-9-]{0,30}"))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_no_header_whatever_raises_or_asks_for_less_than_nothing(
    headers: list[tuple[bytes, bytes]],
) -> None:
    hints = hints_of(headers, received=datetime(2024, 1, 1, tzinfo=UTC))
    for wait in (hints.fresh_for, hints.retry_after):
        assert wait is None or timedelta() <= wait <= MAX_DELAY


def test_an_answer_that_says_nothing_hints_nothing() -> None:
    assert hints_of([]) == Hints()
