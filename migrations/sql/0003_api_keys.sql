-- API keys. Rows stay when a key is revoked, so that what it did remains attributable.
CREATE TABLE api_keys (
    api_key_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- Scope names parted by spaces, as in OAuth.
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The key that made it; NULL: the command line or the configuration.
    created_by TEXT REFERENCES api_keys (api_key_id),
    expires_at BIGINT,
    last_used_at BIGINT,
    revoked_at BIGINT
);

-- What a key is known by: SHA-256 of the whole key, in hex. A rotation adds one and lets the others end; ended ones stay, so
-- that a configuration that still names one does not bring it back.
CREATE TABLE api_key_secrets (
    secret_hash TEXT NOT NULL PRIMARY KEY,
    api_key_id TEXT NOT NULL REFERENCES api_keys (api_key_id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

CREATE INDEX api_key_secrets_api_key_id ON api_key_secrets (api_key_id);
