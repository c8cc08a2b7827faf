-- Whose guests' links, and who is at it, is asked by the number of the page one is at.
CREATE INDEX ticket_by_number ON ticket (number);
