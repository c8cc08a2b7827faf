-- Which tickets wait for somebody who can have them, and when tickets were given to whom.
ALTER TABLE ticket
    ADD COLUMN queued_at   timestamptz,
    ADD COLUMN assigned_at timestamptz;
CREATE INDEX ticket_waiting ON ticket (queued_at) WHERE queued_at IS NOT NULL AND status IN ('new', 'open', 'on_hold');
CREATE INDEX ticket_given ON ticket (agent, assigned_at DESC NULLS LAST) WHERE agent IS NOT NULL;
CREATE INDEX ticket_requester ON ticket (requester_id, assigned_at DESC NULLS LAST) WHERE agent IS NOT NULL;
