//! What mends a finding: run from the Check screen where that is howdah's to do, all of it or nothing.

use std::sync::Mutex;

use howdah::checks::{self, Purpose, Told};
use howdah::engine;
use howdah::model::connection::{Endpoint, Secret};
use howdah::model::finding::{Fix, SqlFix};
use howdah::model::options::Options;

use crate::journeys::{ENTER, ESC, wizard};
use crate::support::{self, Pair};

async fn has_role(at: &Endpoint, role: &str) -> bool {
    let question = format!("select count(*) from pg_roles where rolname = '{role}'");
    support::query_text(at, &question).await == "1"
}

/// A table whose owner the destination does not know.
async fn lacking(name: &str) -> (Pair, String) {
    let pair = support::databases(name).await;
    let role = format!("unknown_of_{}", pair.source.database);
    let sql = format!(
        "create role {role}; create table public.owned (id int primary key); alter table public.owned owner to {role}"
    );
    support::execute_batch(&support::role::superuser(&pair.source), &sql).await;
    if support::role::is_owner() {
        let may = format!("alter role \"{}\" createrole", pair.destination.user);
        support::execute_batch(&support::role::superuser(&pair.destination), &may).await;
        let read = format!("grant {role} to \"{}\"", pair.source.user);
        support::execute_batch(&support::role::superuser(&pair.source), &read).await;
    }
    (pair, role)
}

#[tokio::test]
async fn a_fix_is_made_whole_or_not_at_all() {
    let (pair, role) = lacking("fix").await;
    let statements = [
        format!("CREATE ROLE {role} NOLOGIN;"),
        format!("GRANT CREATE ON SCHEMA nowhere TO {role};"),
    ];
    let refused = engine::mend(&pair.destination, &statements).await;
    assert_eq!(refused.unwrap_err().sqlstate.as_deref(), Some("3F000"));
    assert!(!has_role(&pair.destination, &role).await);
    engine::mend(&pair.destination, &statements[..1])
        .await
        .unwrap();
    assert!(has_role(&pair.destination, &role).await);
}

/// The fixes of one check, as it is run by itself.
async fn fixes(pair: &Pair, id: &str) -> Vec<SqlFix> {
    let results = Mutex::new(Vec::new());
    let hear = |told| match told {
        Told::Result(result) => results.lock().unwrap().push(result),
        Told::Again(again) => unreachable!("{again:?}"),
    };
    let (source, destination) = (pair.source.clone(), pair.destination.clone());
    let options = Options::default();
    checks::inspect_again(id, source, destination, options, Purpose::Wizard, hear)
        .await
        .unwrap();
    let results = results.into_inner().unwrap();
    // Beside it only what must be known to read at all.
    assert!(results.len() <= 7, "{results:?}");
    let result = results.into_iter().find(|one| one.id == id).unwrap();
    let findings = result.outcome.unwrap().into_iter();
    findings
        .filter_map(|one| match one.fix {
            Some(Fix::Sql(sql)) => Some(sql),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn who_may_not_make_roles_is_told_so_before_anything_is_tried() {
    if support::role::needs_superuser("it sets a superuser beside an ordinary role of its own") {
        return;
    }
    let (pair, role) = lacking("fix").await;
    let told = fixes(&pair, "roles").await;
    assert_eq!(
        told[0].statements,
        [format!("CREATE ROLE {role} NOLOGIN INHERIT;")]
    );
    assert_eq!(told[0].not_here, None);
    let plain = format!("plain_{}", pair.source.database);
    let sql = format!(
        "create role {plain} login password 'x'; alter database {} owner to {plain}",
        pair.destination.database
    );
    support::execute_batch(&pair.destination, &sql).await;
    let as_plain = Pair {
        source: pair.source.clone(),
        destination: Endpoint {
            user: plain.clone(),
            password: Some(Secret::new("x")),
            ..pair.destination.clone()
        },
    };
    let told = fixes(&as_plain, "roles").await;
    // It would have to become a member, too, to give objects away.
    assert_eq!(told[0].statements[1], format!("GRANT {role} TO {plain};"));
    assert!(
        told[0]
            .not_here
            .as_ref()
            .unwrap()
            .contains("may not run this")
    );
    let sql = format!("alter role {plain} createrole");
    support::execute_batch(&pair.destination, &sql).await;
    let told = fixes(&as_plain, "roles").await;
    assert!(told.iter().all(|one| one.not_here.is_none()), "{told:?}");
    let all: Vec<String> = told.into_iter().flat_map(|one| one.statements).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    engine::mend(&as_plain.destination, &all).await.unwrap();
    assert_eq!(fixes(&as_plain, "roles").await, []);
}

/// The check names the role, x makes it after the question, and the check is run once more by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_role_is_made_from_the_check_screen() {
    let (pair, role) = lacking("mended").await;
    let mut terminal = wizard(&pair, 80, 24);
    terminal.wait("Source · read only");
    terminal.press(ENTER);
    terminal.wait("Both connections work");
    terminal.press(ENTER);
    terminal.wait("1 role is missing on the destination");
    terminal.wait_until("the end of the checks", |screen| {
        !screen.contains("Esc cancels")
    });
    terminal.press("x");
    terminal.wait("Run this on the destination?");
    terminal.wait("CREATE ROLE unknown_of_mended");
    terminal.press(ESC);
    assert!(!has_role(&pair.destination, &role).await);
    terminal.press("x");
    terminal.wait("Run this on the destination?");
    terminal.press("\t\r");
    terminal.wait("that is named exists");
    terminal.wait_until_checked();
    assert!(has_role(&pair.destination, &role).await);
    // Another key on a check that is fine says why it does nothing.
    terminal.press("x");
    terminal.wait("There is no fix to run for this check.");
    terminal.press("q");
    assert_eq!(terminal.exit_code(), 0);
}
