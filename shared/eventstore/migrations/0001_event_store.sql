-- The event store of one owner. Runs in the owner's schema (search_path), owned by the owner's role.

CREATE TABLE event (
    position        bigint GENERATED ALWAYS AS IDENTITY,
    stream_id       uuid        NOT NULL,
    version         int         NOT NULL CHECK (version > 0),
    event_id        uuid        NOT NULL UNIQUE,
    type            text        NOT NULL,
    schema_version  int         NOT NULL,
    data            jsonb       NOT NULL,
    personal        jsonb,
    salt            bytea,
    personal_digest bytea,
    meta            jsonb       NOT NULL,
    occurred_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    hash            bytea       NOT NULL,
    PRIMARY KEY (stream_id, version)
);
CREATE UNIQUE INDEX event_position ON event (position);

-- The ledger is append-only. The one exception is erase_personal(), which may blank `personal` and `salt`.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('ledgerdesk.erasing', true) = 'on' THEN
        IF NEW.personal IS NULL AND NEW.salt IS NULL
           AND (to_jsonb(NEW) - 'personal' - 'salt') = (to_jsonb(OLD) - 'personal' - 'salt') THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'events are never changed or removed (% on %)', TG_OP, TG_TABLE_NAME
        USING HINT = 'Write a compensating event. Personal data is erased by erase_personal().';
END $$;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER event_is_never_truncated BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Blanks the personal part of these events; their digests stay and the chain still verifies. Returns how many it blanked.
CREATE FUNCTION erase_personal(ids uuid[]) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    blanked int;
BEGIN
    PERFORM set_config('ledgerdesk.erasing', 'on', true);
    UPDATE event SET personal = NULL, salt = NULL WHERE event_id = ANY (ids) AND personal IS NOT NULL;
    GET DIAGNOSTICS blanked = ROW_COUNT;
    PERFORM set_config('ledgerdesk.erasing', 'off', true);
    RETURN blanked;
END $$;

-- Appends a batch of commands, each whole or not at all, and answers one row per command:
--   appended  its events stand, `head` is the stream's new version
--   repeat    one of its event ids is known already: nothing was written
--   conflict  the stream's version is `head`, not the one the command was decided on: nothing was written
-- The caller sees to it that a batch holds at most one command per stream and that event ids in it are distinct.
--
-- The lock is the first statement, and a statement of its own: in READ COMMITTED every statement of a volatile
-- function takes a new snapshot, so what follows sees all that earlier holders of the lock have committed, and
-- positions become visible in their order. Inside one statement with the check, the snapshot would predate the lock.
CREATE FUNCTION append_events(
    c_stream uuid[], c_expected int[],
    e_command int[], e_id uuid[], e_type text[], e_schema int[], e_version int[],
    e_data jsonb[], e_personal jsonb[], e_salt bytea[], e_digest bytea[], e_meta jsonb[],
    e_occurred timestamptz[], e_hash bytea[]
) RETURNS TABLE (command int, outcome text, head int)
LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off  -- plans made while the table was empty would scan it for ever
AS $$
DECLARE
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledgerdesk.append.' || current_schema(), 0));
    moment := clock_timestamp();
    RETURN QUERY
    WITH asked AS (
        SELECT n::int AS command, stream, expected
        FROM unnest(c_stream, c_expected) WITH ORDINALITY AS u (stream, expected, n)
    ), fresh AS (
        SELECT * FROM unnest(e_command, e_id, e_type, e_schema, e_version, e_data, e_personal, e_salt, e_digest, e_meta,
                             e_occurred, e_hash) WITH ORDINALITY
            AS u (command, id, type, schema_version, version, data, personal, salt, digest, meta, occurred, hash, n)
    ), known AS (
        SELECT DISTINCT f.command FROM fresh f JOIN event e ON e.event_id = f.id
    ), judged AS (
        SELECT a.command, a.stream, v.head,
               CASE WHEN k.command IS NOT NULL THEN 'repeat'
                    WHEN v.head <> a.expected THEN 'conflict'
                    ELSE 'appended' END AS outcome
        FROM asked a
        LEFT JOIN known k ON k.command = a.command
        CROSS JOIN LATERAL (
            SELECT coalesce((SELECT e.version FROM event e WHERE e.stream_id = a.stream
                             ORDER BY e.version DESC LIMIT 1), 0) AS head
        ) v
    ), written AS (
        INSERT INTO event (stream_id, version, event_id, type, schema_version, data, personal, salt, personal_digest, meta,
                           occurred_at, recorded_at, hash)
        SELECT j.stream, f.version, f.id, f.type, f.schema_version, f.data, f.personal, f.salt, f.digest, f.meta,
               f.occurred, moment, f.hash
        FROM fresh f JOIN judged j ON j.command = f.command
        WHERE j.outcome = 'appended'
        ORDER BY f.n
        RETURNING event.stream_id, event.version
    )
    SELECT j.command, j.outcome, greatest(j.head, coalesce((SELECT max(w.version) FROM written w WHERE w.stream_id = j.stream), 0))
    FROM judged j ORDER BY j.command;
END $$;

-- Where this owner's relay stands. The row is moved by compare-and-set.
CREATE TABLE relay_cursor (
    name     text PRIMARY KEY,
    position bigint NOT NULL
);
INSERT INTO relay_cursor VALUES ('kafka', 0);
