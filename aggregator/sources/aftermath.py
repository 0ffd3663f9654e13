"""What does a visit leave behind?"""

import hashlib
from datetime import datetime

from msgspec.structs import replace

from aggregator.model.feeds import Feed, FeedState
from aggregator.model.push import Pushed
from aggregator.model.visits import (
    Answer,
    Arrivals,
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
from aggregator.sources import gaps, moves
from aggregator.sources.rhythm import learned
from aggregator.sources.schedule import Cadence, Due, asked_for, next_due, put_off
from aggregator.sources.websub.discovery import advertised
from aggregator.sources.websub.trust import untold


def digest_of(body: bytes) -> str:
    """Return the fingerprint by which a body is known to be unchanged."""
    return hashlib.sha256(body).hexdigest()


def conclude(
    feed: Feed,
    state: FeedState,
    answer: Answer,
    document: Document | None,
    arrivals: Arrivals | None = None,
    *,
    pushed: Pushed | None = None,
    now: datetime,
    cadence: Cadence,
) -> FeedState:
    """Return what to remember after ``answer``, read as ``document``.

    ``document`` is None when nothing was parsed: there was no body, or its digest was known.
    ``arrivals`` tell what its entries were to us; without them nothing is learned of rhythm and
    gaps. Validators are replaced by every 200, also of an unchanged body, but never by a document
    that could not be read, or lost all its entries: it must be asked for again. A feed whose hub
    tells (``pushed``) is asked rarely, unless this visit found what the hub had not told.
    """
    verdict = verdict_on(state, answer, document, now=now)
    meta = document.meta if isinstance(document, ParsedFeed) else _said(state)
    after = _taught(state, verdict, document, arrivals, now)
    due = next_due(feed, after, verdict, meta, now=now, cadence=cadence)
    after = replace(
        after,
        next_due=due.at,
        because=due.because,
        not_before=asked_for(verdict, now, cadence),
        usual_due=None,
        attempted_at=now,
        visits=state.visits + 1,
    )
    if pushed is not None and isinstance(verdict, Fetched | NotModified):
        rarely = put_off(feed, due, meta.skips, now=now, cadence=cadence)
        after = _told_by_hub(after, pushed, arrivals, rarely, now=now)
    match verdict:
        case Fetched():
            return _success(feed, after, verdict, document, now)
        case NotModified():
            return _unchanged(after, verdict, now)
        case Gone():
            return replace(after, gone=True, last_error="410: the publisher has ended this feed")
        case Refused() | Failed():
            return _failure(_unread(feed, after, answer, document), verdict)


def verdict_on(
    state: FeedState, answer: Answer, document: Document | None, *, now: datetime
) -> Answer:
    """Return ``answer``, or `Failed` when what it brought is no feed, or one emptied by mistake."""
    if not isinstance(answer, Fetched):
        return answer
    if isinstance(document, Unreadable):
        return Failed(reason=document.reason, hints=answer.hints)
    if isinstance(document, ParsedFeed) and gaps.is_emptied(state, _listed(document), now=now):
        reason = f"the document has no entries; the last one had {state.entries}"
        return Failed(reason=reason, hints=answer.hints)
    return answer


def remark_on(before: FeedState, after: FeedState) -> str | None:
    """Return what ops should know of a visit that went well, in one line; None mostly."""
    late = after.recovered - before.recovered
    if after.gaps > before.gaps:
        missed = f"{late} missed were read from older pages" if late else "some probably missed"
        return f"no entry in common with the last visit; {missed}; asking sooner (or set `every`)"
    if late:
        return f"{late} entries that were missed before were read from older pages"
    if after.missed > before.missed:
        untold_now = after.missed - before.missed
        return f"its hub did not tell of {untold_now} new entries; asked at its usual pace again"
    if after.moved_to != before.moved_to:
        if after.moved_to is None:
            return f"asking at its configured address again, no longer at {before.moved_to}"
        return f"moved for good, now asked at {after.moved_to}; you may put that in feeds.yaml"
    return None


def _said(state: FeedState) -> FeedMeta:
    """Return what a document that did not change, or did not come, still says."""
    return FeedMeta(ttl=state.ttl, base=state.base, skips=state.skips)


def _listed(document: ParsedFeed) -> int:
    return len(document.entries) + document.omitted


def _taught(
    state: FeedState,
    verdict: Answer,
    document: Document | None,
    arrivals: Arrivals | None,
    now: datetime,
) -> FeedState:
    """Count what came, before it is decided when to come back."""
    if not isinstance(verdict, Fetched | NotModified):
        return state
    if arrivals is None or not isinstance(document, ParsedFeed):
        return state
    rhythm = learned(state.rhythm, arrivals, last=state.succeeded_at, now=now)
    taught = gaps.noted(state, arrivals, older=document.meta.older, now=now)
    return replace(taught, rhythm=rhythm)


def _told_by_hub(
    after: FeedState, pushed: Pushed, arrivals: Arrivals | None, rarely: Due, *, now: datetime
) -> FeedState:
    """Count what the hub had not told; without any, the next visit is due ``rarely``.

    ``after`` still has the last good visit of before.
    """
    times = arrivals.times if arrivals else ()
    missed = untold(times, since=pushed.since, last=after.succeeded_at, now=now)
    if missed or rarely.at == after.next_due:
        return replace(after, missed=after.missed + missed)
    return replace(after, next_due=rarely.at, because=rarely.because, usual_due=after.next_due)


def _unread(feed: Feed, after: FeedState, answer: Answer, document: Document | None) -> FeedState:
    """Keep what a page says of hubs, unless it stands where there was a feed before."""
    if not isinstance(document, Unreadable) or not isinstance(answer, Fetched):
        return after
    if after.succeeded_at is not None:
        return after
    links = advertised(answer.links, document.links, asked=feed.url, url=answer.url)
    return replace(after, links=links)


def _failure(after: FeedState, verdict: Refused | Failed) -> FeedState:
    return moves.failed(replace(after, failures=after.failures + 1, last_error=verdict.reason))


def _unchanged(after: FeedState, verdict: NotModified, now: datetime) -> FeedState:
    return replace(
        moves.followed(after, verdict.moved_to, now=now),
        validators=verdict.validators,
        succeeded_at=now,
        failures=0,
        last_error=None,
    )


def _success(
    feed: Feed, after: FeedState, answer: Fetched, document: Document | None, now: datetime
) -> FeedState:
    said = document.meta.links if isinstance(document, ParsedFeed) else after.links
    fresh = replace(
        moves.followed(after, answer.moved_to, now=now),
        validators=answer.validators,
        digest=digest_of(answer.body),
        succeeded_at=now,
        failures=0,
        last_error=None,
        links=advertised(answer.links, said, asked=feed.url, url=answer.url),
    )
    if not isinstance(document, ParsedFeed):
        return fresh
    meta = document.meta
    return replace(
        fresh,
        ttl=meta.ttl,
        base=meta.base,
        skips=meta.skips,
        entries=_listed(document),
        title=meta.title or fresh.title,
        home=meta.home or fresh.home,
        feed_language=meta.language or fresh.feed_language,
    )
