-- What was configured is found without a look at the tickets' events: the last changes first. See `EventStore.configured`.

CREATE INDEX event_configured ON event (position) WHERE type LIKE 'ledgerdesk.%.configured';
