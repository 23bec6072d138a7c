-- What calls with an idempotency key have done, for 24 hours: a repeat is answered from here.
CREATE TABLE idempotency_records (
    -- SHA-256 of the API key's id and the idempotency key, in base64.
    record_id TEXT NOT NULL PRIMARY KEY,
    method TEXT NOT NULL,
    -- SHA-256 of the request, in base64.
    request_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- The oldest go first.
CREATE INDEX idempotency_records_created_at ON idempotency_records (created_at);

-- What was answered, as base64 of the message. An answer that shows a user goes with the user; the record stays.
CREATE TABLE idempotency_answers (
    record_id TEXT NOT NULL PRIMARY KEY REFERENCES idempotency_records (record_id) ON DELETE CASCADE,
    user_id TEXT REFERENCES users (user_id) ON DELETE CASCADE,
    answer TEXT NOT NULL
);

CREATE INDEX idempotency_answers_user_id ON idempotency_answers (user_id);
