-- Failed sign-ins of late, by a keyed digest of what was tried; swept when old.
CREATE TABLE sign_in_failure (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    who       text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_in_failure_who ON sign_in_failure (who, failed_at);

-- Whose each ticket is: what the stream needs to know to filter by rights.
CREATE TABLE ticket (
    stream_id    uuid PRIMARY KEY,
    versions     jsonb NOT NULL,
    number       text,
    requester_id uuid
);

-- The live stream's own feed; kept for 7 days.
CREATE TABLE feed (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id uuid  NOT NULL,
    source    text  NOT NULL,
    version   int   NOT NULL,
    type      text  NOT NULL,
    at        timestamptz NOT NULL,
    actor     jsonb NOT NULL,
    added_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX feed_added ON feed (added_at);
