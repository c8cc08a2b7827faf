-- Who is let in on a ticket besides its requester: person ids. Nobody was before.
ALTER TABLE ticket ADD COLUMN collaborators jsonb NOT NULL DEFAULT '[]';
