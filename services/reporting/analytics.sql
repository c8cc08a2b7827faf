-- Documented views for analysts' own tools. Run by an administrator after reporting's migrations, as often as one likes.
-- No names, addresses or words: people appear by their random ids only.

CREATE SCHEMA IF NOT EXISTS analytics;
COMMENT ON SCHEMA analytics IS 'Ledgerdesk for analysts: documented views without personal data. Read as ledgerdesk_analyst.';

CREATE OR REPLACE VIEW analytics.ticket AS
SELECT stream_id AS ticket_id, number, created_at, department, topic, agent AS agent_id, priority, status, first_at, last_at,
       first_resolved_at, first_closed_at, reopened_from_resolved, reopened_from_closed
FROM reporting.ticket WHERE created_at IS NOT NULL;
COMMENT ON VIEW analytics.ticket IS 'One row per ticket, as it is now.';
COMMENT ON COLUMN analytics.ticket.ticket_id IS 'The ticket''s id.';
COMMENT ON COLUMN analytics.ticket.number IS 'The number people know it by.';
COMMENT ON COLUMN analytics.ticket.created_at IS 'When its creation occurred.';
COMMENT ON COLUMN analytics.ticket.department IS 'Key of the department that has it; null: none.';
COMMENT ON COLUMN analytics.ticket.topic IS 'Key of the topic it was opened under; null: none.';
COMMENT ON COLUMN analytics.ticket.agent_id IS 'Random id of the agent it is assigned to; null: nobody.';
COMMENT ON COLUMN analytics.ticket.priority IS 'low, normal, high or emergency.';
COMMENT ON COLUMN analytics.ticket.status IS 'new, open, on_hold, resolved or closed.';
COMMENT ON COLUMN analytics.ticket.first_at IS 'When its first event occurred.';
COMMENT ON COLUMN analytics.ticket.last_at IS 'When its last event so far occurred.';
COMMENT ON COLUMN analytics.ticket.first_resolved_at IS 'When it first became resolved; null: never.';
COMMENT ON COLUMN analytics.ticket.first_closed_at IS 'When it first became closed; null: never.';
COMMENT ON COLUMN analytics.ticket.reopened_from_resolved IS 'How many times it left resolved for work.';
COMMENT ON COLUMN analytics.ticket.reopened_from_closed IS 'How many times it left closed for work.';

CREATE OR REPLACE VIEW analytics.event AS
SELECT ticket_id, source, version, name, kind, activity, occurred_at, recorded_at, at AS timeline_at, rank, row_number, log,
       actor AS actor_id, agent AS agent_id, department, topic, priority, status, counts_row, counts_act, reopened_from,
       open_delta, unresolved_delta, on_hold_delta
FROM reporting.entry;
COMMENT ON VIEW analytics.event IS
    'One row per ticket event. A ticket''s timeline: ORDER BY timeline_at, rank, source, version.';
COMMENT ON COLUMN analytics.event.ticket_id IS 'The ticket; analytics.ticket has it once its creation has come.';
COMMENT ON COLUMN analytics.event.source IS 'The owner of the event: intake, routing or workflow.';
COMMENT ON COLUMN analytics.event.version IS 'Its place among this owner''s events of the ticket, from 1.';
COMMENT ON COLUMN analytics.event.name IS 'What happened: created, assigned, resolved, …';
COMMENT ON COLUMN analytics.event.kind IS 'What it counts as in the reports; null: as nothing, it stated what was so already.';
COMMENT ON COLUMN analytics.event.activity IS 'Of an imported event the log''s own word, else the name.';
COMMENT ON COLUMN analytics.event.occurred_at IS 'When it happened.';
COMMENT ON COLUMN analytics.event.recorded_at IS 'When it was written down.';
COMMENT ON COLUMN analytics.event.timeline_at IS 'The largest occurred_at so far among its owner''s events of the ticket.';
COMMENT ON COLUMN analytics.event.rank IS 'Its place among events of the same timeline_at.';
COMMENT ON COLUMN analytics.event.row_number IS 'Row of the imported log; 0: not imported.';
COMMENT ON COLUMN analytics.event.log IS 'Name of the imported log; null: not imported.';
COMMENT ON COLUMN analytics.event.actor_id IS 'Random id of the person who did it; null: a rule or a system.';
COMMENT ON COLUMN analytics.event.agent_id IS 'Random id of the agent the ticket was assigned to just after it; null: nobody.';
COMMENT ON COLUMN analytics.event.department IS 'Key of the department that had the ticket just after it; null: none.';
COMMENT ON COLUMN analytics.event.topic IS 'Key of the ticket''s topic; null: none.';
COMMENT ON COLUMN analytics.event.priority IS 'The ticket''s priority just after it.';
COMMENT ON COLUMN analytics.event.status IS 'The ticket''s status just after it; null: before its creation.';
COMMENT ON COLUMN analytics.event.counts_row IS 'Whether it counts in the report activities: one event per row of a log.';
COMMENT ON COLUMN analytics.event.counts_act IS 'Whether it counts as an act: one event per row of a log, one per command.';
COMMENT ON COLUMN analytics.event.reopened_from IS 'resolved or closed, if it took the ticket out of that state into work.';
COMMENT ON COLUMN analytics.event.open_delta IS 'Change of the number of tickets that are not closed: -1, 0 or 1.';
COMMENT ON COLUMN analytics.event.unresolved_delta IS 'Change of the number of tickets neither resolved nor closed: -1, 0 or 1.';
COMMENT ON COLUMN analytics.event.on_hold_delta IS 'Change of the number of tickets on hold: -1, 0 or 1.';

