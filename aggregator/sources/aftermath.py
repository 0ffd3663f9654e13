"""What does a visit leave behind?"""

import hashlib
from dataclasses import replace
from datetime import datetime

from aggregator.model.feeds import Feed, FeedState
from aggregator.model.visits import (
    Answer,
    Document,
    Failed,
    FeedMeta,
    Fetched,
    Gone,
    NotModified,
    ParsedFeed,
    Refused,
    Unreadable,
)
from aggregator.sources.schedule import Cadence, next_due


def digest_of(body: bytes) -> str:
    """Return the fingerprint by which a body is known to be unchanged."""
    return hashlib.sha256(body).hexdigest()


def conclude(
    feed: Feed,
    state: FeedState,
    answer: Answer,
    document: Document | None,
    *,
    now: datetime,
    cadence: Cadence,
) -> FeedState:
    """Return what to remember after ``answer``, read as ``document``.

    ``document`` is None when nothing was parsed: there was no body, or its digest was known.
    Validators are replaced by every 200, also of an unchanged body, but never by a document that
    could not be read: it must be asked for again.
    """
    verdict = _verdict(answer, document)
    # A document that did not change still says what it said.
    meta = document.meta if isinstance(document, ParsedFeed) else FeedMeta(ttl=state.ttl)
    due = next_due(feed, state, verdict, meta, now=now, cadence=cadence)
    after = replace(
        state,
        next_due=due.at,
        because=due.because,
        attempted_at=now,
        visits=state.visits + 1,
    )
    match verdict:
        case Fetched():
            return _success(after, verdict, document, now)
        case NotModified():
            return replace(
                after, validators=verdict.validators, succeeded_at=now, failures=0, last_error=None
            )
        case Gone():
            return replace(after, gone=True, last_error="410: the publisher has ended this feed")
        case Refused() | Failed():
            return replace(after, failures=state.failures + 1, last_error=verdict.reason)


def _verdict(answer: Answer, document: Document | None) -> Answer:
    if isinstance(answer, Fetched) and isinstance(document, Unreadable):
        return Failed(reason=document.reason, hints=answer.hints)
    return answer


def _success(
    after: FeedState, answer: Fetched, document: Document | None, now: datetime
) -> FeedState:
    fresh = replace(
        after,
        validators=answer.validators,
        digest=digest_of(answer.body),
        succeeded_at=now,
        failures=0,
        last_error=None,
    )
    if not isinstance(document, ParsedFeed):
        return fresh
    meta = document.meta
    return replace(
        fresh,
        ttl=meta.ttl,
        title=meta.title or fresh.title,
        home=meta.home or fresh.home,
        feed_language=meta.language or fresh.feed_language,
    )
