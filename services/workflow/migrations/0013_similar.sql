-- Subjects of tickets that are done, by word: what was solved before is looked for among them.
CREATE INDEX ticket_done_subject ON ticket USING gin (to_tsvector('simple', coalesce(subject, '')))
    WHERE status IN ('resolved', 'closed') AND number IS NOT NULL;
