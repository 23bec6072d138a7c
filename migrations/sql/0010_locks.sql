-- Rows that are locked for what only one replica may do at a time. They are never changed: a transaction holds one until it ends.
CREATE TABLE locks (
    name TEXT NOT NULL PRIMARY KEY
);

-- Of two batches that create the same users in another order, each would wait for a row of the other's.
INSERT INTO locks (name) VALUES ('batch_create_users');
