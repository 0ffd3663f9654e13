"""Which tables are there?

In SQLite's words, which are few: INTEGER, REAL, TEXT, BLOB, and a key that numbers its rows.
`aggregator.storage.postgres.schema` says the same in PostgreSQL's. What a released version made
changes by a migration in both.
"""

import re
from collections.abc import Iterator, Mapping

FIRST = """
CREATE TABLE feed (
    id TEXT PRIMARY KEY,
    configured INTEGER NOT NULL,      -- 1 while it stands in feeds.yaml and is enabled
    url TEXT NOT NULL,                -- as configured, without user name and password
    title TEXT, owner TEXT NOT NULL, weight REAL NOT NULL,
    topics TEXT NOT NULL,             -- JSON list of slugs
    language TEXT,
    way INTEGER NOT NULL,             -- changes with the feed's own headers and credentials
    secret INTEGER NOT NULL DEFAULT 0, -- 1 when its address is not to be published
    next_due TEXT NOT NULL, because TEXT NOT NULL,
    not_before TEXT,                  -- until when the publisher asked to be left alone
    validator_url TEXT, etag BLOB, last_modified BLOB, digest TEXT,
    attempted_at TEXT, succeeded_at TEXT,
    failures INTEGER NOT NULL DEFAULT 0, last_error TEXT,
    gone INTEGER NOT NULL DEFAULT 0, visits INTEGER NOT NULL DEFAULT 0,
    own_title TEXT, home TEXT, own_language TEXT,
    ttl INTEGER,                      -- seconds that the last document asked to be left alone
    base TEXT,                        -- a moment of its timetable
    skips TEXT,                       -- JSON: hours and days at which it is not to be asked
    entries INTEGER,                  -- how many the last document listed
    rhythm TEXT,                      -- JSON: when it brought something new
    moved_to TEXT,                    -- asked instead of url, learned from permanent redirects
    move TEXT,                        -- JSON: a permanent redirect on trial
    gaps INTEGER NOT NULL DEFAULT 0, last_gap_at TEXT, haste INTEGER NOT NULL DEFAULT 0,
    recovered INTEGER NOT NULL DEFAULT 0,  -- entries read from older pages after a gap
    older TEXT,                       -- JSON: the search for more of them, under way
    links TEXT,                       -- JSON: hubs that announce it, and its name there
    usual_due TEXT,                   -- when it would be due if its hub did not tell
    missed INTEGER NOT NULL DEFAULT 0, -- entries that its hub did not tell of
    habits TEXT,                      -- JSON: what its ids taught us
    turn INTEGER NOT NULL DEFAULT 0,  -- counts attempts: who began an earlier one writes no more
    beat INTEGER NOT NULL DEFAULT 0   -- of the hosts that one poller visits at a time
) STRICT;
CREATE INDEX feed_due ON feed (next_due) WHERE configured = 1 AND gone = 0;
CREATE INDEX feed_attempted ON feed (attempted_at) WHERE configured = 1 AND gone = 0;
CREATE INDEX feed_asked ON feed (coalesce(moved_to, url)) WHERE configured = 1;

CREATE TABLE left_address (                  -- that a feed had before an edit: should it come back,
    url TEXT PRIMARY KEY, moved_to TEXT,     -- it is not asked sooner than if it had stayed
    due TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE host (                          -- a registrable domain: what we did to it, and
    name TEXT PRIMARY KEY,                   -- until when it wants its peace
    started TEXT, quiet_until TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE reading (                       -- what the next document of a feed is held against,
                                             -- apart from feed, so that its rows stay short
    feed TEXT PRIMARY KEY REFERENCES feed (id), memory BLOB NOT NULL
) STRICT;

CREATE TABLE visit (                         -- the log of what we asked, the latest of each feed
    feed TEXT NOT NULL REFERENCES feed (id), number INTEGER NOT NULL,
    at TEXT NOT NULL, due TEXT NOT NULL, because TEXT NOT NULL,
    place INTEGER NOT NULL, conditional INTEGER NOT NULL, requests INTEGER NOT NULL,
    outcome TEXT, status INTEGER,
    size INTEGER NOT NULL DEFAULT 0, new INTEGER NOT NULL DEFAULT 0,
    gave INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (feed, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscription (                  -- an agreement with a hub, or the wish for one
    token TEXT PRIMARY KEY,                  -- the end of the callback: a secret
    feed TEXT NOT NULL REFERENCES feed (id),
    hub TEXT NOT NULL, topic TEXT NOT NULL, callback TEXT NOT NULL,
    secret TEXT NOT NULL,                    -- signs deliveries; empty for none
    standing TEXT NOT NULL,                  -- asked, live, leaving, denied
    asked_at TEXT NOT NULL, due TEXT NOT NULL, tries INTEGER NOT NULL,
    since TEXT, expires TEXT,
    deliveries INTEGER NOT NULL, misses INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_due ON subscription (due);
CREATE INDEX subscription_feed ON subscription (feed);

CREATE TABLE delivery (                      -- what hubs brought and nobody has read yet
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    feed TEXT NOT NULL REFERENCES feed (id),
    received_at TEXT NOT NULL, content_type TEXT NOT NULL, coding TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE follower (                      -- a subscriber of our own hub
    path TEXT NOT NULL, callback TEXT NOT NULL,
    secret TEXT NOT NULL,                    -- signs what is brought; empty for none
    since TEXT NOT NULL, expires TEXT NOT NULL,
    PRIMARY KEY (path, callback)
) STRICT, WITHOUT ROWID;

CREATE TABLE errand (                        -- what is still to be said, and to whom
    task TEXT NOT NULL,                      -- confirm, bring, deny, ping
    path TEXT NOT NULL, address TEXT NOT NULL,
    what TEXT NOT NULL,
    due TEXT NOT NULL, since TEXT NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (task, path, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX errand_due ON errand (due);

CREATE TABLE item (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,   -- order of arrival
    id TEXT NOT NULL UNIQUE,                 -- the entry id that subscribers see
    feed TEXT NOT NULL REFERENCES feed (id),
    key TEXT NOT NULL,
    guid TEXT, link TEXT, canonical TEXT,
    title TEXT NOT NULL, summary TEXT NOT NULL, content_html TEXT NOT NULL,
    entry_published TEXT, entry_updated TEXT,
    authors TEXT NOT NULL, categories TEXT NOT NULL, enclosures TEXT NOT NULL,   -- JSON lists
    language TEXT, image TEXT, agency TEXT,
    digest TEXT NOT NULL, revisions INTEGER NOT NULL DEFAULT 0,
    titles INTEGER NOT NULL DEFAULT 0,       -- how often its headline changed
    first_seen TEXT NOT NULL, published TEXT NOT NULL, updated TEXT NOT NULL,
    listed TEXT NOT NULL,                    -- the time by which Latest chooses
    filed INTEGER NOT NULL DEFAULT 0,        -- its place in the order of filing; 0 until then,
                                             -- -1 when it could not be filed
    changed INTEGER NOT NULL DEFAULT 0,      -- its place in the order of filing and revising
    lead TEXT, lead_because TEXT,            -- the item it is a copy of, and the rule that says so
    story TEXT, story_because TEXT,
    trace TEXT                               -- clustering's memory of the item
) STRICT;
CREATE INDEX item_filed ON item (filed);
CREATE INDEX item_changed ON item (changed);
CREATE INDEX item_latest ON item (listed, seq) WHERE filed > 0 AND lead IS NULL;
CREATE INDEX item_address ON item (canonical, seq);
CREATE INDEX item_story ON item (story, seq);
CREATE INDEX item_lead ON item (lead, seq) WHERE lead IS NOT NULL;
CREATE INDEX item_seen ON item (first_seen, feed, lead);
CREATE INDEX item_feed ON item (feed, seq);
CREATE INDEX item_feed_seen ON item (feed, first_seen, seq);

CREATE TABLE amount (                        -- of rows, counted as they come and go
    name TEXT PRIMARY KEY, n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identity (                      -- outlives the item: what was pruned is not new,
                                             -- and its id is never given again
    feed TEXT NOT NULL, key TEXT NOT NULL, item TEXT NOT NULL,
    since TEXT NOT NULL,
    rule TEXT, figure REAL,                  -- of an alias: how it was recognised
    PRIMARY KEY (feed, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_item ON identity (item);
CREATE INDEX identity_since ON identity (feed, since);

CREATE TABLE trait (                         -- hash of feed and guid, address or headline -> items
    hash INTEGER NOT NULL, item INTEGER NOT NULL,
    PRIMARY KEY (hash, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE headline (                      -- under which an item stood before
    item INTEGER NOT NULL REFERENCES item (seq) ON DELETE CASCADE,
    until TEXT NOT NULL, title TEXT NOT NULL,
    PRIMARY KEY (item, until)
) STRICT, WITHOUT ROWID;

CREATE TABLE waiting (                       -- entries that a visit had no room for
    seq INTEGER PRIMARY KEY,                 -- the order in which they come in
    feed TEXT NOT NULL, since TEXT NOT NULL,
    backlog INTEGER NOT NULL,                -- 1 when it was there before us
    entry TEXT NOT NULL                      -- JSON
) STRICT;
CREATE INDEX waiting_feed ON waiting (feed, seq);

CREATE TABLE item_topic (
    item INTEGER NOT NULL REFERENCES item (seq) ON DELETE CASCADE,
    topic TEXT NOT NULL, score REAL NOT NULL, because TEXT NOT NULL,
    listed TEXT NOT NULL,
    PRIMARY KEY (item, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_topic_latest ON item_topic (topic, listed, item);

CREATE TABLE posting (                       -- shingle hash -> items that contain it
    hash INTEGER NOT NULL, item INTEGER NOT NULL,
    PRIMARY KEY (hash, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE story (
    id TEXT PRIMARY KEY,
    opened TEXT NOT NULL, last TEXT NOT NULL, items INTEGER NOT NULL,
    forward TEXT                             -- the story it merged into
) STRICT;
CREATE INDEX story_last ON story (last, id);
CREATE INDEX story_forward ON story (forward) WHERE forward IS NOT NULL;

CREATE TABLE story_voice (
    story TEXT NOT NULL REFERENCES story (id), owner TEXT NOT NULL, weight REAL NOT NULL,
    first TEXT NOT NULL, last TEXT NOT NULL, copies_only INTEGER NOT NULL,
    PRIMARY KEY (story, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE story_topic (
    story TEXT NOT NULL REFERENCES story (id), topic TEXT NOT NULL, items INTEGER NOT NULL,
    PRIMARY KEY (story, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE output (                        -- what was served last
    path TEXT PRIMARY KEY, media_type TEXT NOT NULL, body BLOB NOT NULL,
    etag TEXT NOT NULL, changed_at TEXT NOT NULL
) STRICT;
CREATE TABLE retired (                       -- served once, and no more
    path TEXT PRIMARY KEY, since TEXT NOT NULL
) STRICT;
CREATE TABLE output_birth (name TEXT PRIMARY KEY, born TEXT NOT NULL) STRICT;
CREATE TABLE membership (                    -- a story's stay in a Top output
    output TEXT NOT NULL, story TEXT NOT NULL,
    entered TEXT NOT NULL, updated TEXT NOT NULL,
    milestone INTEGER NOT NULL, face TEXT NOT NULL,
    entry TEXT NOT NULL,                     -- the id under which subscribers know it
    owner TEXT NOT NULL,                     -- of the face
    place INTEGER NOT NULL,
    "left" TEXT,
    PRIMARY KEY (output, story)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_story ON membership (story, "left");
CREATE INDEX membership_left ON membership (output, "left");

CREATE TABLE issue (                         -- of a digest, as it was made
    output TEXT NOT NULL, day TEXT NOT NULL,
    id TEXT NOT NULL, made TEXT NOT NULL,
    title TEXT NOT NULL, summary TEXT NOT NULL, content_html TEXT NOT NULL, image TEXT,
    mark INTEGER NOT NULL,                   -- the place of the item that was filed last
    PRIMARY KEY (output, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE archive (                       -- pages of entries that left an output
    output TEXT NOT NULL, number INTEGER NOT NULL, made TEXT NOT NULL,
    ids TEXT NOT NULL,                       -- JSON list: which entries
    entries BLOB NOT NULL,                   -- as they were served then, deflated JSON
    PRIMARY KEY (output, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE listing (                       -- items that an output lists now
    output TEXT NOT NULL, item TEXT NOT NULL,
    PRIMARY KEY (output, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_item ON listing (item);

CREATE TABLE chosen (                        -- items that a filter passes, or bars
    output TEXT NOT NULL, barred INTEGER NOT NULL, listed TEXT NOT NULL,
    item INTEGER NOT NULL REFERENCES item (seq) ON DELETE CASCADE,
    PRIMARY KEY (output, barred, listed, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX chosen_item ON chosen (item, output);

CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;

CREATE TABLE moving (                        -- a row while a move into this store is under way
    origin TEXT PRIMARY KEY                  -- the installation that moves in
) STRICT;
"""
"""The tables of version 0.1, a statement after another."""


def statements(tables: str) -> tuple[str, ...]:
    """Return the statements of which ``tables`` are made."""
    return tuple(each for each in tables.split(";\n") if each.strip())


_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n?\) STRICT", re.DOTALL)
_KEY = re.compile(r"PRIMARY KEY \(([\w, ]+)\)|(\w+) \w+ PRIMARY KEY")


def _keys(columns: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, text in columns.items():
        for several, one in _KEY.findall(text)[:1]:
            yield name, tuple((several or one).split(", "))


_COLUMNS: Mapping[str, str] = {n: text for n, text in _TABLE.findall(FIRST) if n != "moving"}
KEYS: Mapping[str, tuple[str, ...]] = dict(_keys(_COLUMNS))
"""The primary key of every table, in an order in which what is referred to comes first."""
NUMBERED = frozenset(n for n, text in _COLUMNS.items() if "seq INTEGER PRIMARY KEY" in text)
"""The tables whose ``seq`` numbers their rows."""
