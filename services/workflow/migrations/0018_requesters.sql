-- What a requester has open, and how much of his is done: somebody may have asked ten thousand times.
CREATE INDEX ticket_requester_status ON ticket (requester_id, status, updated_at DESC, stream_id DESC) WHERE number IS NOT NULL;