CREATE OR REPLACE VIEW analytics.backlog_by_month AS
WITH change AS (
    SELECT month::timestamp AS month, sum(open_delta)::bigint AS open,
           sum(unresolved_delta)::bigint AS unresolved, sum(on_hold_delta)::bigint AS on_hold,
           count(*) FILTER (WHERE kind = 'created') AS created, count(*) FILTER (WHERE kind = 'resolved') AS resolved,
           count(*) FILTER (WHERE kind = 'closed') AS closed
    FROM reporting.entry GROUP BY entry.month
)
SELECT month::date AS month, (month + interval '1 month') AT TIME ZONE 'UTC' AS at,
       sum(open) OVER sofar::bigint AS open, sum(unresolved) OVER sofar::bigint AS unresolved,
       sum(on_hold) OVER sofar::bigint AS on_hold, coalesce(created, 0) AS created, coalesce(resolved, 0) AS resolved,
       coalesce(closed, 0) AS closed
FROM (SELECT generate_series(min(month), max(month), interval '1 month') AS month FROM change) AS months
LEFT JOIN change USING (month)
WINDOW sofar AS (ORDER BY month);
COMMENT ON VIEW analytics.backlog_by_month IS 'One row per month from the first event to the last: the report backlog.';
COMMENT ON COLUMN analytics.backlog_by_month.month IS 'The month''s first day.';
COMMENT ON COLUMN analytics.backlog_by_month.at IS 'The instant of the stocks, exclusive: 00:00 UTC of the next month''s first day.';
COMMENT ON COLUMN analytics.backlog_by_month.open IS 'Tickets created before and not closed then.';
COMMENT ON COLUMN analytics.backlog_by_month.unresolved IS 'Of these, those not resolved either.';
COMMENT ON COLUMN analytics.backlog_by_month.on_hold IS 'Of these, those on hold.';
COMMENT ON COLUMN analytics.backlog_by_month.created IS 'Tickets created in the month.';
COMMENT ON COLUMN analytics.backlog_by_month.resolved IS 'Times a ticket became resolved in the month.';
COMMENT ON COLUMN analytics.backlog_by_month.closed IS 'Times a ticket became closed in the month.';

CREATE OR REPLACE VIEW analytics.durations AS
SELECT stream_id AS ticket_id, created_at, department, topic, agent AS agent_id, priority,
       case_duration, to_first_resolved, to_first_closed
FROM reporting.ticket WHERE created_at IS NOT NULL;
COMMENT ON VIEW analytics.durations IS 'One row per ticket: what the report durations is made of, in seconds.';
COMMENT ON COLUMN analytics.durations.ticket_id IS 'The ticket.';
COMMENT ON COLUMN analytics.durations.created_at IS 'When its creation occurred.';
COMMENT ON COLUMN analytics.durations.department IS 'Key of the department that has it now.';
COMMENT ON COLUMN analytics.durations.topic IS 'Key of its topic.';
COMMENT ON COLUMN analytics.durations.agent_id IS 'Random id of the agent it is assigned to now.';
COMMENT ON COLUMN analytics.durations.priority IS 'Its priority now.';
COMMENT ON COLUMN analytics.durations.case_duration IS 'Seconds from its first event to its last so far.';
COMMENT ON COLUMN analytics.durations.to_first_resolved IS 'Seconds from its first event until it first became resolved; null: never.';
COMMENT ON COLUMN analytics.durations.to_first_closed IS 'Seconds from its first event until it first became closed; null: never.';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledgerdesk_analyst') THEN
        CREATE ROLE ledgerdesk_analyst NOLOGIN;
    END IF;
END
$$;
ALTER ROLE ledgerdesk_analyst SET default_transaction_read_only = on;
ALTER ROLE ledgerdesk_analyst SET search_path = analytics;
COMMENT ON ROLE ledgerdesk_analyst IS 'May SELECT in the schema analytics and nothing else. Grant it to analysts'' logins.';
REVOKE ALL ON ALL TABLES IN SCHEMA analytics FROM ledgerdesk_analyst;
GRANT USAGE ON SCHEMA analytics TO ledgerdesk_analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO ledgerdesk_analyst;
