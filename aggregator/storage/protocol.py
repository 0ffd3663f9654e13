"""What must every store be able to do?

Shared contract: times are aware UTC, whole seconds. A store is used from one thread at a time.
Every method may raise `StoreError`. Writes outside ``transaction()`` are transactions of their
own; inside, all of them stand or fall together, and reads see what was written before them.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from aggregator.items.intake import Intake
from aggregator.items.known import Known, KnownItem, Waiting
from aggregator.model.editions import Rendered, Source
from aggregator.model.feeds import Feed, FeedState
from aggregator.model.following import Errand, Follower, Task
from aggregator.model.items import Copy, Match, Name, StoredItem
from aggregator.model.published import ArchivePage, Issue, Stay
from aggregator.model.push import Delivery, Subscription
from aggregator.model.stories import StoryFacts, TopicScore, Voice
from aggregator.model.visits import Logged
from aggregator.sources.manners import HostHistory
from aggregator.text.queries import Query


class Filing(Struct, frozen=True, kw_only=True):
    """What the organise step found out about one item. ``trace`` is clustering's own memory."""

    seq: int
    id: str
    copy: Copy | None
    story: str
    story_because: str
    merged: tuple[str, ...]
    topics: tuple[TopicScore, ...]
    voice: Voice
    trace: str


class Hit(Struct, frozen=True, kw_only=True):
    """A stored item that shares ``hits`` postings with the one asked about."""

    stored: StoredItem
    hits: int


class Choice(Struct, frozen=True, kw_only=True):
    """That ``output``'s filter passes the item, or bars it and speaks against its story."""

    output: str
    seq: int
    barred: bool = False


class Words(Struct, frozen=True, kw_only=True):
    """The words of one item for the search, made by `aggregator.text.queries.searchable`."""

    seq: int
    title: str
    text: str


class FeedShelf(Protocol):
    """Feeds as configured, and what is remembered of each."""

    def configure(self, feeds: Sequence[Feed], *, now: datetime) -> None:
        """Make ``feeds`` the configured ones.

        A new feed is due at once, or when its address would have been due that was asked before,
        under another id or before an edit; a known one keeps its due time; one that is gone from
        the configuration is kept for attribution and never due. A changed address forgets
        validators, digest, memory, and what was learned from the old one; changed headers or
        credentials forget validators and digest.
        """

    def configured(self) -> Mapping[str, Feed]:
        """Return every feed that was ever configured, by id."""

    def sources(self) -> Mapping[str, Source]:
        """Return how each feed that was ever configured is named and linked, by id."""

    def state(self, feed: str) -> FeedState:
        """Return what is remembered of ``feed``; `StoreError` when it is unknown."""

    def states(self) -> tuple[FeedState, ...]:
        """Return the states of all configured and enabled feeds, by id."""

    def is_configured(self, feed: str) -> bool:
        """Tell whether ``feed`` is configured and enabled, whatever settings a process has yet."""

    def asking(self, url: str) -> tuple[FeedState, ...]:
        """Return the states of configured and enabled feeds that ask ``url`` now, by id.

        That is where they moved to, else their configured address.
        """

    def due(
        self,
        now: datetime,
        limit: int,
        skip: int = 0,
        *,
        beat: int | None = None,
        but: Collection[str] = (),
    ) -> tuple[FeedState, ...]:
        """Return enabled feeds whose time has come, the longest overdue first, after ``skip``.

        So has the time of a feed that was last asked in the future: the clock was set back, by
        more than `aggregator.sources.schedule.CLOCK_SLACK`. With ``beat``, only those on it;
        ``but`` some feeds.
        """

    def beats(self, now: datetime, *, but: Collection[str] = ()) -> tuple[int, ...]:
        """Return the beats on which feeds are due, ``but`` some feeds.

        Feeds of one host are of one beat.
        """

    def begin(
        self, feed: str, *, now: datetime, next_due: datetime, because: str, turn: int | None = None
    ) -> None:
        """Remember an attempt before the request goes out, so that a crash cannot repeat it.

        It is the next ``turn`` of the feed; `OvertakenError` when ``turn`` is given and is not
        the last that was begun.
        """

    def recall(self, feed: str, *, now: datetime) -> None:
        """Let ``feed`` be due when it would have been without its hub, but not before ``now``.

        One that was not put off because its hub tells (``usual_due``) keeps its time.
        """

    def save(self, state: FeedState) -> None:
        """Remember the outcome of a visit that brought no entries to take in.

        `OvertakenError` when another was begun after the one that ``state`` tells of.
        """

    def memory(self, feed: str) -> bytes | None:
        """Return what `remember` was last given for ``feed``, unless its address was changed."""

    def remember(self, feed: str, memory: bytes | None) -> None:
        """Keep ``memory`` of the document just taken in, for the reading of the next; or none."""


