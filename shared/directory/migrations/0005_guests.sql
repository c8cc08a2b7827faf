-- Links by which requesters without an account come to one ticket: a row for each ticket that has had any.
CREATE TABLE guest (
    stream_id uuid PRIMARY KEY,
    versions  jsonb NOT NULL,
    ticket_id uuid NOT NULL,
    person_id uuid NOT NULL,  -- the ticket's requester
    revoked   jsonb NOT NULL  -- ids of links that are good no more
);
CREATE INDEX guest_person ON guest (person_id);
