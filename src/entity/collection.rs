//! What groups and roles have in common: a table of named sets and one of who is in them. Each of them is an entity of its own;
//! their columns are spelled here once.

/// The entities of a table of sets and, in `member`, of its members.
macro_rules! collection {
    ($table:tt, $members:tt, $id:ident) => {
        use sea_orm::entity::prelude::*;

        use crate::proto::Timestamp;

        /// A set of users with a code.
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = $table)]
        pub struct Model {
            /// UUIDv7; what members refer to. Callers never see it.
            #[sea_orm(primary_key, auto_increment = false)]
            pub $id: String,
            /// What callers name it by.
            pub code: String,
            /// What people call it.
            pub name: Option<String>,
            /// What it is for.
            pub description: Option<String>,
            /// Changes with every change of the row.
            pub etag: String,
            /// When it was created.
            pub created_at: Timestamp,
            /// When it last changed.
            pub updated_at: Timestamp,
            /// Where it stands: empty at the pool's own level, else the organization's id.
            pub level: String,
            /// The organization that it stands in, made of the level by the database.
            pub organization_id: Option<String>,
        }

        /// None are followed through sea-orm.
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}

        /// Who is in which.
        pub mod member {
            use sea_orm::entity::prelude::*;

            /// A user in a set.
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $members)]
            pub struct Model {
                /// The set.
                #[sea_orm(primary_key, auto_increment = false)]
                pub $id: String,
                /// The user.
                #[sea_orm(primary_key, auto_increment = false)]
                pub user_id: String,
                /// That of the set.
                pub level: String,
                /// The organization that both are in, made of the level by the database.
                pub organization_id: Option<String>,
            }

            /// None are followed through sea-orm.
            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

pub(super) use collection;
