-- Groups, and who belongs to them. The code can change, so that what hangs on a group hangs on an id of its own.
CREATE TABLE groups (
    group_id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT,
    description TEXT,
    etag TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX groups_code ON groups (code);

-- The key is the order of the members' pages; the index leads from a user to their groups.
CREATE TABLE group_members (
    group_id TEXT NOT NULL REFERENCES groups (group_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);

CREATE INDEX group_members_user_id ON group_members (user_id, group_id);