class HostShelf(Protocol):
    """What we did to publishers' hosts, so that a restart asks none of them too soon."""

    def all(self) -> Mapping[str, HostHistory]:
        """Return every history by registrable domain."""

    def of(self, hosts: Sequence[str]) -> Mapping[str, HostHistory]:
        """Return the histories of ``hosts``, those that have any."""

    def note(self, host: str, history: HostHistory) -> None:
        """Remember ``history``; its times are rounded up, so that no wait gets shorter."""


class VisitShelf(Protocol):
    """The log of visits: what we sent to publishers and when, the latest of each feed."""

    def begin(self, feed: str, visit: Logged) -> None:
        """Write down a visit before it is made; what is long past goes."""

    def end(self, feed: str, visit: Logged) -> None:
        """Write down what the visit that was begun last brought."""

    def all(self) -> Mapping[str, tuple[Logged, ...]]:
        """Return the visits to each feed, the oldest first; at most 48 of each."""


class PushShelf(Protocol):
    """What was agreed with hubs, and what they brought."""

    def all(self) -> tuple[Subscription, ...]:
        """Return every subscription, by token."""

    def get(self, token: str) -> Subscription | None:
        """Return the subscription behind a callback."""

    def of(self, feed: str) -> tuple[Subscription, ...]:
        """Return the subscriptions of a feed, by token."""

    def due(self, now: datetime, limit: int) -> tuple[Subscription, ...]:
        """Return subscriptions about which something is to be done, the longest overdue first."""

    def orphans(self, limit: int) -> tuple[Subscription, ...]:
        """Return subscriptions of feeds that are configured no more, and their hubs not told."""

    def put(self, one: Subscription) -> None:
        """Write ``one`` in place of what its token stood for."""

    def drop(self, token: str) -> None:
        """Forget a subscription; an unknown one is no error."""

    def deliver(self, one: Delivery) -> None:
        """Keep a delivery until somebody has read it."""

    def waiting(self) -> Mapping[str, tuple[int, int]]:
        """Return how many deliveries wait and their bytes, by feed."""

    def oldest(self, *, after: str = "") -> tuple[int, Delivery] | None:
        """Return the delivery that has waited longest, and the number it is settled by.

        One of another feed than ``after``, if there is any, so that no feed holds up the others.
        """

    def oldest_of(self, feed: str) -> tuple[int, Delivery] | None:
        """Return the delivery that has waited longest of those of ``feed``, as `oldest` does."""

    def mail(self, limit: int) -> Mapping[str, int]:
        """Return feeds of which deliveries wait, with their beats, the longest waiting first."""

    def settle(self, number: int) -> bool:
        """Forget a delivery that was read; False when somebody else had."""


class FollowerShelf(Protocol):
    """Who follows our outputs, and what is still to be said to whom."""

    def all(self) -> tuple[Follower, ...]:
        """Return every follower, by path and callback; also those whose lease has ended."""

    def get(self, path: str, callback: str) -> Follower | None:
        """Return who follows ``path`` at ``callback``."""

    def put(self, one: Follower) -> None:
        """Write a follower in place of the one of that path and callback."""

    def drop(self, path: str, callback: str) -> None:
        """Forget a follower, and what was to be brought there."""

    def announce(self, documents: Iterable[Rendered], *, now: datetime) -> None:
        """Remember that these documents are to be brought to those who follow them at ``now``.

        What is still to be brought there from before is one errand with it, and keeps its turn.
        """

    def dismiss(self, path: str, reason: str, *, now: datetime) -> None:
        """End what follows ``path``, and remember that they are to be told ``reason``."""

    def ask(self, errands: Iterable[Errand]) -> None:
        """Keep errands. One that is there already keeps its turn, with the new ``what``."""

    def due(self, now: datetime) -> tuple[Errand, ...]:
        """Return what is to be said, the longest overdue first; nothing to whose lease is over."""

    def waiting(self, task: Task) -> int:
        """Return how many errands of one kind there are."""

    def settle(self, one: Errand) -> None:
        """Forget an errand that is done; what came up since is begun anew."""

    def put_off(self, one: Errand) -> None:
        """Let an errand wait until ``due``, also when its ``what`` is another by now."""


