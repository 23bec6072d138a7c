//! The tables `roles` and `role_members`.

super::collection!("roles", "role_members", role_id);
