-- From when rules on time count for a ticket. The view is filled anew from all owners' feeds; what it has handed in for reactions is not again.
INSERT INTO reaction_floor (source, position)
SELECT source, max(position) FROM (
    SELECT m.key AS source, min((m.value ->> 'position')::bigint) AS position
    FROM projection_checkpoint, jsonb_each(watermarks) m
    WHERE consumer = 'routing.views' AND topic = 'ledgerdesk.tickets'
    GROUP BY incarnation, m.key HAVING count(*) = 12
) done GROUP BY source
ON CONFLICT (source) DO UPDATE SET position = greatest(reaction_floor.position, excluded.position);
ALTER TABLE ticket ADD COLUMN moments jsonb NOT NULL DEFAULT '{}';
DELETE FROM ticket;
DELETE FROM projection_checkpoint WHERE consumer = 'routing.views';
CREATE INDEX ticket_under_way ON ticket (stream_id) WHERE status IN ('new', 'open', 'on_hold', 'resolved');

-- When a rule on time has its time with a ticket. Whoever takes one leaves it alone until `try_at`: a crash loses none, and two never
-- work on one. It stays when it is dealt with (`try_at` is null), so that it does not come again; `fired`, if the rule applied.
CREATE TABLE rule_timer (
    ticket_id uuid        NOT NULL,
    rule      text        NOT NULL,
    anchor    timestamptz NOT NULL,  -- from when it counts
    at        timestamptz NOT NULL,
    try_at    timestamptz,
    fired     boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (ticket_id, rule)
);
CREATE INDEX rule_timer_due ON rule_timer (try_at) WHERE try_at IS NOT NULL;
CREATE INDEX rule_timer_rule ON rule_timer (rule);

-- Which rules on time have their timers with all tickets under way, and what they asked when those were set.
CREATE TABLE rule_laid (
    rule    text        PRIMARY KEY,
    asked   jsonb       NOT NULL,
    laid_at timestamptz NOT NULL
);
