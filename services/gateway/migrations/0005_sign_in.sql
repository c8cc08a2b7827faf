-- Failed sign-ins by place, too; and where each login has signed in from. Keyed digests, swept when old.
ALTER TABLE sign_in_failure ADD COLUMN place text NOT NULL DEFAULT '';
CREATE INDEX sign_in_failure_place ON sign_in_failure (place, failed_at);
CREATE TABLE sign_in_place (
    who     text NOT NULL,
    place   text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (who, place)
);

-- What tells somebody his sessions apart, and when keys were used: working data, no history. Goes with the session or the person.
CREATE TABLE session_seen (
    session_id uuid PRIMARY KEY,
    person_id  uuid NOT NULL,
    browser    text NOT NULL DEFAULT '',  -- in words, such as "Firefox on Linux"
    seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX session_seen_person ON session_seen (person_id);
CREATE TABLE key_used (
    key_id  uuid PRIMARY KEY,
    used_at timestamptz NOT NULL
);
