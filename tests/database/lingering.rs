//! The report names who would go on writing to the old database.

use crate::migrate::{howdah, said};
use crate::support;

// Several threads, so that the sessions of the set-up come to their end while howdah runs.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_still_on_the_source_are_named() {
    let pair = support::source_only("lingering").await;
    support::execute_batch(&pair.source, "create table t (id int)").await;
    let alone = howdah("run", &pair, &["--yes", "--create-database"]);
    assert!(
        !said(&alone).contains("Still connected"),
        "{}",
        said(&alone)
    );

    let pair = support::source_only("lingering").await;
    let one = support::connect(&pair.source).await;
    let other = support::connect(&pair.source).await;
    for client in [&one, &other] {
        let name = "set application_name = 'old billing'";
        client.batch_execute(name).await.unwrap();
    }
    let run = howdah("run", &pair, &["--yes", "--create-database"]);
    let words = said(&run);
    assert!(words.contains("old billing as "), "{words}");
    assert!(words.contains("(2 sessions)"), "{words}");
    let name = &pair.source.database;
    let stop = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    assert!(words.contains(&stop), "{words}");
    // It is advice alone.
    let setting = "select count(*) from pg_db_role_setting s join pg_database d on d.oid = setdatabase where datname = current_database()";
    assert_eq!(support::query_text(&pair.source, setting).await, "0");
}
