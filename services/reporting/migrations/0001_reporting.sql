-- A ticket as reports know it now. Each slot has one owner; what mixes them is derived.
CREATE TABLE ticket (
    stream_id         uuid PRIMARY KEY,
    versions          jsonb NOT NULL,
    heads             jsonb NOT NULL,  -- how far each source's part of the timeline has come
    number            text,
    -- intake's
    topic             text,
    stated_department text,
    asked_priority    text,
    created_at        timestamptz,     -- null: the creation has not come yet, the ticket is in no report
    -- routing's
    moved             boolean NOT NULL,
    moved_department  text,
    agent             uuid,
    -- workflow's
    status            text NOT NULL,
    set_priority      text,
    first_resolved_at timestamptz,
    first_closed_at   timestamptz,
    reopened_from_resolved int NOT NULL,
    reopened_from_closed   int NOT NULL,
    -- of all; durations in seconds
    first_at          timestamptz NOT NULL,
    last_at           timestamptz NOT NULL,
    case_duration     double precision NOT NULL GENERATED ALWAYS AS (extract(epoch FROM last_at - first_at)) STORED,
    to_first_resolved double precision GENERATED ALWAYS AS (extract(epoch FROM first_resolved_at - first_at)) STORED,
    to_first_closed   double precision GENERATED ALWAYS AS (extract(epoch FROM first_closed_at - first_at)) STORED,
    department        text GENERATED ALWAYS AS (CASE WHEN moved THEN moved_department ELSE stated_department END) STORED,
    priority          text GENERATED ALWAYS AS (coalesce(set_priority, asked_priority, 'normal')) STORED
);
CREATE INDEX ticket_created ON ticket (created_at);

-- Every event of every ticket: what it says by itself, and what folding the timeline made of it. Reports scan it: columns
-- of fixed width come first, then those that are asked for most (a column costs as much as those before it).
CREATE TABLE entry (
    ticket_id        uuid        NOT NULL,
    occurred_at      timestamptz NOT NULL,
    at               timestamptz NOT NULL,  -- the largest occurred_at so far in its stream: its time on the timeline
    recorded_at      timestamptz NOT NULL,
    day              date        NOT NULL GENERATED ALWAYS AS ((occurred_at AT TIME ZONE 'UTC')::date) STORED,
    month            date        NOT NULL GENERATED ALWAYS AS (date_trunc('month', at AT TIME ZONE 'UTC')::date) STORED,
    version          int         NOT NULL,
    rank             int         NOT NULL,  -- the largest imported row so far at that time: its place among equal times
    row_number       int         NOT NULL,  -- of the imported log, 0 for none
    open_delta       smallint    NOT NULL,  -- from here on, but where it is said: as of just after it, in timeline order
    unresolved_delta smallint    NOT NULL,
    on_hold_delta    smallint    NOT NULL,
    counts_row       boolean     NOT NULL,  -- counts as an activity
    counts_act       boolean     NOT NULL,  -- counts as its actor's act
    starts_command   boolean     NOT NULL,  -- by itself
    kind             text,                  -- what it counts as; null: as nothing
    activity         text        NOT NULL,  -- by itself
    actor            uuid,                  -- by itself
    agent            uuid,
    department       text,
    topic            text,
    priority         text        NOT NULL,
    status           text,                  -- null before the ticket's creation
    reopened_from    text,
    source           text        NOT NULL,  -- the rest by itself
    name             text        NOT NULL,
    log              text,
    sets             jsonb,                 -- the values it changes slots by
    PRIMARY KEY (ticket_id, source, version)
);
CREATE INDEX entry_occurred ON entry (occurred_at);
CREATE INDEX entry_day_kind ON entry (day, kind) WHERE kind IS NOT NULL;                  -- volumes, moves: from the index alone
CREATE INDEX entry_activity_ticket ON entry (activity, ticket_id) WHERE counts_row;       -- activities: likewise
CREATE INDEX entry_reopened ON entry (ticket_id) WHERE reopened_from IS NOT NULL;
CREATE INDEX entry_assigned ON entry (agent) WHERE kind = 'assigned';
