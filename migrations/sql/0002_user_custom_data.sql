-- Custom data: a row a top-level key, its value as compact JSON. Two callers that set different keys touch different rows, and
-- the profile row stays short for the hot read.
CREATE TABLE user_custom_data (
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
);
