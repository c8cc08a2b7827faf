-- Files that go with a version's words; null where there are none, and once its words are erased.
ALTER TABLE article_version ADD COLUMN attachments jsonb;
-- Whether an event names a file is asked by the file.
CREATE INDEX event_attachments ON event USING gin ((personal -> 'attachments') jsonb_path_ops) WHERE personal ? 'attachments';
