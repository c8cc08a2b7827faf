-- Where a ticket is and with whom: who of the desk may see it. The view is filled anew from all owners' feeds.
ALTER TABLE ticket ADD COLUMN access jsonb NOT NULL DEFAULT '{}';
DELETE FROM ticket;
DELETE FROM projection_checkpoint WHERE consumer = 'intake.views';
