//! The tables `groups` and `group_members`.

super::collection!("groups", "group_members", group_id);
