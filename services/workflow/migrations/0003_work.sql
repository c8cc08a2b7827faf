-- What agents do with a ticket besides moving it: tags, tasks, links, merges, watchers, time, and the requester's rating.
ALTER TABLE ticket
    ADD COLUMN asked_tags   jsonb NOT NULL DEFAULT '[]',  -- intake's: the creation's
    ADD COLUMN tag_changes  jsonb NOT NULL DEFAULT '{}',  -- from here on workflow's: tag -> put on or taken off
    ADD COLUMN tasks        jsonb NOT NULL DEFAULT '[]',  -- {id, agent, due, blocks, done}; their titles are on the timeline
    ADD COLUMN links        jsonb NOT NULL DEFAULT '[]',  -- {kind, other}; the other side is looked up
    ADD COLUMN merged_into  uuid,
    ADD COLUMN before_merge text,
    ADD COLUMN watchers     jsonb NOT NULL DEFAULT '[]',  -- person ids
    ADD COLUMN minutes      int   NOT NULL DEFAULT 0,
    ADD COLUMN score        int;
UPDATE ticket SET asked_tags = tags WHERE tags <> '[]';

CREATE INDEX ticket_links ON ticket USING gin (links jsonb_path_ops) WHERE links <> '[]';
CREATE INDEX ticket_tasks ON ticket USING gin (tasks jsonb_path_ops) WHERE tasks <> '[]';
CREATE INDEX ticket_watchers ON ticket USING gin (watchers jsonb_path_ops) WHERE watchers <> '[]';
CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX timeline_mentions ON timeline USING gin ((data -> 'mentions')) WHERE data ? 'mentions';