class ItemShelf(Protocol):
    """Items, their identities, and what they were found to repeat."""

    def known(self, feed: str, keys: Sequence[str], ids: Sequence[str]) -> Known:
        """Tell which ``keys`` of ``feed`` are known, and which entry ``ids`` are taken."""

    def recall(self, traits: Sequence[int]) -> Mapping[int, tuple[KnownItem, ...]]:
        """Return items by trait (`aggregator.items.known.traits_of`), newest first, at most 8."""

    def waiting(self, feed: str) -> tuple[Waiting, ...]:
        """Return the entries of ``feed`` that earlier visits had no room for, in their order."""

    def apply(self, intake: Intake, *, before: FeedState | None = None) -> None:
        """Store a visit: state, new items, revisions, aliases, what waits; all or nothing.

        `OvertakenError` when another visit was begun after it.
        With ``before``, what the visit left of that state as it was is not written again.
        A revision whose headline is another keeps the former one, the last 20 of an item.
        """

    def names(self, item: str) -> tuple[Name, ...]:
        """Return the keys of an item, the one that it came under first."""

    def topics(self, item: str) -> tuple[TopicScore, ...]:
        """Return an item's topics with the reasons for them, the surest first."""

    def titled(self, part: str, limit: int) -> tuple[StoredItem, ...]:
        """Return at most ``limit`` items with ``part`` in their title, the newest first.

        Only the 10,000 that came last are looked at.
        """

    def headlines(self, item: str) -> tuple[tuple[datetime, str], ...]:
        """Return the former headlines of an item, each with the time until which it stood."""

    def pending(self, limit: int) -> tuple[StoredItem, ...]:
        """Return items that no organise step has filed yet, in order of arrival."""

    def file(self, filing: Filing) -> None:
        """Store what the organise step found out about one item."""

    def folded(self) -> Iterator[StoredItem]:
        """Yield every item that is folded under another, in order of arrival."""

    def unfold(self, item: str, copy: Copy | None, *, because: str) -> None:
        """Let a folded item stand for itself, for the reason given, or fold it under another.

        It stays in its story; that it came there as a copy is told as what was.
        """

    def refold(self, lead: str, copy: Copy) -> None:
        """Fold an item that stood for itself, with all that is folded under it, under another."""

    def by_id(self, ids: Iterable[str]) -> Mapping[str, StoredItem]:
        """Return the items with these ids, by id; unknown ids are left out."""

    def at_address(self, canonical: str) -> tuple[StoredItem, ...]:
        """Return filed items whose canonical address is ``canonical``, oldest first, at most 8."""

    def sharing(self, hashes: Sequence[int], limit: int, *, least: int = 1) -> tuple[Hit, ...]:
        """Return filed items that share most of ``hashes``, ``least`` at least, the best first."""

    def post(self, seq: int, hashes: Sequence[int], *, cap: int = 16) -> None:
        """Index an item under ``hashes`` (0 to 2^63); each keeps its ``cap`` newest items."""

    def sweep(self, before: datetime, start: int = 0) -> int | None:
        """Let items first seen before ``before`` be found by ``sharing`` no more, needed or not.

        Drops the traits of pruned items, too.
        Takes a bounded time: works on some hashes from ``start`` on, and returns where to go on,
        None at the end.
        """

    def set_aside(self, seq: int) -> None:
        """Leave an item that cannot be filed out of everything, so that others can."""

    def latest(self, *, topic: str | None, limit: int) -> tuple[StoredItem, ...]:
        """Return filed items that stand for themselves, newly listed first, by (listed, seq)."""

    def changed(self, since: int) -> tuple[tuple[StoredItem, ...], int]:
        """Return some of what was filed or revised after the mark ``since``, and the next mark.

        In that order, without what cannot be read; the mark stays when there is no more. 0 is the
        mark before everything.
        """

    def mark(self) -> int:
        """Return the mark after everything that was filed or revised so far."""

    def filed(self) -> int:
        """Return the place of the item that was filed last, 0 before there is one."""

    def choose(self, choices: Iterable[Choice]) -> None:
        """Remember what outputs' filters made of items; what was said of one first stands."""

    def unchoose(self, output: str, *, keep: int = 0) -> None:
        """Forget all but the ``keep`` items listed last that ``output`` passed, and barred."""

    def chosen(self, output: str, limit: int) -> tuple[StoredItem, ...]:
        """Return what ``output``'s filter passed and stands for itself, as `latest` does."""

    def copies(self, leads: Iterable[str]) -> Mapping[str, tuple[StoredItem, ...]]:
        """Return the items folded under each of ``leads``, oldest first."""

    def all(self) -> Iterator[StoredItem]:
        """Yield every item in order of arrival."""

    def count(self) -> int:
        """Return the number of items kept."""

    def tally(self, since: datetime) -> Mapping[str, tuple[int, int]]:
        """Return how many items each feed brought since ``since``, and how many repeat others."""

    def prune(self, before: datetime, limit: int) -> int:
        """Forget at most ``limit`` items first seen before ``before`` that nothing needs.

        Their identities stay, so that they are never taken for new. Returns how many went.
        """

    def prune_of(self, feed: str, limit: int, *, before: datetime | None, most: int | None) -> int:
        """Do what `prune` does for one feed, and for what came before its newest ``most`` items."""

    def forget_names(self, feed: str, before: datetime) -> int:
        """Forget the identities of items of ``feed`` that are gone and came before ``before``."""


