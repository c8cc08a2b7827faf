-- Records of event types that this program does not know. They are skipped, and their versions advance; here they are counted.
CREATE TABLE projection_unknown (
    type    text        PRIMARY KEY,
    records bigint      NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now()
);
