-- Groups stand at the pool's own level or in an organization: `level` is empty or the organization's id, so that codes are unique
-- at every level. In an organization only its members can be in a group: the foreign keys hold that, and the level of a membership
-- is that of its group. `organization_id` is the level as a reference, NULL at the pool's own.
-- SQLite cannot give a table foreign keys that it has not, so that both are made anew.
CREATE TABLE new_groups (
    group_id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT,
    description TEXT,
    etag TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED REFERENCES organizations (organization_id)
);

-- The members' new table refers to this.
CREATE UNIQUE INDEX groups_level ON new_groups (group_id, level);

CREATE TABLE new_group_members (
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED,
    PRIMARY KEY (group_id, user_id),
    FOREIGN KEY (group_id, level) REFERENCES new_groups (group_id, level) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);

INSERT INTO new_groups (group_id, code, name, description, etag, created_at, updated_at)
    SELECT group_id, code, name, description, etag, created_at, updated_at FROM groups;
INSERT INTO new_group_members (group_id, user_id) SELECT group_id, user_id FROM group_members;

DROP TABLE group_members;
DROP TABLE groups;
ALTER TABLE new_groups RENAME TO groups;
ALTER TABLE new_group_members RENAME TO group_members;

CREATE UNIQUE INDEX groups_code ON groups (level, code);
CREATE INDEX groups_organization_id ON groups (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX group_members_user_id ON group_members (user_id, level, group_id);
