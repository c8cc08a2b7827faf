-- Each service's own copy of who is who and what is configured, from the directory and identity topics.

CREATE TABLE person (
    stream_id uuid PRIMARY KEY,
    versions  jsonb NOT NULL,
    email     text,
    name      text,
    login     text,
    registered jsonb,  -- what intake wrote down when the person was first seen
    agent     jsonb,   -- routing's entry, if the person is an agent
    account   jsonb    -- {"roles": [...], "active": bool}, if the person may sign in
);
CREATE INDEX person_email ON person (email);
CREATE INDEX person_login ON person (login);

CREATE TABLE directory_entry (
    stream_id uuid PRIMARY KEY,
    versions  jsonb NOT NULL,
    kind      text NOT NULL,
    key       text NOT NULL,
    entry     jsonb NOT NULL
);
CREATE INDEX directory_entry_key ON directory_entry (kind, key);

CREATE TABLE api_key (
    stream_id uuid PRIMARY KEY,
    versions  jsonb NOT NULL,
    hash      text NOT NULL,
    name      text NOT NULL,
    roles     jsonb NOT NULL,
    person_id uuid,
    revoked   boolean NOT NULL
);
CREATE INDEX api_key_hash ON api_key (hash);

CREATE TABLE session (
    stream_id  uuid PRIMARY KEY,
    versions   jsonb NOT NULL,
    person_id  uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked    boolean NOT NULL
);
