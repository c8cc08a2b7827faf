CREATE TABLE ticket (
    stream_id         uuid PRIMARY KEY,
    versions          jsonb   NOT NULL,
    number            text,
    requester_id      uuid,
    stated_department text,     -- intake's: where a log says the ticket was at its creation
    status            text    NOT NULL,
    moved             boolean NOT NULL,  -- routing has said where it is; until then `stated_department` holds
    department        text,
    team              text,
    agent             uuid
);
CREATE INDEX ticket_by_number ON ticket (number);
CREATE INDEX ticket_load ON ticket (agent) WHERE agent IS NOT NULL AND status IN ('new', 'open', 'on_hold');
