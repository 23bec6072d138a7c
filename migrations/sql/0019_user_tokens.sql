-- What the tokens of a user are held against. A token names the generation that it is of, which the next one ends.
ALTER TABLE users ADD COLUMN token_expired_at BIGINT;
ALTER TABLE users ADD COLUMN token_generation BIGINT NOT NULL DEFAULT 0;
-- The latest token_expired_at that came and was taken away.
ALTER TABLE users ADD COLUMN tokens_refused_before BIGINT;

-- What tokens are signed with. The key with the latest active_from that has come signs; later ones are known to verifiers before they
-- sign, earlier ones as long as a token may be good that they have signed.
CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    active_from BIGINT NOT NULL,
    -- For how many microseconds a token that it signs is good, at most.
    token_ttl BIGINT NOT NULL,
    -- Base64url, as the JWK member x has it.
    public_key TEXT NOT NULL,
    -- Encrypted with the data key that the row names.
    key_id TEXT NOT NULL REFERENCES secret_keys (key_id),
    private_key TEXT NOT NULL
);

-- A rotation of data keys walks along the rows of one.
CREATE INDEX signing_keys_key_id ON signing_keys (key_id, kid);

-- Who makes or deletes signing keys.
INSERT INTO locks (name) VALUES ('signing_keys');
