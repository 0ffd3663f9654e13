"""Which feed is meant by an address that somebody typed, and what would it bring?"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model.items import Entry
from aggregator.model.visits import Answer, Failed, Fetched, Gone, ParsedFeed, Refused
from aggregator.service.workers import ParseWorkers
from aggregator.sources.discover import Offer, common_places, offers_of, spelled_out
from aggregator.sources.envelope import is_page
from aggregator.sources.fetch import Ask, Fetcher
from aggregator.sources.manners import Manners
from aggregator.text.urls import redacted, split_credentials

MOST = 8  # requests of one search: the page, and a few places where its feed may be
NEWEST = 3  # entries of a preview

_DAY = timedelta(days=1)
# What asking again without encryption cannot mend, or must not hide.
_NO_USE_OF_HTTP = ("TLS certificate not accepted", "host name not found", "name server")
_WHERE = "config/service.yaml"


class Found(Struct, frozen=True, kw_only=True):
    """A feed that could be read. ``url`` is what to write down: with the user, if one was typed.

    ``skipped`` tells in one line each which better places were no feed, and why.
    """

    url: str
    document: ParsedFeed
    skipped: tuple[str, ...] = ()


class Page(Struct, frozen=True, kw_only=True):
    """A page at ``url`` (effective address) and what it offers, best first."""

    url: str
    offers: tuple[Offer, ...]


class Nothing(Struct, frozen=True, kw_only=True):
    """No feed; ``reason`` names the address and says why, in one line."""

    reason: str


class Scout:
    """Looks for a feed with at most ``most`` requests, one after another, each after its turn.

    ``told`` hears of every address before it is asked, fit to be shown. Every request goes
    through ``fetcher``, which guards it. One search each.
    """

    def __init__(
        self,
        *,
        fetcher: Fetcher,
        workers: ParseWorkers,
        manners: Manners,
        most: int = MOST,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._fetcher = fetcher
        self._workers = workers
        self._manners = manners
        self._left = most
        self._told = told
        self._user = ""
        self._origin: tuple[str, str] = ("", "")

    async def look(self, typed: str) -> Found | Page | Nothing:
        """Ask what ``typed`` means, a feed or a page. Raises nothing."""
        addresses = spelled_out(typed)
        if not addresses:
            shown = redacted(typed)[:200]
            return Nothing(reason=f'"{shown}" is no web address; write https://example.org')
        reasons: list[str] = []
        for address in addresses:
            self._remember_user(address)
            answer = await self._ask(address)
            if not _without_connection(answer):
                return await self._read(address, answer)
            reasons.append(_told(address, answer))
        return Nothing(reason="; ".join(reasons))

    async def best(self, page: Page) -> Found | Nothing:
        """Read what ``page`` offers, then the common places, up to the first that is a feed.

        Feeds of comments are left to people to choose.
        """
        wanted = [offer.url for offer in page.offers if not offer.comments]
        known = {offer.url for offer in page.offers}
        guesses = [place for place in common_places(page.url) if place not in known]
        skipped: list[str] = []
        for place in [*wanted, *guesses]:
            if self._left <= 0:
                break
            answer = await self._ask(self._with_user(place))
            found = await self._read(self._with_user(place), answer)
            if isinstance(found, Found):
                return replace(found, skipped=tuple(skipped))
            if place in wanted:
                skipped.append(found.reason if isinstance(found, Nothing) else _a_page(place))
            elif _wants_peace(answer):
                skipped.append(_told(place, answer))
                break
        return Nothing(reason=_nowhere(page, skipped))

    async def read(self, offer: Offer) -> Found | Nothing:
        """Read this offer of a page, no other."""
        address = self._with_user(offer.url)
        found = await self._read(address, await self._ask(address))
        return Nothing(reason=_a_page(offer.url)) if isinstance(found, Page) else found

    async def _ask(self, address: str) -> Answer:
        url, credentials = split_credentials(address)
        async with self._manners.turn(url) as turn:
            if turn.put_off is not None:
                when = turn.put_off.strftime("%H:%M UTC")
                return Failed(reason=f"host asks to be left alone until {when}", status=429)
            self._told(redacted(address))
            self._left -= 1
            answer = await self._fetcher.fetch(Ask(url=url, credentials=credentials))
            self._manners.note(url, answer)
        return answer

    async def _read(self, address: str, answer: Answer) -> Found | Page | Nothing:
        if not isinstance(answer, Fetched):
            return Nothing(reason=_told(address, answer))
        # Redirects that are for good are followed now rather than at every visit.
        settled = self._with_user(answer.moved_to) if answer.moved_to else address
        bare, _ = split_credentials(settled)
        document = await self._workers.parse(answer.body, answer.content_type, bare)
        if isinstance(document, ParsedFeed):
            return Found(url=settled, document=document)
        if is_page(answer.body, answer.content_type):
            offers = offers_of(answer.body, answer.content_type, answer.url)
            return Page(url=answer.url, offers=offers)
        return Nothing(reason=f"{redacted(address)}: {document.reason}")

    def _remember_user(self, address: str) -> None:
        parts = urlsplit(address)
        self._user, at, host = parts.netloc.rpartition("@")
        self._origin = (parts.scheme, host.lower()) if at else ("", "")

    def _with_user(self, url: str) -> str:
        """Put the user that was typed back, at the same origin only."""
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc.lower()) != self._origin:
            return url
        return urlunsplit(parts._replace(netloc=f"{self._user}@{parts.netloc}"))


class Preview(Struct, frozen=True, kw_only=True):
    """What a feed would bring. ``rhythm`` is '' when its dates do not tell; times are UTC."""

    title: str
    format: str
    entries: int
    newest: tuple[Entry, ...]
    rhythm: str


def preview(document: ParsedFeed, now: datetime) -> Preview:
    """Sum a feed up for somebody who decides whether to follow it."""
    order = sorted(document.entries, key=lambda entry: _time(entry, now), reverse=True)
    return Preview(
        title=document.meta.title,
        format=_format(document.meta.version),
        entries=len(order),
        newest=tuple(order[:NEWEST]),
        rhythm=rhythm((entry.published for entry in order), now),
    )


def rhythm(dates: Iterable[datetime | None], now: datetime) -> str:
    """Say how often something comes, from the dates of a feed's entries, e.g. "about 12 a day".

    The oldest tenth does not count: entries that are pinned for months. '' for fewer than three
    dates, or when they are all the same.
    """
    known = sorted(
        (date for date in dates if date is not None and date <= now + _DAY), reverse=True
    )
    if len(known) < 3:
        return ""
    counted = known[: max(3, len(known) - len(known) // 10)]
    span = counted[0] - counted[-1]
    if not span:
        return ""
    gap = span / (len(counted) - 1)
    if now - counted[0] > max(20 * gap, 60 * _DAY):
        return f"nothing new since {counted[0]:%Y-%m-%d}"
    for period, name in ((_DAY, "day"), (7 * _DAY, "week"), (30 * _DAY, "month")):
        if period / gap >= 1.5:
            return f"about {_rounded(period / gap)} a {name}"
    return "about 1 a month" if gap < 60 * _DAY else f"about {_rounded(365 * _DAY / gap)} a year"


def _rounded(count: float) -> int:
    """Two digits: nobody's rhythm is known more exactly."""
    return round(count) if count < 100 else int(float(f"{count:.2g}"))


