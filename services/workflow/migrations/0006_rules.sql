-- The SLA plan that a rule has named for the ticket; routing's slot.
ALTER TABLE ticket ADD COLUMN ruled_sla text;
