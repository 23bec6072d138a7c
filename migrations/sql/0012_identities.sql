-- What a user is known as elsewhere: an account at a provider.
CREATE TABLE identities (
    identity_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    ext_idp_id TEXT NOT NULL,
    provider INTEGER NOT NULL,
    type TEXT NOT NULL,
    user_id_in_idp TEXT NOT NULL,
    -- Compact JSON.
    user_info_in_idp TEXT NOT NULL,
    -- A JSON list of texts.
    origin_conn_ids TEXT NOT NULL
);

-- An account elsewhere belongs to one user. The id comes first: it tells more than the provider does.
CREATE UNIQUE INDEX identities_user_id_in_idp ON identities (user_id_in_idp, ext_idp_id);

CREATE INDEX identities_user_id ON identities (user_id, identity_id);

-- The tokens that a provider gave for an identity, each encrypted with the data key that the row names. A table of its own, so that
-- nothing that reads identities reads them.
CREATE TABLE identity_tokens (
    identity_id TEXT NOT NULL PRIMARY KEY REFERENCES identities (identity_id) ON DELETE CASCADE,
    key_id TEXT NOT NULL REFERENCES secret_keys (key_id),
    access_token TEXT,
    refresh_token TEXT
);

-- A rotation walks along the rows of a data key.
CREATE INDEX identity_tokens_key_id ON identity_tokens (key_id, identity_id);
