-- Queues that people save: for themselves, their team or the desk.
CREATE TABLE saved_queue (
    stream_id uuid PRIMARY KEY,
    versions  jsonb NOT NULL,
    person_id uuid,
    share     text NOT NULL,
    team      text,
    name      text,
    filters   jsonb,
    columns   jsonb NOT NULL,
    sort      text NOT NULL,
    place     int NOT NULL,
    removed   boolean NOT NULL
);
CREATE INDEX saved_queue_of ON saved_queue (person_id) WHERE NOT removed;
CREATE INDEX saved_queue_shared ON saved_queue (share, team) WHERE NOT removed AND share <> 'nobody';

-- The queues' counts read this index alone; since they tell of one's teams, it holds the team too.
DROP INDEX ticket_work;
CREATE INDEX ticket_work ON ticket (status, agent, due_at) INCLUDE (last_message_at, last_reply_at, team)
    WHERE number IS NOT NULL AND status IN ('new', 'open', 'on_hold');
