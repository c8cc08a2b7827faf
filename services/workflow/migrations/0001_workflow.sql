-- The current state of every ticket, and its timeline.
CREATE TABLE ticket (
    stream_id         uuid PRIMARY KEY,
    versions          jsonb NOT NULL,
    -- intake's
    number            text,
    subject           text,
    requester_id      uuid,
    requester_email   text,
    requester_name    text,
    topic             text,
    channel           text,
    external_id       text,
    tags              jsonb NOT NULL,
    asked_priority    text,
    asked_severity    text,
    stated_department text,
    created_at        timestamptz,
    last_message_at   timestamptz,
    -- routing's
    moved             boolean NOT NULL,
    moved_department  text,
    team              text,
    agent             uuid,
    involved          jsonb NOT NULL,  -- person ids of all who have held it: they keep sight of it
    -- workflow's
    status            text NOT NULL,
    set_priority      text,
    set_severity      text,
    hold_until        timestamptz,
    last_reply_at     timestamptz,
    -- derived, for lists
    updated_at        timestamptz,
    priority          text GENERATED ALWAYS AS (coalesce(set_priority, asked_priority, 'normal')) STORED,
    severity          text GENERATED ALWAYS AS (coalesce(set_severity, asked_severity)) STORED,
    department        text GENERATED ALWAYS AS (CASE WHEN moved THEN moved_department ELSE stated_department END) STORED,
    search            tsvector GENERATED ALWAYS AS (to_tsvector('simple',
                          left(coalesce(number, '') || ' ' || coalesce(subject, '') || ' ' || coalesce(requester_name, '') || ' '
                               || coalesce(requester_email, '') || ' ' || coalesce(external_id, ''), 4000))) STORED
);
CREATE INDEX ticket_by_number ON ticket (number);
CREATE INDEX ticket_updated ON ticket (updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_created ON ticket (created_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_status ON ticket (status, updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_agent ON ticket (agent, updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_department ON ticket (department, updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_requester ON ticket (requester_id, updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_requester_email ON ticket (requester_email, updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
CREATE INDEX ticket_search ON ticket USING gin (search);
CREATE INDEX ticket_involved ON ticket USING gin (involved jsonb_path_ops);
CREATE INDEX ticket_tags ON ticket USING gin (tags jsonb_path_ops);

-- Every event of every ticket, as people read them. The thread is the part of it that has words.
CREATE TABLE timeline (
    ticket_id   uuid NOT NULL,
    source      text NOT NULL,
    version     int  NOT NULL,
    event_id    uuid NOT NULL,
    type        text NOT NULL,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    row_number  int,           -- of the imported log's row
    actor       jsonb NOT NULL,
    via         jsonb NOT NULL,
    cause       uuid,
    data        jsonb NOT NULL,
    personal    jsonb,
    words       tsvector,      -- of what was said, for the search; null where nothing was
    public      boolean NOT NULL,
    PRIMARY KEY (ticket_id, source, version)
);
CREATE INDEX timeline_words ON timeline USING gin (words) WHERE words IS NOT NULL;
