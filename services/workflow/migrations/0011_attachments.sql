-- Which files events name: asked before one is taken away.
CREATE INDEX event_attachments ON event (position) WHERE personal ? 'attachments';
