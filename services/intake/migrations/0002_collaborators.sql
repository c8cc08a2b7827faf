-- Who is let in besides the requester (person ids), and since when a ticket is closed (workflow's slot): a message that comes too
-- late makes a new ticket. Rows were made of intake's own events alone: the view is filled anew from all owners' feeds.
ALTER TABLE ticket ADD COLUMN collaborators jsonb NOT NULL DEFAULT '[]', ADD COLUMN closed_at timestamptz;
DELETE FROM ticket;
DELETE FROM projection_checkpoint WHERE consumer = 'intake.views';
