-- Parked events that somebody has given up: which, why, when and by whom. Views pass over them, also when they are made anew.
CREATE TABLE projection_discarded (
    view         text        NOT NULL,
    stream_id    uuid        NOT NULL,
    source       text        NOT NULL,
    version      int         NOT NULL,
    event_id     uuid        NOT NULL,
    type         text        NOT NULL,
    reason       text        NOT NULL,  -- why it could not be folded
    why          text        NOT NULL,  -- why it was given up
    discarded_by text        NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, stream_id, source, version)
);
CREATE TABLE reaction_discarded (
    event_id     uuid        PRIMARY KEY,
    stream_id    uuid        NOT NULL,
    source       text        NOT NULL,
    version      int         NOT NULL,
    type         text        NOT NULL,
    reason       text        NOT NULL,
    why          text        NOT NULL,
    discarded_by text        NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT now()
);
