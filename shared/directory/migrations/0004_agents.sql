-- Routing asks for the agents with every batch; among a million requesters they are few.
CREATE INDEX person_agent ON person (stream_id) WHERE agent IS NOT NULL;
