-- The desk's own states of a ticket's status, by key. No ticket was in one before.
ALTER TABLE ticket
    ADD COLUMN state              text,
    ADD COLUMN state_before_merge text;
CREATE INDEX ticket_state ON ticket (state, updated_at DESC, stream_id DESC) WHERE state IS NOT NULL AND number IS NOT NULL;
