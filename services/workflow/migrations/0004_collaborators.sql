-- Who is let in besides the requester (intake's slot), and to whom a ticket was referred (routing's). Nobody was before.
ALTER TABLE ticket
    ADD COLUMN collaborators jsonb NOT NULL DEFAULT '[]',  -- person ids
    ADD COLUMN referrals     jsonb NOT NULL DEFAULT '[]';  -- {agent, team, department}, one of the three
CREATE INDEX ticket_collaborators ON ticket USING gin (collaborators jsonb_path_ops) WHERE collaborators <> '[]';
