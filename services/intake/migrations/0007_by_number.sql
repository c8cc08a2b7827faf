-- A message by ledgerdesk.ingress names its ticket by number, which may be newer than the view.
CREATE INDEX event_number ON event ((data ->> 'number')) WHERE type = 'ledgerdesk.ticket.created';
