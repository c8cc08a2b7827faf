-- What the entries of each day add up to, so that a report over years reads some rows a day and not every entry. Only ever
-- added to: a change is a row with the difference, and rows of one day and kind are drawn together now and then.
CREATE TABLE day_sum (
    clock            text     NOT NULL,  -- occurred: the day by occurred_at; timeline: the day by the time on the timeline
    day              date     NOT NULL,  -- UTC
    kind             text,
    count            bigint   NOT NULL,
    open_delta       bigint   NOT NULL,
    unresolved_delta bigint   NOT NULL,
    on_hold_delta    bigint   NOT NULL
);
CREATE INDEX day_sum_day ON day_sum (clock, day);

INSERT INTO day_sum
SELECT 'occurred', (occurred_at AT TIME ZONE 'UTC')::date, kind, count(*), 0, 0, 0 FROM entry WHERE kind IS NOT NULL GROUP BY 2, 3
UNION ALL
SELECT 'timeline', (at AT TIME ZONE 'UTC')::date, kind, count(*), sum(open_delta), sum(unresolved_delta), sum(on_hold_delta)
FROM entry GROUP BY 2, 3;
