-- Organizations. One that is deleted is marked first and so gone for callers at once, its code free; what hangs on it is cleared
-- in steps, and then the row goes.
CREATE TABLE organizations (
    organization_id TEXT NOT NULL PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT,
    description TEXT,
    etag TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);

CREATE UNIQUE INDEX organizations_code ON organizations (code) WHERE deleted_at IS NULL;
CREATE INDEX organizations_deleted_at ON organizations (deleted_at) WHERE deleted_at IS NOT NULL;

-- Who is a member. The key is the order of the members' pages, and what a user is and has in an organization refers to it. When
-- the user was created, which never changes, stands here too: the users of an organization are listed in this order.
CREATE TABLE organization_members (
    organization_id TEXT NOT NULL REFERENCES organizations (organization_id) ON DELETE CASCADE,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    user_created_at BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

CREATE INDEX organization_members_user_id ON organization_members (user_id, organization_id);
CREATE INDEX organization_members_user_created_at ON organization_members (organization_id, user_created_at, user_id);

-- The organization that owns the user; NULL: the pool does.
ALTER TABLE users ADD COLUMN tenant_id TEXT REFERENCES organizations (organization_id);
CREATE INDEX users_tenant_id ON users (tenant_id) WHERE tenant_id IS NOT NULL;

-- The organization that the key is bound to; NULL: it is good for the whole pool. It stays when the organization goes, since the
-- key's row does: a key that was bound never becomes one that is not.
ALTER TABLE api_keys ADD COLUMN organization_id TEXT;
CREATE INDEX api_keys_organization_id ON api_keys (organization_id) WHERE organization_id IS NOT NULL;
