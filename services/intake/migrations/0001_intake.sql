-- Human ticket numbers. Drawn before the ticket is appended, so a refused or repeated request leaves a hole.
CREATE SEQUENCE ticket_number START 100001;

CREATE TABLE ticket (
    stream_id    uuid PRIMARY KEY,
    versions     jsonb NOT NULL,
    number       text,
    requester_id uuid
);
CREATE INDEX ticket_by_number ON ticket (number);
