-- Articles, the versions of their words, what people think of them, and as much of tickets as articles have to do with.

CREATE TABLE article (
    stream_id    uuid PRIMARY KEY,
    versions     jsonb NOT NULL,
    category     text,
    departments  jsonb NOT NULL,  -- who of the desk reads it while it is internal; empty: all
    latest       int   NOT NULL,  -- number of the newest version of its words, 0 before the first
    published    int,             -- of the one that is read; null: nobody reads it but who writes
    visibility   text,            -- internal or public, of what is published
    withdrawn    boolean NOT NULL,
    from_ticket  uuid,
    tickets      jsonb NOT NULL,  -- ids of those it is linked to
    author       uuid,
    created_at   timestamptz,
    updated_at   timestamptz,
    published_at timestamptz,
    status       text GENERATED ALWAYS AS (coalesce(visibility, CASE WHEN withdrawn THEN 'withdrawn' ELSE 'draft' END)) STORED
);
CREATE INDEX article_updated ON article (updated_at DESC, stream_id DESC);
CREATE INDEX article_category ON article (category, updated_at DESC, stream_id DESC);
CREATE INDEX article_tickets ON article USING gin (tickets jsonb_path_ops) WHERE tickets <> '[]';

-- Every version of every article's words. The face is the one by which an article is found: what is published, else the newest.
-- Words are indexed as the language has them, and as they were typed: a word that is being typed ("certifica") begins the
-- latter and need not begin the former ("certif"). The head (title, keywords, summary) is small and kept in the row: ranking many
-- articles by it is cheap, by the whole it is not.
CREATE TABLE article_version (
    article_id uuid NOT NULL,
    number     int  NOT NULL,
    event      int  NOT NULL,    -- version of the event that has the words
    event_id   uuid NOT NULL,
    at         timestamptz NOT NULL,
    actor      jsonb NOT NULL,
    language   text NOT NULL,
    config     regconfig NOT NULL,
    restored   int,
    title      text,             -- this and what follows is null once it is erased
    summary    text,
    keywords   jsonb,
    body       text,
    plain      text,             -- the body without its Markdown
    terms      text,             -- the keywords, for the search
    face       boolean NOT NULL DEFAULT false,
    head       tsvector GENERATED ALWAYS AS (
                   setweight(to_tsvector(config, coalesce(title, '') || ' ' || coalesce(terms, '')), 'A')
                   || setweight(to_tsvector('simple', coalesce(title, '') || ' ' || coalesce(terms, '')), 'A')
                   || setweight(to_tsvector(config, coalesce(summary, '')), 'B')
                   || setweight(to_tsvector('simple', coalesce(summary, '')), 'B')) STORED,
    whole      tsvector GENERATED ALWAYS AS (
                   setweight(to_tsvector(config, coalesce(title, '') || ' ' || coalesce(terms, '')), 'A')
                   || setweight(to_tsvector('simple', coalesce(title, '') || ' ' || coalesce(terms, '')), 'A')
                   || setweight(to_tsvector(config, coalesce(summary, '')), 'B')
                   || setweight(to_tsvector('simple', coalesce(summary, '')), 'B')
                   || setweight(to_tsvector(config, coalesce(plain, '')), 'D')) STORED,
    PRIMARY KEY (article_id, event)
);
CREATE INDEX article_version_number ON article_version (article_id, number);
CREATE INDEX article_whole ON article_version USING gin (whole) WHERE face;
CREATE INDEX article_head ON article_version USING gin (head) WHERE face;
CREATE INDEX article_face ON article_version (article_id) WHERE face;

-- What each person thinks of each article, and the counts of it, which are kept by what changes.
CREATE TABLE rating (
    stream_id  uuid PRIMARY KEY,
    versions   jsonb NOT NULL,
    article_id uuid,
    person_id  uuid,
    helpful    boolean,
    comment    text,
    rated_at   timestamptz
);
CREATE INDEX rating_article ON rating (article_id, rated_at DESC, stream_id DESC);
CREATE TABLE rating_count (
    article_id uuid PRIMARY KEY,
    helpful    int NOT NULL,
    unhelpful  int NOT NULL
);

-- A ticket, as far as articles are suggested for it and made of it, and who may see it.
CREATE TABLE ticket (
    stream_id     uuid PRIMARY KEY,
    versions      jsonb NOT NULL,
    number        text,
    requester_id  uuid,
    collaborators jsonb NOT NULL,
    access        jsonb NOT NULL,
    subject       text,
    resolution    text
);
CREATE INDEX ticket_by_number ON ticket (number);
