//! What another version does not have is said by the check: not yet on an older destination, not any more on a newer one.

use crate::cells::{howdah, said};
use crate::servers;
use crate::support;

/// Gone with 12, and with 14.
const REMOVED: &str = "create table with_oids (a int) with oids; create table aged (at abstime);
    create function half(int) returns int language sql immutable as 'select $1 / 2';
    create operator public.!% (leftarg = int, procedure = half);
    create aggregate gathered (anyelement) (sfunc = array_append, stype = anyarray, initcond = '{}')";

/// What is missing in what the check says; or in how many words all is said. The outer error: it could not be run.
async fn check(
    source: u32,
    database: &str,
    destination: u32,
    words: &[&str],
) -> Result<Result<String, String>, String> {
    let from = servers::server(source)?.endpoint(database);
    let to = servers::with_roles(destination).await?.endpoint("warnings");
    let said = said(&howdah(&from, &to, &["check", "--create-database"])?);
    let missing: Vec<&&str> = words.iter().filter(|word| !said.contains(**word)).collect();
    if missing.is_empty() {
        return Ok(Ok(format!("{} warnings are said", words.len())));
    }
    Ok(Err(format!("{missing:?} is missing in:\n{said}")))
}

pub(crate) async fn not_yet(
    source: u32,
    destination: u32,
) -> Result<Result<String, String>, String> {
    servers::fixture(source).await?;
    let words = [
        "The destination is older",
        "lacks the privilege MAINTAIN",
        "lacks the builtin locale provider",
        "lacks virtual generated columns",
        "table app.virtual",
        "lacks named NOT NULL constraints",
        "lacks keys WITHOUT OVERLAPS",
        "lacks constraints that are not enforced",
    ];
    check(source, "fixture", destination, &words).await
}

pub(crate) async fn not_any_more(
    source: u32,
    destination: u32,
) -> Result<Result<String, String>, String> {
    let server = servers::server(source)?;
    support::create_database(&server.endpoint("postgres"), "removed").await;
    support::execute_batch(&server.endpoint("removed"), REMOVED).await;
    let words = [
        "no longer have column oid of WITH OIDS",
        "- public.with_oids",
        "no longer have type abstime",
        "- public.aged.at",
        "no longer have postfix operators",
        "no longer have aggregates over functions of anyarray",
    ];
    check(source, "removed", destination, &words).await
}
