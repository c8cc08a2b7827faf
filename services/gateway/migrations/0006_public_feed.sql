-- Whether requesters are told of it, too: a correction by what it corrects, which its type does not say.
ALTER TABLE feed ADD COLUMN public boolean NOT NULL DEFAULT false;
UPDATE feed SET public = type IN (
    'created', 'message_received', 'replied', 'auto_replied', 'resolved', 'closed', 'reopened', 'held', 'resumed', 'started',
    'rated', 'merged', 'unmerged', 'message_edited'
);
ALTER TABLE feed ALTER COLUMN public DROP DEFAULT;
