-- What every service that keeps read models needs. Runs in the service's schema.

CREATE TABLE projection_checkpoint (
    consumer    text   NOT NULL,
    incarnation text   NOT NULL,
    topic       text   NOT NULL,
    partition   int    NOT NULL,
    next_offset bigint NOT NULL,
    watermarks  jsonb  NOT NULL,  -- owner -> {"position": n, "time": t}: everything up to there has been applied
    PRIMARY KEY (consumer, incarnation, topic, partition)
);

CREATE TABLE projection_gap (
    view       text        NOT NULL,
    stream_id  uuid        NOT NULL,
    source     text        NOT NULL,
    have       int         NOT NULL,
    want       int         NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, stream_id, source)
);

CREATE TABLE projection_parked (
    view      text        NOT NULL,
    stream_id uuid        NOT NULL,
    source    text        NOT NULL,
    version   int         NOT NULL,
    event     jsonb       NOT NULL,
    reason    text        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, stream_id, source, version)
);

-- Events that this service has projected and must still react to, once. Filled in the projection's own transaction.
CREATE TABLE reaction_inbox (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event     jsonb NOT NULL
);
CREATE TABLE reaction_parked (
    id        bigint PRIMARY KEY,
    event     jsonb       NOT NULL,
    reason    text        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now()
);
