-- From when rules on time count is computed of what they look at, where there are such rules: it need not be kept for every ticket. Nor
-- does what rules look at keep slots that hold nothing: the view is filled anew, and what it has handed in for reactions is not again.
INSERT INTO reaction_floor (source, position)
SELECT source, max(position) FROM (
    SELECT m.key AS source, min((m.value ->> 'position')::bigint) AS position
    FROM projection_checkpoint, jsonb_each(watermarks) m
    WHERE consumer = 'routing.views' AND topic = 'ledgerdesk.tickets'
    GROUP BY incarnation, m.key HAVING count(*) = 12
) done GROUP BY source
ON CONFLICT (source) DO UPDATE SET position = greatest(reaction_floor.position, excluded.position);
ALTER TABLE ticket DROP COLUMN moments;
DELETE FROM ticket;
DELETE FROM projection_checkpoint WHERE consumer = 'routing.views';
