-- Whether an event names a file is asked by the file.
DROP INDEX event_attachments;
CREATE INDEX event_attachments ON event USING gin ((personal -> 'attachments') jsonb_path_ops) WHERE personal ? 'attachments';
