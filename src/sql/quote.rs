//! Quoting of identifiers and literals: every name and value that enters a statement passes through here.

use crate::model::name::ObjectName;

/// Quotes an identifier when PostgreSQL would not read it back as it is.
///
/// Any name but plain lower-case ASCII is quoted, and so is every keyword that is not "unreserved" in any version up to
/// 18 (manual, appendix "SQL Key Words"); quoting more than needed is harmless.
pub fn ident(name: &str) -> String {
    let mut sql = String::with_capacity(name.len() + QUOTES);
    push_ident(&mut sql, name);
    sql
}

/// Two, and one more for what few names have.
const QUOTES: usize = 3;

fn push_ident(sql: &mut String, name: &str) {
    let mut bytes = name.bytes();
    let is_plain = bytes
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == b'_')
        && bytes.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
        && KEYWORDS.binary_search(&name).is_err();
    if is_plain {
        sql.push_str(name);
    } else {
        sql.push('"');
        push_doubling(sql, name, &['"']);
        sql.push('"');
    }
}

/// `text`, each of `doubled` in it twice.
fn push_doubling(sql: &mut String, text: &str, doubled: &[char]) {
    for piece in text.split_inclusive(doubled) {
        sql.push_str(piece);
        sql.extend(piece.chars().next_back().filter(|c| doubled.contains(c)));
    }
}

/// `schema.name`, each part quoted where needed.
pub fn qualified(name: &ObjectName) -> String {
    let length = name.schema.len() + name.name.len();
    let mut sql = String::with_capacity(length + 1 + 2 * QUOTES);
    push_ident(&mut sql, &name.schema);
    sql.push('.');
    push_ident(&mut sql, &name.name);
    sql
}

/// A string literal that reads the same whatever `standard_conforming_strings` says.
pub fn literal(text: &str) -> String {
    let mut sql = String::with_capacity(text.len() + QUOTES);
    if text.contains('\\') {
        sql.push('E');
    }
    sql.push('\'');
    push_doubling(&mut sql, text, &['\'', '\\']);
    sql.push('\'');
    sql
}

/// Comma-separated quoted identifiers.
pub fn ident_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(ident).collect::<Vec<_>>().join(", ")
}

/// Keywords that need quotes in some position, sorted.
const KEYWORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "any_value",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "graph_table",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "json",
    "json_array",
    "json_arrayagg",
    "json_exists",
    "json_object",
    "json_objectagg",
    "json_query",
    "json_scalar",
    "json_serialize",
    "json_table",
    "json_value",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "merge_action",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    // Unreserved, yet `SELECT operator()` is no call of a function.
    "operator",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "system_user",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(ident("film_actor"), "film_actor");
        assert_eq!(ident("Film"), "\"Film\"");
        assert_eq!(ident("user"), "\"user\"");
        assert_eq!(ident("a\"b"), "\"a\"\"b\"");
        assert_eq!(ident("1a"), "\"1a\"");
        assert_eq!(ident(""), "\"\"");
        assert_eq!(ident("été"), "\"été\"");
    }

    #[test]
    fn literals_double_quotes_and_backslashes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b'c"), "E'a\\\\b''c'");
    }
}
