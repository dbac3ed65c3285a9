//! Nothing is emptied unless it is asked for in so many words, after every check has passed, and told before.

use crate::migrate::{howdah, said};
use crate::support::{self, Pair, role};

/// What is there, and that it is the very same.
async fn standing(pair: &Pair) -> String {
    let question =
        "select relname, relfilenode, (select string_agg(mine, ',') from kept) from pg_class
        where relname = 'kept'";
    support::query_text(&pair.destination, question).await
}

#[tokio::test]
async fn a_destination_is_emptied_only_when_it_is_said_so_and_all_checks_pass() {
    let pair = support::databases("guarded").await;
    support::execute_batch(
        &pair.source,
        "create table kept (id int primary key); insert into kept values (7); create table other (id int)",
    )
    .await;
    support::execute_batch(
        &pair.destination,
        "create table kept (mine text); insert into kept values ('a'), ('b'), ('c'); create table theirs (id int)",
    )
    .await;
    let before = standing(&pair).await;
    let refuses = async |arguments: &[&str], code: i32, words: &str| {
        let run = howdah("run", &pair, arguments);
        assert_eq!(run.status.code(), Some(code), "{}", said(&run));
        assert!(said(&run).contains(words), "{words}: {}", said(&run));
        assert_eq!(standing(&pair).await, before, "{arguments:?}");
    };
    // To go ahead is not to empty, and to empty is not to go ahead.
    refuses(&["--yes"], 3, "--on-existing empty").await;
    refuses(&["--on-existing", "empty"], 2, "--yes").await;
    // A check that does not pass stops all of it.
    let nobody = format!("nobody_of_{}", pair.source.database);
    let mut owned = format!("create role {nobody}; alter table other owner to {nobody}");
    if role::is_owner() {
        // Or the check ends where the table cannot be read.
        owned += &format!("; grant {nobody} to \"{}\"", pair.source.user);
    }
    support::execute_batch(&role::superuser(&pair.source), &owned).await;
    refuses(&["--yes", "--on-existing", "empty"], 3, &nobody).await;

    let mine = format!("alter table other owner to {}", pair.source.user);
    support::execute_batch(&role::superuser(&pair.source), &mine).await;
    let run = howdah("run", &pair, &["--yes", "--on-existing", "empty"]);
    let text = said(&run);
    assert_eq!(run.status.code(), Some(0), "{text}");
    // By name and with its rows, before the first step.
    let (told, _) = text.split_once("done  ").unwrap();
    assert!(told.contains("table public.kept, 3 rows"), "{told}");
    let now = "select (select string_agg(id::text, ',') from kept), to_regclass('theirs')";
    assert_eq!(
        support::query_text(&pair.destination, now).await,
        "7|theirs"
    );
}
