-- Dashboards that people save: reports side by side, for themselves or the desk.
CREATE TABLE dashboard (
    stream_id uuid PRIMARY KEY,
    versions  jsonb NOT NULL,
    person_id uuid,
    share     text NOT NULL,
    name      text,
    tiles     jsonb,
    place     int NOT NULL,
    removed   boolean NOT NULL
);
CREATE INDEX dashboard_of ON dashboard (person_id) WHERE NOT removed;
CREATE INDEX dashboard_shared ON dashboard (share) WHERE NOT removed AND share <> 'nobody';
