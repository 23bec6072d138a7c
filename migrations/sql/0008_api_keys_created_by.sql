-- From a key to those that it made, which may be revoked with it.
CREATE INDEX api_keys_created_by ON api_keys (created_by);
