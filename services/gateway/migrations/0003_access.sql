-- Where a ticket is and with whom: who of the desk may see it. The view is filled anew from all owners' feeds; what has been
-- streamed already is not streamed again (the feed stays, and events in it are known by their place).
ALTER TABLE ticket ADD COLUMN access jsonb NOT NULL DEFAULT '{}';
