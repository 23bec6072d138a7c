-- What is told of a user's password. The password itself is in no column that is read by name.
ALTER TABLE users ADD COLUMN password_last_set_at BIGINT;
ALTER TABLE users ADD COLUMN password_security_level INTEGER;
ALTER TABLE users ADD COLUMN reset_password_on_next_login BOOLEAN;

-- The hash of a user's password: a table of its own, so that nothing that reads users reads it.
CREATE TABLE user_credentials (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (user_id) ON DELETE CASCADE,
    -- With its parameters and its salt, as the PHC string format or the system it comes from has it.
    password_hash TEXT NOT NULL
);

-- Wrong passwords, by SHA-256 of whose keys check them and of the id that they were tried for, which nobody may have.
CREATE TABLE password_guesses (
    guessed_id TEXT NOT NULL PRIMARY KEY,
    guesses INTEGER NOT NULL,
    -- From then on they count no more.
    ends_at BIGINT NOT NULL
);

-- Those that count no more go.
CREATE INDEX password_guesses_ends_at ON password_guesses (ends_at);

-- The argon2id hashes of the passwords that a call brought, by the item of its batch: a repeat has to bring them again. A hash goes
-- with the user who got the password.
CREATE TABLE idempotency_passwords (
    record_id TEXT NOT NULL REFERENCES idempotency_records (record_id) ON DELETE CASCADE,
    item INTEGER NOT NULL,
    user_id TEXT REFERENCES users (user_id) ON DELETE CASCADE,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (record_id, item)
);

CREATE INDEX idempotency_passwords_user_id ON idempotency_passwords (user_id);
