-- From where and until when a key is good; how a session began. Of those there were already, nothing of this was said.
ALTER TABLE api_key
    ADD COLUMN cidrs      jsonb NOT NULL DEFAULT '[]',  -- networks; none: all
    ADD COLUMN expires_at timestamptz;
ALTER TABLE session
    ADD COLUMN started_at timestamptz,
    ADD COLUMN door       text,
    ADD COLUMN generation int NOT NULL DEFAULT 0;
CREATE INDEX session_person ON session (person_id);
