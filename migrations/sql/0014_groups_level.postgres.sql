-- Groups stand at the pool's own level or in an organization: `level` is empty or the organization's id, so that codes are unique
-- at every level. In an organization only its members can be in a group: the foreign keys hold that, and the level of a membership
-- is that of its group. `organization_id` is the level as a reference, NULL at the pool's own.
ALTER TABLE groups ADD COLUMN level TEXT NOT NULL DEFAULT '';
ALTER TABLE groups
    ADD COLUMN organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED
        REFERENCES organizations (organization_id);

DROP INDEX groups_code;
CREATE UNIQUE INDEX groups_code ON groups (level, code);
CREATE INDEX groups_organization_id ON groups (organization_id) WHERE organization_id IS NOT NULL;
CREATE UNIQUE INDEX groups_level ON groups (group_id, level);

ALTER TABLE group_members ADD COLUMN level TEXT NOT NULL DEFAULT '';
ALTER TABLE group_members ADD COLUMN organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED;
ALTER TABLE group_members DROP CONSTRAINT group_members_group_id_fkey;
ALTER TABLE group_members
    ADD FOREIGN KEY (group_id, level) REFERENCES groups (group_id, level) ON DELETE CASCADE,
    ADD FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE;

DROP INDEX group_members_user_id;
CREATE INDEX group_members_user_id ON group_members (user_id, level, group_id);
