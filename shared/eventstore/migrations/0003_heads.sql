-- As in 0001, but a command's new head is that of its own last event: looking for it among all that the batch has written
-- cost the square of the batch's commands.
CREATE OR REPLACE FUNCTION append_events(
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
    ), lasts AS (
        SELECT f.command, max(f.version) AS last FROM fresh f GROUP BY f.command
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
    )
    SELECT j.command, j.outcome, CASE j.outcome WHEN 'appended' THEN l.last ELSE j.head END
    FROM judged j LEFT JOIN lasts l ON l.command = j.command ORDER BY j.command;
END $$;
