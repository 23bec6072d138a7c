-- What encrypts at rest. A data key encrypts columns of other tables, whose rows name it in a column `key_id`. The newest encrypts; older
-- ones are here until nothing is encrypted with them any more. A rotation adds one and deletes the others.
CREATE TABLE secret_keys (
    key_id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

-- A data key as it can be kept: encrypted with a master key, which is not in the database. It is here once for each master key that may
-- open it: two while one takes the place of another.
CREATE TABLE secret_key_wraps (
    key_id TEXT NOT NULL REFERENCES secret_keys (key_id) ON DELETE CASCADE,
    -- A fingerprint of the master key.
    master_id TEXT NOT NULL,
    -- Base64.
    wrapped TEXT NOT NULL,
    -- The master key that came last is the one that is to stay.
    created_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, master_id)
);

-- Who makes, wraps or deletes data keys.
INSERT INTO locks (name) VALUES ('secret_keys');
