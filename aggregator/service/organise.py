"""How are stored items filed?

In order of arrival, and of their dates where they arrived together, one by one, a batch in one
transaction: copy of what, about which topics, in which story. Runs on the store's thread.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from aggregator.items.apart import NOTHING_APART, NeverFold
from aggregator.items.duplicates import matches, text_of
from aggregator.items.sketch import sketch
from aggregator.model.errors import StoreError
from aggregator.model.feeds import Feed
from aggregator.model.items import Copy, Entry, StoredItem
from aggregator.model.stories import Topic, TopicScore, Voice
from aggregator.service.copies import StoredShelf, folded, news_of
from aggregator.storage import Store
from aggregator.storage.protocol import Filing
from aggregator.stories.clustering import Clusters, Piece, Trace
from aggregator.stories.gathering import LIFE
from aggregator.stories.topics import TopicModel, topic_terms, topics_of

COUNTS, MODEL = "clustering", "topics"  # names of the notes
NOTED_EVERY = 2_000  # items between two writings of the notes, about a megabyte each ...
NOTED_AFTER = timedelta(days=1)  # ... and on a quiet desk, so that the traces kept reach back to it
_SLACK = timedelta(days=1)


class Organiser:
    """The `organise` pipeline: clustering's and the topic model's memory, over one store."""

    def __init__(
        self,
        store: Store,
        *,
        topics: tuple[Topic, ...],
        never_fold: NeverFold = NOTHING_APART,
    ) -> None:
        self._store = store
        self._topics = topics
        self._apart = never_fold
        self._clusters: Clusters | None = None
        self._model = TopicModel()
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._noted: tuple[datetime | None, int] = (None, 0)
        self._careful = 0  # items that are filed one by one, since one of them could not be
        self.set_aside: list[tuple[str, str]] = []

    def organise(self, limit: int, *, now: datetime) -> int:
        """File at most ``limit`` items; return how many. 0 when none wait.

        When a batch fails, its items are tried one by one; one that cannot be filed is named in
        ``set_aside`` and left out, so that it holds up no other.
        """
        pending = self._store.items.pending(1 if self._careful else limit)
        if not pending:
            return 0
        self._careful = max(0, self._careful - 1)
        try:
            self._file_all(pending, now)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are filed
            if len(pending) > 1:
                self._careful = len(pending)
                return self.organise(1, now=now)
            self._store.items.set_aside(pending[0].seq)
            self.set_aside.append((pending[0].item.id, f"{type(error).__name__}: {error}"))
        return len(pending)

    def _file_all(self, pending: Sequence[StoredItem], now: datetime) -> None:
        clusters = self._resumed(now)
        self._latest = max(self._latest, now)  # a clock that is set back must not turn time back
        try:
            with self._store.transaction():
                feeds = self._store.feeds.configured()
                pieces = {s.seq: _piece(s, feeds[s.item.feed]) for s in pending}
                clusters.expect(pieces.values())
                for stored in sorted(pending, key=_by_date):
                    self._file(stored, pieces[stored.seq], clusters, feeds)
                self._note(clusters)
        except BaseException:
            self._clusters = None  # it knows of items that the store does not; resume next time
            raise
        clusters.forget(self._latest)

    def _resumed(self, now: datetime) -> Clusters:
        if self._clusters is None:
            model, counts = self._read(MODEL), self._read(COUNTS)
            self._model = TopicModel() if model is None else TopicModel.load(model)
            self._noted = _noted(counts)
            since = min(now, self._noted[0] or now) - LIFE - _SLACK
            kept = [
                (stored, Trace.load(text)) for stored, text in self._store.stories.traces(since)
            ]
            traces = [trace for _, trace in kept]
            self._latest = max((trace.now for trace in traces), default=now)
            self._clusters = Clusters.restore(traces, counts)
            self._learn_again(stored for stored, trace in kept if trace.serial > self._noted[1])
        return self._clusters

    def _learn_again(self, since_noted: Iterable[StoredItem]) -> None:
        """Teach the topic model what it had learned since it was written down."""
        feeds = self._store.feeds.configured()
        for stored in since_noted:
            feed = feeds.get(stored.item.feed)
            if feed is not None and stored.lead is None:
                self._learn(stored.item.entry, feed)

    def _read(self, name: str) -> dict[str, object] | None:
        text = self._store.notes.get(name)
        return None if text is None else json.loads(text)

    def _note(self, clusters: Clusters) -> None:
        """Write down what was counted and learned, now and then.

        Also where no process lives long: the figures are those of the last note, not of this run.
        """
        noted_at, serial = self._noted
        fresh = clusters.serial - serial
        if noted_at and fresh < NOTED_EVERY and self._latest - noted_at < NOTED_AFTER:
            return
        self._noted = (self._latest, clusters.serial)
        counts = {"at": self._latest.isoformat(), **clusters.dump()}
        self._store.notes.put(COUNTS, json.dumps(counts))
        self._store.notes.put(MODEL, json.dumps(self._model.dump()))

    def _file(
        self, stored: StoredItem, piece: Piece, clusters: Clusters, feeds: Mapping[str, Feed]
    ) -> None:
        item, feed = stored.item, feeds[stored.item.feed]
        shelf = StoredShelf(self._store, feeds, stored, apart=self._apart)
        copy = folded(self._store, matches(news_of(item, feed), shelf), apart=self._apart)
        topics = self._topics_of(item.entry, feed, copy)
        piece = replace(piece, copy_of_story=self._story_of(copy))
        placement, trace = clusters.place(piece, now=self._latest)
        voice = Voice(
            owner=piece.owner,
            weight=feed.weight,
            first=item.published,
            last=item.published,
            copies_only=copy is not None,
        )
        self._store.items.post(stored.seq, sketch(item.entry.title, piece.body).index)
        self._store.items.file(
            Filing(
                seq=stored.seq,
                id=item.id,
                copy=copy,
                story=placement.story,
                story_because=placement.because,
                merged=placement.merged,
                topics=topics,
                voice=voice,
                trace=trace.dump(),
            )
        )

    def _topics_of(self, entry: Entry, feed: Feed, copy: Copy | None) -> tuple[TopicScore, ...]:
        if copy is None:
            self._learn(entry, feed)
        return topics_of(entry, feed.topics, self._topics, self._model)

    def _learn(self, entry: Entry, feed: Feed) -> None:
        if feed.topics:
            self._model.learn(topic_terms(entry), feed.topics)

    def _story_of(self, copy: Copy | None) -> str | None:
        if copy is None:
            return None
        lead = self._store.items.by_id([copy.lead]).get(copy.lead)
        return lead.story if lead else None


def _noted(counts: Mapping[str, object] | None) -> tuple[datetime | None, int]:
    """Return when, and at which placement, the last note was written."""
    if counts is None:
        return None, 0
    return datetime.fromisoformat(str(counts["at"])), int(str(counts["serial"]))


def _by_date(stored: StoredItem) -> tuple[datetime, int]:
    """Of what arrived together, the earliest report comes first: it leads its copies."""
    return stored.item.published, stored.seq


def _piece(stored: StoredItem, feed: Feed) -> Piece:
    item = stored.item
    return Piece(
        id=item.id,
        title=item.entry.title,
        at=item.published,
        summary=item.entry.summary,
        body=text_of(item.entry),
        language=item.entry.language or feed.language,
        feed_title=feed.title or "",
        owner=feed.owner or feed.id,
    )
