//! Stand-in until the lexer lands.
pub fn has_statement(sql: &str) -> bool {
    sql.lines()
        .any(|l| !l.trim().is_empty() && !l.starts_with("--"))
}
