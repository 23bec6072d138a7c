-- Roles stand at the pool's own level or in an organization: `level` is empty or the organization's id, so that codes are unique
-- at every level. In an organization only its members can be in a role: the foreign keys hold that, and the level of a membership
-- is that of its role. `organization_id` is the level as a reference, NULL at the pool's own.
ALTER TABLE roles ADD COLUMN level TEXT NOT NULL DEFAULT '';
ALTER TABLE roles
    ADD COLUMN organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED
        REFERENCES organizations (organization_id);

DROP INDEX roles_code;
CREATE UNIQUE INDEX roles_code ON roles (level, code);
CREATE INDEX roles_organization_id ON roles (organization_id) WHERE organization_id IS NOT NULL;
CREATE UNIQUE INDEX roles_level ON roles (role_id, level);

ALTER TABLE role_members ADD COLUMN level TEXT NOT NULL DEFAULT '';
ALTER TABLE role_members ADD COLUMN organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED;
ALTER TABLE role_members DROP CONSTRAINT role_members_role_id_fkey;
ALTER TABLE role_members
    ADD FOREIGN KEY (role_id, level) REFERENCES roles (role_id, level) ON DELETE CASCADE,
    ADD FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE;

DROP INDEX role_members_user_id;
CREATE INDEX role_members_user_id ON role_members (user_id, level, role_id);
