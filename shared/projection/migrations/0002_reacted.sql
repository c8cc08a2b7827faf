-- What was reacted to before this database was restored from a backup: an empty view that is filled again from the stores
-- must not make its service react to history. Positions up to the floor, and the single events past it.
CREATE TABLE reaction_floor (
    source   text PRIMARY KEY,
    position bigint NOT NULL
);
CREATE TABLE reaction_done (
    event_id uuid PRIMARY KEY
);
