-- Where a ticket is and with whom, and who is let in: who may see it.
ALTER TABLE ticket ADD COLUMN access jsonb NOT NULL DEFAULT '{}', ADD COLUMN collaborators jsonb NOT NULL DEFAULT '[]';
