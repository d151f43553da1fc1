-- The tables of a catalog, as SQLite reads them; postgresql.py says how they differ there. Each
-- engine adds its full text index.
-- Nothing of a hidden article stands here but its path, its state and when to look again, and
-- digests and a date in `tombstones`.

-- The typed records of state.py, one row each.
CREATE TABLE catalog_state (name TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
-- When each document that lists the site changed; one that there is no more, or what is no document,
-- has no media type.
CREATE TABLE index_dates (
    path TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    media_type TEXT
) WITHOUT ROWID;
-- One row for each file of the source, whatever its state.
CREATE TABLE articles (
    number INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    stamp BLOB NOT NULL,
    state TEXT NOT NULL,
    due INTEGER,
    rejected INTEGER NOT NULL DEFAULT 0,
    problems BLOB,
    id TEXT,
    digest BLOB,
    published INTEGER,
    updated INTEGER,
    size INTEGER,
    address BLOB,
    own_id BOOLEAN
);
CREATE INDEX articles_by_address ON articles (address) WHERE address IS NOT NULL;
CREATE INDEX articles_by_id ON articles (id) WHERE id IS NOT NULL;
CREATE INDEX articles_by_due ON articles (due) WHERE due IS NOT NULL;
CREATE INDEX articles_by_state ON articles (state, rejected);
CREATE INDEX articles_by_problem ON articles (number) WHERE problems IS NOT NULL;
-- The files whose addresses an article shows: when one of them changes, it is read again. `place` is
-- that of the copy which it shows.
CREATE TABLE links (
    target TEXT NOT NULL,
    article INTEGER NOT NULL,
    place TEXT,
    PRIMARY KEY (target, article)
) WITHOUT ROWID;
CREATE INDEX links_by_article ON links (article);
CREATE INDEX links_by_place ON links (place) WHERE place IS NOT NULL;
-- What the date of a withdrawn article depends on when it returns; `id` is a digest of its id.
CREATE TABLE tombstones (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    updated INTEGER NOT NULL
);
-- The article of each file that has one, as bytes; not in `articles`, which is scanned.
CREATE TABLE records (number INTEGER PRIMARY KEY, record BLOB NOT NULL);
-- Every feed that was ever named: its slug never becomes another feed's. One without articles has
-- `emptied_at` and is retired when it is `due`: then only digests of kind and key, and of kind and
-- slug, stay. `is_override` is 1 if the slug is not the label's own; `articles` is how many
-- rows of `labels` the feed has.
CREATE TABLE feeds (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT,
    label TEXT,
    slug TEXT,
    emptied_at INTEGER,
    due INTEGER,
    key_digest BLOB UNIQUE,
    slug_digest BLOB UNIQUE,
    is_override INTEGER NOT NULL DEFAULT 0,
    articles INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, key),
    UNIQUE (kind, slug)
);
CREATE INDEX feeds_unnamed ON feeds (number) WHERE slug IS NULL AND key IS NOT NULL;
CREATE INDEX feeds_by_override ON feeds (kind) WHERE is_override = 1;
CREATE INDEX feeds_by_due ON feeds (due) WHERE due IS NOT NULL;
CREATE INDEX feeds_empty ON feeds (emptied_at) WHERE emptied_at IS NOT NULL;
-- Which articles are in which feed; `generation` is when the entry last changed, `since` when the
-- article came into the feed, `spelling` how the article spells the feed's label.
CREATE TABLE labels (
    feed INTEGER NOT NULL,
    published INTEGER NOT NULL,
    id TEXT NOT NULL,
    article INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    since INTEGER NOT NULL,
    spelling TEXT,
    PRIMARY KEY (feed, published DESC, id)
) WITHOUT ROWID;
CREATE INDEX labels_by_article ON labels (article);
-- The subscription document of each feed (period '') and its archives; `generation` is when the row
-- was last written.
CREATE TABLE states (
    feed INTEGER NOT NULL,
    period TEXT NOT NULL,
    older TEXT NOT NULL,
    newer TEXT NOT NULL,
    count INTEGER NOT NULL,
    newest INTEGER,
    updated INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    content TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (feed, period)
) WITHOUT ROWID;
CREATE INDEX states_by_generation ON states (generation);
-- The documents that a delta may start from, each with its last entry.
CREATE TABLE history (
    feed INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    generation INTEGER NOT NULL,
    published INTEGER,
    id TEXT NOT NULL,
    PRIMARY KEY (feed, fingerprint)
) WITHOUT ROWID;
-- What the last render wrote into each folder.
CREATE TABLE outputs (
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    stamp TEXT NOT NULL,
    PRIMARY KEY (root, path)
) WITHOUT ROWID;
-- The queue of queue.py: what each receiver must be told of. A row without `due` is held back;
-- `is_new` while nobody has been told of it since it was published.
CREATE TABLE changes (
    receiver TEXT NOT NULL,
    path TEXT NOT NULL,
    generation INTEGER NOT NULL,
    since REAL NOT NULL,
    tries INTEGER NOT NULL,
    due REAL,
    is_new BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (receiver, path)
) WITHOUT ROWID;
-- What search_index.py has indexed of each article.
CREATE TABLE search_entries (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    quality REAL,
    story TEXT
);
CREATE INDEX search_entries_by_story ON search_entries (story) WHERE story IS NOT NULL;
-- The results of `feedhub probe`.
CREATE TABLE images (
    url TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    looked_up_at INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    media_type TEXT NOT NULL DEFAULT '',
    length INTEGER,
    width INTEGER,
    height INTEGER
) WITHOUT ROWID;
-- Those of them that each article shows.
CREATE TABLE image_facts (number INTEGER PRIMARY KEY, facts BLOB NOT NULL);
