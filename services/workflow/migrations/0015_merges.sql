-- What was ever merged into a ticket is asked of its past.
CREATE INDEX timeline_merged ON timeline ((data ->> 'into')) WHERE type = 'merged';
