//! Statements that are written out, and still cached: the driver knows each by its type.
//!
//! The driver's own list expressions make a new statement for every length on SQLite, and its raw
//! fragments are never cached; both would cost the hot path more than the work itself. In the text
//! `{}` stands for the next value, which puts itself there: a number as a bind, a list as a table
//! named `list` with the columns `value` (and `second`), whatever the backend needs for that.

/// Makes a statement for the backend in whose module it stands.
macro_rules! statement {
    ($(#[$doc:meta])* $name:ident($($field:ident: $type:ty),*) -> $sql_type:ty = $($text:expr),+ $(,)?) => {
        $(#[$doc])*
        struct $name { $($field: $type),* }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name {
            type SqlType = $sql_type;
        }

        impl diesel::RunQueryDsl<super::Conn> for $name {}

        impl diesel::query_builder::QueryFragment<super::Backend> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, super::Backend>,
            ) -> diesel::QueryResult<()> {
                let mut pieces = [$($text),+].into_iter().flat_map(|text: &'static str| text.split_inclusive("{}"));
                $(
                    for piece in pieces.by_ref() {
                        out.push_sql(piece.strip_suffix("{}").unwrap_or(piece));
                        if piece.ends_with("{}") {
                            break;
                        }
                    }
                    super::Put::put(&self.$field, &mut out)?;
                )*
                pieces.for_each(|piece| out.push_sql(piece));
                Ok(())
            }
        }
    };
}

pub(super) use statement;