class StoryShelf(Protocol):
    """Stories, the voices that report them, and clustering's memory."""

    def facts(self, since: datetime) -> tuple[StoryFacts, ...]:
        """Return stories with a report at or after ``since``."""

    def fact(self, story: str) -> StoryFacts | None:
        """Return what ranking needs to know of ``story``; None when there is no such story."""

    def facts_of(self, stories: Iterable[str]) -> tuple[StoryFacts, ...]:
        """Return these stories, however old; those that merged into others are left out."""

    def items(self, stories: Iterable[str]) -> Mapping[str, tuple[StoredItem, ...]]:
        """Return the items of each story in order of arrival."""

    def chosen(self, output: str, since: datetime) -> frozenset[str]:
        """Return stories of which ``output``'s filter passes a report listed since ``since``.

        Not those of which it bars more reports than it passes.
        """

    def passed(self, output: str, story: str) -> frozenset[str]:
        """Return the ids of those items of ``story`` that ``output``'s filter passes."""

    def forwards(self) -> Mapping[str, str]:
        """Return what every story that merged now goes by."""

    def current(self, story: str) -> str | None:
        """Return the id that ``story`` now goes by (itself, or what it merged into)."""

    def traces(self, since: datetime) -> Iterator[tuple[StoredItem, str]]:
        """Yield items first seen at or after ``since`` with their traces, as they were filed."""


class OutputShelf(Protocol):
    """What subscribers were served."""

    def get(self, path: str) -> Rendered | None:
        """Return the bytes last served at ``path``."""

    def all(self) -> tuple[Rendered, ...]:
        """Return everything served."""

    def etags(self) -> Mapping[str, str]:
        """Return the ETag of everything served, by path."""

    def put(self, rendered: Rendered) -> None:
        """Replace the bytes at ``rendered.path``."""

    def drop(self, path: str, now: datetime) -> None:
        """Stop serving ``path``, and remember that it was."""

    def retired(self) -> frozenset[str]:
        """Return the paths that were served once and are no more."""

    def forget_retired(self, before: datetime) -> None:
        """Forget the paths that are served no more since before ``before``."""

    def forget_issues(self, before: datetime, listed: Mapping[str, int]) -> int:
        """Forget the issues made before ``before``; return how many went.

        But for the last ones of each digest, as many as its feed lists.
        """

    def rename(self, before: str, name: str) -> None:
        """Let output ``name`` go on where ``before`` ended, unless it stood already."""

    def retain(self, names: Collection[str], now: datetime) -> None:
        """End what outputs other than ``names`` list and hold, so that it keeps no item alive."""

    def born(self, name: str, now: datetime) -> datetime:
        """Return when output ``name`` first stood; ``now`` is remembered at first asking."""

    def members(self, output: str) -> Mapping[str, Stay]:
        """Return all stays in ``output``, past and present, by story."""

    def standing(self, output: str) -> Mapping[str, Stay]:
        """Return the stays in ``output`` that have not ended, by story."""

    def left(self, output: str, since: datetime) -> Mapping[str, Stay]:
        """Return the stays in ``output`` that ended after ``since``, by story."""

    def stays_of(self, output: str, stories: Collection[str]) -> Mapping[str, Stay]:
        """Return the stays of ``stories`` in ``output``, past and present, by story."""

    def show(self, output: str, items: Sequence[str]) -> None:
        """Remember that ``output`` lists these items now; what is shown is not pruned."""

    def issues(self, output: str, limit: int) -> tuple[Issue, ...]:
        """Return the last ``limit`` issues of a digest, the newest first."""

    def bring_out(self, issue: Issue) -> None:
        """Keep an issue; `StoreError` when there is one for that day."""

    def enrol(self, members: Sequence[Stay]) -> None:
        """Write stays, replacing those of the same output and story."""


