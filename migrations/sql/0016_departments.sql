-- Departments, and who is in which. They stand at the pool's own level or in an organization, as groups do: `level` is empty or the
-- organization's id, `organization_id` is the level as a reference, NULL at the pool's own. They are trees: the foreign key holds
-- that a parent is there and stands at the same level; that none comes to stand under itself, those who move them see to, one at a
-- time. A code is unique at its level, and may be missing.
CREATE TABLE departments (
    department_id TEXT NOT NULL PRIMARY KEY,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED REFERENCES organizations (organization_id),
    parent_department_id TEXT,
    code TEXT,
    name TEXT,
    etag TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- The order of the pages, too.
    CONSTRAINT departments_level UNIQUE (level, department_id),
    FOREIGN KEY (parent_department_id, level) REFERENCES departments (department_id, level)
);

CREATE UNIQUE INDEX departments_code ON departments (level, code);
CREATE INDEX departments_organization_id ON departments (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX departments_parent ON departments (parent_department_id, level);

-- In an organization only its members can be in a department. The key is the order of the members' pages; one department of a user
-- is the main one at a level, at most.
CREATE TABLE department_members (
    department_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED,
    is_leader BOOLEAN NOT NULL,
    is_main BOOLEAN NOT NULL,
    PRIMARY KEY (department_id, user_id),
    FOREIGN KEY (department_id, level) REFERENCES departments (department_id, level) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);

CREATE INDEX department_members_user_id ON department_members (user_id, level, department_id);
CREATE UNIQUE INDEX department_members_main ON department_members (user_id, level) WHERE is_main;
CREATE INDEX department_members_leaders ON department_members (department_id, user_id) WHERE is_leader;

-- Of two departments that are moved at once, each below the other, both would be under themselves.
INSERT INTO locks (name) VALUES ('move_departments');
