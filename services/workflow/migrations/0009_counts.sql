-- The queues' counts read this index alone; since they tell who spoke last, it holds that too.
DROP INDEX ticket_work;
CREATE INDEX ticket_work ON ticket (status, agent, due_at) INCLUDE (last_message_at, last_reply_at)
    WHERE number IS NOT NULL AND status IN ('new', 'open', 'on_hold');
