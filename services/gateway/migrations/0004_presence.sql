-- Who is viewing a ticket or typing on it, until when this is so unless it is said again. No history and no crash is worth a write-ahead log.
CREATE UNLOGGED TABLE presence (
    ticket_id uuid NOT NULL,
    person_id uuid NOT NULL,
    doing     text NOT NULL,
    until     timestamptz NOT NULL,
    PRIMARY KEY (person_id, ticket_id)
);
CREATE INDEX presence_ticket ON presence (ticket_id);