class SearchShelf(Protocol):
    """The words of items, and which of them hold what is looked for."""

    def mark(self) -> int:
        """Return the mark (of `ItemShelf.changed`) up to which items are indexed, 0 at first."""

    def learn(self, some: Sequence[Words], mark: int) -> None:
        """Index items under these words instead of former ones, and remember ``mark``.

        An item that is pruned leaves the index with it.
        """

    def find(self, query: Query, limit: int) -> tuple[Match, ...]:
        """Return items that hold every phrase that ``query`` wants, and none that it does not.

        The ``limit`` that came last, in any order. Upper case and accents do not matter.
        """


class ArchiveShelf(Protocol):
    """Pages of entries that left an output."""

    def listed(self, output: str) -> tuple[ArchivePage, ...]:
        """Return the pages of ``output`` in order."""

    def entries(self, output: str, number: int) -> bytes:
        """Return what was added of the entries of a page; `KeyError` when there is none."""

    def add(self, page: ArchivePage, entries: bytes) -> None:
        """Keep a page; `StoreError` when there is one of that number."""

    def drop(self, output: str, before: int) -> None:
        """Forget the pages of ``output`` whose number is lower than ``before``."""


class Notes(Protocol):
    """Small documents that a room keeps between runs (JSON text by name)."""

    def get(self, name: str) -> str | None:
        """Return the note, or None."""

    def put(self, name: str, text: str) -> None:
        """Write the note."""

    def first(self, name: str, text: str) -> str:
        """Write the note unless there is one; return what it says then."""

    def drop(self, name: str) -> None:
        """Forget the note, if there is one."""


class Store(Protocol):
    """Everything that is remembered."""

    @property
    def feeds(self) -> FeedShelf:
        """Feeds as configured, and what is remembered of each."""

    @property
    def hosts(self) -> HostShelf:
        """What we did to publishers' hosts."""

    @property
    def visits(self) -> VisitShelf:
        """The log of visits."""

    @property
    def pushes(self) -> PushShelf:
        """What was agreed with hubs, and what they brought."""

    @property
    def followers(self) -> FollowerShelf:
        """Who follows our outputs, and what is still to be said to whom."""

    @property
    def items(self) -> ItemShelf:
        """Items, their identities, and what they were found to repeat."""

    @property
    def stories(self) -> StoryShelf:
        """Stories, the voices that report them, and clustering's memory."""

    @property
    def outputs(self) -> OutputShelf:
        """What subscribers were served."""

    @property
    def search(self) -> SearchShelf:
        """Which items say what somebody looks for."""

    @property
    def archives(self) -> ArchiveShelf:
        """What left an output."""

    @property
    def notes(self) -> Notes:
        """Small documents that a room keeps between runs."""

    def reader(self) -> "Store":
        """Open the same database once more, only to read, for the thread that asks."""

    def transaction(self) -> AbstractContextManager[None]:
        """Make everything inside one transaction; an exception undoes all of it."""

    def take_turn(self) -> None:
        """Let what is read from here on stay true until the transaction under way ends.

        Nobody else takes in, revises or files an item meanwhile.
        """

    def tidy(self, before: datetime) -> None:
        """Do the housekeeping that keeps a database fast and small.

        Stays and leases that ended, stories last reported, and hosts last asked, before
        ``before`` are forgotten; stories, with their stays, some at a time.
        """

    def rehearse(self) -> None:
        """Write as much as a visit does, and take it back; `StoreError` while that is refused."""

    def about(self) -> Mapping[str, str]:
        """Tell what ops should know of the store: kind, version."""

    def close(self) -> None:
        """Finish writing and let go of the file. Safe to call twice."""


class SharedStore(Store, Protocol):
    """A store that several processes write to, each in its role."""

    def time(self) -> datetime:
        """Return what time it is by the store's clock, which is the same for all; aware, UTC."""

    def lead(self, what: str) -> int | None:
        """Be the only one that does ``what`` while connected; None when another is.

        Returns the number of the connection: with another one, somebody else may have led since.
        So from when it is lost, everything raises `StoreError` until this is asked again.
        """

    def make_once(self, table: str, statements: str) -> None:
        """Run ``statements`` unless they were, by anybody: unless ``table`` is there."""

    def editions(self, patience: float, stop: asyncio.Event) -> AsyncIterator[None]:
        """Yield at first, whenever something else is served, and every ``patience`` seconds.

        Until ``stop``. Raises `StoreError` when the connection is lost.
        """
