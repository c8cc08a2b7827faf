-- Seals, and what the newest one says of each stream. Runs in the schema `ledgerdesk`.

-- Who makes seals may read everything, as `ledgerdesk_verify` may, and write here.
GRANT ledgerdesk_verify TO ledgerdesk_audit;
GRANT USAGE ON SCHEMA ledgerdesk TO PUBLIC;  -- what is in it says for itself who may

-- `record` is text and not jsonb: it is what was signed, to the byte.
CREATE TABLE seal (
    number  int PRIMARY KEY CHECK (number > 0),
    record  text NOT NULL
);
CREATE FUNCTION refuse_change_of_seals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'seals are never changed or removed (%)', TG_OP;
END $$;
CREATE TRIGGER seal_is_append_only BEFORE UPDATE OR DELETE ON seal FOR EACH ROW EXECUTE FUNCTION refuse_change_of_seals();
CREATE TRIGGER seal_is_never_truncated BEFORE TRUNCATE ON seal FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_seals();

-- The leaves of the newest seal's tree. They need no protection of their own: they give the signed root or they do not.
CREATE TABLE sealed_head (
    owner     text COLLATE "C" NOT NULL,
    stream_id uuid  NOT NULL,
    version   int   NOT NULL,
    hash      bytea NOT NULL,
    places    bytea NOT NULL,
    PRIMARY KEY (owner, stream_id)
);

GRANT SELECT ON seal TO PUBLIC;
GRANT SELECT ON sealed_head TO ledgerdesk_verify;
GRANT INSERT ON seal TO ledgerdesk_audit;
GRANT INSERT, UPDATE ON sealed_head TO ledgerdesk_audit;
