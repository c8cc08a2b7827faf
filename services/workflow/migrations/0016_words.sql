-- What was said, for the search, made by the server out of what is personal: it goes with it when that is blanked, and entries can be
-- copied in. Every entry is written anew here, once; nobody can read the timeline meanwhile.
ALTER TABLE timeline DROP COLUMN words;  -- and its index
ALTER TABLE timeline ADD COLUMN words tsvector GENERATED ALWAYS AS (
    to_tsvector('simple', left(nullif(
        CASE
            WHEN type IN ('created', 'message_received', 'noted', 'replied', 'auto_replied', 'edited', 'message_edited')
                THEN personal ->> 'body'
            WHEN type = 'resolved' THEN personal ->> 'resolution'
            WHEN type = 'rated' THEN personal ->> 'comment'
            WHEN type = 'task_added' THEN personal ->> 'title'
            WHEN type = 'time_logged' THEN personal ->> 'note'
        END, ''), 20000))
) STORED;
CREATE INDEX timeline_words ON timeline USING gin (words) WHERE words IS NOT NULL;
