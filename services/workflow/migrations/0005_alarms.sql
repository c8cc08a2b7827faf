-- What is promised for a ticket and by when, and when something happens to it by itself.
ALTER TABLE ticket
    ADD COLUMN sla             jsonb NOT NULL DEFAULT '{}',  -- as `domain.sla.said` says
    ADD COLUMN answered_at     timestamptz,                  -- the last reply, or resolution
    ADD COLUMN closes_at       timestamptz,                  -- silence closes it then, said at close_warned_at
    ADD COLUMN close_warned_at timestamptz,
    ADD COLUMN due_at          timestamptz,                  -- the first promise that is not kept
    ADD COLUMN silent_since    timestamptz,                  -- the requester is, who was answered
    ADD COLUMN wake_at         timestamptz;                  -- the next moment that matters
UPDATE ticket SET wake_at = hold_until WHERE status = 'on_hold' AND hold_until IS NOT NULL;
UPDATE ticket t SET answered_at = (
    SELECT max(at) FROM timeline l WHERE l.ticket_id = t.stream_id AND l.source = 'workflow' AND l.type IN ('replied', 'resolved')
) WHERE status <> 'new';
UPDATE ticket SET silent_since = answered_at
WHERE status IN ('open', 'on_hold', 'resolved') AND hold_until IS NULL AND (last_message_at IS NULL OR answered_at > last_message_at);

CREATE INDEX ticket_due ON ticket (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ticket_silent ON ticket (silent_since) WHERE silent_since IS NOT NULL;
DROP INDEX ticket_work;
CREATE INDEX ticket_work ON ticket (status, agent, due_at) WHERE number IS NOT NULL AND status IN ('new', 'open', 'on_hold');

-- A ticket's next alarm. Whoever takes one leaves it alone until `try_at`: a crash loses none, and two never work on one.
CREATE TABLE timer (
    ticket_id uuid PRIMARY KEY,
    at        timestamptz NOT NULL,
    try_at    timestamptz NOT NULL
);
CREATE INDEX timer_due ON timer (try_at);
INSERT INTO timer (ticket_id, at, try_at) SELECT stream_id, wake_at, wake_at FROM ticket WHERE wake_at IS NOT NULL;
