-- Roles stand at the pool's own level or in an organization: `level` is empty or the organization's id, so that codes are unique
-- at every level. In an organization only its members can be in a role: the foreign keys hold that, and the level of a membership
-- is that of its role. `organization_id` is the level as a reference, NULL at the pool's own.
-- SQLite cannot give a table foreign keys that it has not, so that both are made anew.
CREATE TABLE new_roles (
    role_id TEXT NOT NULL PRIMARY KEY,
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
CREATE UNIQUE INDEX roles_level ON new_roles (role_id, level);

CREATE TABLE new_role_members (
    role_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED,
    PRIMARY KEY (role_id, user_id),
    FOREIGN KEY (role_id, level) REFERENCES new_roles (role_id, level) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);

INSERT INTO new_roles (role_id, code, name, description, etag, created_at, updated_at)
    SELECT role_id, code, name, description, etag, created_at, updated_at FROM roles;
INSERT INTO new_role_members (role_id, user_id) SELECT role_id, user_id FROM role_members;

DROP TABLE role_members;
DROP TABLE roles;
ALTER TABLE new_roles RENAME TO roles;
ALTER TABLE new_role_members RENAME TO role_members;

CREATE UNIQUE INDEX roles_code ON roles (level, code);
CREATE INDEX roles_organization_id ON roles (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX role_members_user_id ON role_members (user_id, level, role_id);
