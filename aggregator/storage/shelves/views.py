"""What can be read of the tables without knowing them?

Views for people, notebooks and tools such as Datasette: under names that stay, without what only
the program needs, and without the secrets of hubs. ``docs/database.md`` describes them. In words
that SQLite and PostgreSQL both take.
"""

FOR_PEOPLE = """
CREATE VIEW feeds_view AS SELECT
    id, coalesce(title, own_title, id) AS title, owner, weight, topics,
    coalesce(language, own_language) AS language,
    coalesce(moved_to, url) AS address, home,
    configured AS enabled, gone, visits, failures, last_error,
    attempted_at AS last_visit, succeeded_at AS last_success, next_due AS next_visit, because,
    gaps, recovered
FROM feed;
CREATE VIEW visits_view AS SELECT
    feed, number, at, due, because, outcome, status, conditional, requests, size AS bytes, new
FROM visit;
CREATE VIEW items_view AS SELECT
    item.seq AS number, item.id, item.feed, coalesce(feed.title, feed.own_title, feed.id) AS source,
    feed.owner, item.title, item.link, item.summary, item.content_html, item.authors,
    item.categories, item.language, item.agency,
    item.published, item.updated, item.first_seen, item.revisions, item.titles AS headlines,
    CASE WHEN item.filed > 0 THEN 'filed' WHEN item.filed = 0 THEN 'waiting' ELSE 'set aside' END
        AS standing,
    item.lead AS copy_of, item.lead_because AS copy_because, item.story, item.story_because
FROM item JOIN feed ON feed.id = item.feed;
CREATE VIEW copies_view AS SELECT
    copy.id, copy.title, copy.feed, copy.lead_because AS because,
    lead.id AS lead, lead.title AS lead_title, lead.feed AS lead_feed
FROM item AS copy JOIN item AS lead ON lead.id = copy.lead;
CREATE VIEW topics_view AS SELECT
    item.id AS item, item_topic.topic, item_topic.score, item_topic.because
FROM item_topic JOIN item ON item.seq = item_topic.item;
CREATE VIEW stories_view AS SELECT
    story.id,
    (SELECT title FROM item WHERE item.story = story.id AND item.lead IS NULL
     ORDER BY item.seq LIMIT 1) AS first_headline,
    story.opened, story.last, story.items,
    (SELECT count(*) FROM story_voice AS v WHERE v.story = story.id) AS owners,
    (SELECT count(*) FROM story_voice AS v WHERE v.story = story.id AND v.copies_only = 0)
        AS owners_of_own_words
FROM story WHERE story.forward IS NULL;
CREATE VIEW voices_view AS SELECT
    story, owner, weight, first, last, copies_only
FROM story_voice;
CREATE VIEW top_view AS SELECT
    m.output, m.place, m.story, face.title AS headline, m.owner, m.entered, m.updated, m.milestone
FROM membership AS m LEFT JOIN item AS face ON face.id = m.face
WHERE m."left" IS NULL;
CREATE VIEW served_view AS SELECT
    path, media_type, length(body) AS bytes, etag, changed_at
FROM output;
"""
"""The views, a statement after another."""

NAMES = tuple(
    line.split()[2] for line in FOR_PEOPLE.splitlines() if line.startswith("CREATE VIEW ")
)
"""Their names."""
