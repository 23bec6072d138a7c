-- Roles, and who holds them. The code can change, so that what hangs on a role hangs on an id of its own.
CREATE TABLE roles (
    role_id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT,
    description TEXT,
    etag TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX roles_code ON roles (code);

-- The key is the order of the members' pages; the index leads from a user to their roles.
CREATE TABLE role_members (
    role_id TEXT NOT NULL REFERENCES roles (role_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    PRIMARY KEY (role_id, user_id)
);

CREATE INDEX role_members_user_id ON role_members (user_id, role_id);
