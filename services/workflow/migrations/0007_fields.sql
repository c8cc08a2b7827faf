-- Custom fields: what the ticket was opened with (intake's slot), what workflow said since, and what holds. Words are tagged, to be blanked.
-- No ticket had any before.
ALTER TABLE ticket
    ADD COLUMN asked_fields  jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN field_changes jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN fields        jsonb NOT NULL DEFAULT '{}';
CREATE INDEX ticket_fields ON ticket USING gin (fields jsonb_path_ops) WHERE fields <> '{}';
