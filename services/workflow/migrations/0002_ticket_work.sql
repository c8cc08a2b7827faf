-- What people work on, counted from the index alone: few of many tickets, however many are closed.
CREATE INDEX ticket_work ON ticket (status, agent) WHERE number IS NOT NULL AND status IN ('new', 'open', 'on_hold');
