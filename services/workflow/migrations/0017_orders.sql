-- Lists by what is due first, and by what is most urgent: the expressions are those of `ticket_order.ORDERS`.
CREATE INDEX ticket_by_due ON ticket (coalesce(due_at, timestamptz '9999-12-31 00:00:00+00'), stream_id) WHERE number IS NOT NULL;
CREATE INDEX ticket_by_urgency ON ticket (coalesce(array_position('{low,normal,high,emergency}'::text[], priority), 0), updated_at, stream_id)
    WHERE number IS NOT NULL;
