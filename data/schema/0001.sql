-- SPDX-License-Identifier: GPL-3.0-or-later
-- The conversations of confab, version 1.
--
-- Run once, in one transaction, by the store (src/store_open.c), which then sets application_id and
-- user_version.  A later version is a further file; this one never changes.
--
-- Times are UTC in milliseconds since 1970.  Flags are 0 or 1.  AUTOINCREMENT, so that the number of
-- something purged never comes to mean something else.  Columns that are often NULL or long stand
-- last.  What is a closed list of words has a CHECK; what later versions may add words to has none.

-- What holds for the whole database: 'uuid', 'created' (ms), 'words' (version of the index text).
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Texts that replies were made with (templates, system prompts), kept once, by their SHA-256.
CREATE TABLE snapshot (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    created INTEGER NOT NULL,
    text    TEXT NOT NULL
) STRICT;

-- An import under way.  Its conversations stay invisible until its row is gone, which is the last
-- thing an import does; a row whose owner no longer lives is undone with all that came by it.
CREATE TABLE import (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    owner   TEXT NOT NULL, -- as message.owner
    source  TEXT NOT NULL  -- the file, for people
) STRICT;

CREATE TABLE conversation (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid         TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL, -- when something was last said in it
    pinned       INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    archived     INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    unread       INTEGER NOT NULL DEFAULT 0 CHECK (unread IN (0, 1)),
    trashed      INTEGER,          -- when it went to the trash
    import       INTEGER REFERENCES import (id),
    active_leaf  INTEGER REFERENCES message (id) DEFERRABLE INITIALLY DEFERRED,
    forked_from  INTEGER,          -- message of another conversation, perhaps purged since
    title_is_own INTEGER NOT NULL DEFAULT 0 CHECK (title_is_own IN (0, 1)), -- given by a person
    title        TEXT NOT NULL DEFAULT '',
    model        TEXT,             -- name of the one last used; so are the next three
    template     TEXT,
    settings     TEXT,             -- in the form of the config file
    system       TEXT,
    origin       TEXT,             -- program it was imported from
    origin_id    TEXT,             -- its id there: importing twice adds nothing twice
    CHECK ((origin IS NULL) = (origin_id IS NULL))
) STRICT;
CREATE INDEX conversation_updated ON conversation (updated, id);
CREATE INDEX conversation_pinned ON conversation (pinned, updated, id);
CREATE INDEX conversation_active_leaf ON conversation (active_leaf);
CREATE INDEX conversation_import ON conversation (import) WHERE import IS NOT NULL;
CREATE UNIQUE INDEX conversation_origin ON conversation (origin, origin_id)
    WHERE origin IS NOT NULL;

CREATE TABLE tag (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (name <> '')
) STRICT;
CREATE TABLE conversation_tag (
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    tag          INTEGER NOT NULL REFERENCES tag (id) ON DELETE CASCADE,
    PRIMARY KEY (conversation, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_tag_tag ON conversation_tag (tag);

-- A tree in each conversation: parent NULL is a root.  Siblings in the order of their ids are the
-- alternatives.  There is no ON DELETE CASCADE from parent to child: a purge deletes whole subtrees
-- at once, and a long conversation is deeper than SQLite lets cascades go.
CREATE TABLE message (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid         TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    parent       INTEGER CHECK (parent <> id),
    role         TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
    state        TEXT NOT NULL
        CHECK (state IN ('streaming', 'complete', 'cancelled', 'interrupted', 'failed')),
    reason       TEXT NOT NULL DEFAULT '', -- why a reply ended: stop, length, context, ...
    pinned       INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    trashed      INTEGER, -- when it went to the trash
    trash_root   INTEGER, -- the message whose deletion took this one along, perhaps itself
    shown_child  INTEGER, -- the child last shown; a hint
    n_tokens     INTEGER NOT NULL DEFAULT 0, -- generated
    n_prompt     INTEGER NOT NULL DEFAULT 0, -- in the prompt
    n_cached     INTEGER NOT NULL DEFAULT 0, -- of those, found in the cache
    first_us     INTEGER NOT NULL DEFAULT 0, -- from start to first token
    total_us     INTEGER NOT NULL DEFAULT 0, -- from start to end
    model        TEXT,    -- name of the one that wrote it
    error        TEXT,    -- of a failed reply, one sentence
    origin_id    TEXT,    -- of an import
    owner        TEXT,    -- while streaming: boot id, pid namespace, pid and its start time
    text         TEXT NOT NULL,
    UNIQUE (conversation, id),
    FOREIGN KEY (conversation, parent) REFERENCES message (conversation, id)
        DEFERRABLE INITIALLY DEFERRED,
    CHECK ((state = 'streaming') = (owner IS NOT NULL)),
    CHECK ((trashed IS NULL) = (trash_root IS NULL))
) STRICT;
CREATE INDEX message_tree ON message (conversation, parent, trashed);
CREATE INDEX message_streaming ON message (conversation) WHERE state = 'streaming';
CREATE INDEX message_trash ON message (trash_root) WHERE trashed IS NOT NULL;
CREATE UNIQUE INDEX message_origin ON message (conversation, origin_id)
    WHERE origin_id IS NOT NULL;

-- What makes a reply again (src/recipe.h).  The digests stand in the body too; here they can be
-- looked for.
CREATE TABLE recipe (
    message  INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    template BLOB, -- snapshot.digest
    system   BLOB, -- snapshot.digest
    body     BLOB  -- NULL until the first save
) STRICT;
CREATE INDEX recipe_template ON recipe (template);
CREATE INDEX recipe_system ON recipe (system);

-- What is being typed; conversation NULL is the one not begun yet.
CREATE TABLE draft (
    conversation INTEGER UNIQUE REFERENCES conversation (id) ON DELETE CASCADE,
    cursor       INTEGER NOT NULL, -- bytes
    updated      INTEGER NOT NULL,
    text         TEXT NOT NULL
) STRICT;

-- What a person did, to be undone newest first.  The last columns are what was there before.
CREATE TABLE undo (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    at           INTEGER NOT NULL,
    undone       INTEGER, -- when
    action       TEXT NOT NULL, -- delete, prune, rename, move, archive, pin
    conversation INTEGER NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    message      INTEGER REFERENCES message (id) ON DELETE CASCADE,
    home         INTEGER REFERENCES conversation (id) ON DELETE CASCADE,
    parent       INTEGER,
    leaf         INTEGER,
    flag         INTEGER,
    title        TEXT
) STRICT;
CREATE INDEX undo_conversation ON undo (conversation);
CREATE INDEX undo_message ON undo (message);
CREATE INDEX undo_home ON undo (home);

-- Full text search.  The words of a message as the index sees them (src/store_words.h): compatible
-- forms made one, case folded, accents removed, each character of a script without spaces a word.
-- The store keeps table and index together; there are no triggers, so that none has to be trusted
-- in a database of strangers.  No cascade either: what leaves words must leave the index first.
CREATE TABLE words (
    message INTEGER PRIMARY KEY REFERENCES message (id),
    words   TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5 (
    words, content = 'words', content_rowid = 'message', prefix = '2 3',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* S* Co'"
);
