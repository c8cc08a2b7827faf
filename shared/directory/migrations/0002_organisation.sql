-- Whose tickets colleagues may see.
CREATE INDEX person_organisation ON person ((registered ->> 'organisation')) WHERE registered ->> 'organisation' IS NOT NULL;
