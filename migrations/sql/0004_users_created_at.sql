-- The order of ListUsers, the latest first: a page is read from here, however deep it lies.
CREATE INDEX users_created_at ON users (created_at, user_id);
