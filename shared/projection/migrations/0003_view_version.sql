-- Which making of each view is the live one. A view that has no row here was never rebuilt: it is version 1.
CREATE TABLE view_version (
    view     text PRIMARY KEY,
    version  int         NOT NULL,
    built_at timestamptz NOT NULL,
    events   bigint      NOT NULL  -- folded to make it
);
