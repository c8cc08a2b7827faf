-- Which ticket stands for a merged one: a message is for that, and comes too late if that is closed for too long. A ticket that was
-- closed, merged and unmerged counts as closed since it was. The view is filled anew from all owners' feeds.
ALTER TABLE ticket ADD COLUMN merged_into uuid;
DELETE FROM ticket;
DELETE FROM projection_checkpoint WHERE consumer = 'intake.views';
