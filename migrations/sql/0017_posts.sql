-- Posts, and who holds which. They stand at the pool's own level or in an organization, as groups do: `level` is empty or the
-- organization's id, `organization_id` is the level as a reference, NULL at the pool's own. A code is unique at its level, and may
-- be missing.
CREATE TABLE posts (
    post_id TEXT NOT NULL PRIMARY KEY,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED REFERENCES organizations (organization_id),
    code TEXT,
    name TEXT,
    -- The order of the pages, too.
    CONSTRAINT posts_level UNIQUE (level, post_id)
);

CREATE UNIQUE INDEX posts_code ON posts (level, code);
CREATE INDEX posts_organization_id ON posts (organization_id) WHERE organization_id IS NOT NULL;

-- In an organization only its members can hold a post.
CREATE TABLE post_members (
    post_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
    level TEXT NOT NULL DEFAULT '',
    organization_id TEXT GENERATED ALWAYS AS (NULLIF(level, '')) STORED,
    PRIMARY KEY (post_id, user_id),
    FOREIGN KEY (post_id, level) REFERENCES posts (post_id, level) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, user_id) REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);

CREATE INDEX post_members_user_id ON post_members (user_id, level, post_id);