def _time(entry: Entry, now: datetime) -> datetime:
    """Undated entries stand before the dated, in the order of their document."""
    return entry.published or now + 36_500 * _DAY


def _format(version: str) -> str:
    """Name the format: feedparser says rss20 and atom10, our JSON Feed reader json11."""
    found = re.fullmatch(r"([a-z]+)(\d)(\d+)?([a-z])?", version)
    names = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed", "cdf": "CDF"}
    if found is None:
        return names.get(version, version)
    minor = f".{found[3]}" if found[3] else ""
    return f"{names.get(found[1], found[1])} {found[2]}{minor}"


def _without_connection(answer: Answer) -> bool:
    """Whether there was no HTTP at the other end, so that http may do where https did not."""
    if not isinstance(answer, Failed) or answer.status is not None:
        return False
    return not answer.reason.startswith(_NO_USE_OF_HTTP)


def _wants_peace(answer: Answer) -> bool:
    """Whether guessing on would be a nuisance: the host said so, or cannot be reached."""
    return isinstance(answer, Failed) and answer.status in {None, 429, 503}


def _told(address: str, answer: Answer) -> str:
    match answer:
        case Gone():
            reason = "410: the publisher has ended this"
        case Refused():
            reason = answer.reason + _remedy(answer.reason)
        case Failed():
            reason = answer.reason + _advice(answer.status)
        case _:
            reason = "no document came"
    return f"{redacted(address)}: {reason}"


def _remedy(reason: str) -> str:
    if reason.startswith("port "):
        return f"; list it under reach: allow_ports in {_WHERE} if you mean it"
    if reason.startswith("redirect from https to http"):
        return "; write http:// before the address if you mean it"
    return ""


def _advice(status: int | None) -> str:
    if status in {404, 410}:
        return "; look the address up"
    if status in {401, 403}:
        return "; look whether it wants a user and password (https://user:password@…)"
    return ""


def _a_page(address: str) -> str:
    return f"{redacted(address)}: an HTML page, not a feed"


def _nowhere(page: Page, skipped: list[str]) -> str:
    where = redacted(page.url)
    comments = [offer.url for offer in page.offers if offer.comments]
    if skipped:
        return f"{where}: no feed that can be read: " + "; ".join(skipped)
    if comments:
        return (
            f"{where}: the page offers a feed of comments only;"
            f" add that by its own address if you mean it: {redacted(comments[0])}"
        )
    return (
        f"{where}: the page names no feed, and none is where feeds usually are;"
        " give the feed's own address"
    )
