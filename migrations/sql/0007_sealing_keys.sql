-- Keys that the service seals what it hands out with, such as page tokens; here, so that replicas share them.
CREATE TABLE sealing_keys (
    purpose TEXT NOT NULL PRIMARY KEY,
    -- 32 bytes in base64.
    key TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
