//! Objects that are named alike, or almost, are carried each as itself.

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

const NAMESAKES: &str = include_str!("fixtures/namesakes.sql");
const CLASSES: &str = "
    create operator class twice for type int using hash as operator 1 =, function 1 hashint4(int);
    create operator class twice for type int using btree
        as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(int, int);
    comment on operator class twice using hash is 'hashed';
    comment on operator class twice using btree is 'sorted'";

async fn filled() -> Pair {
    // Roles belong to the whole server.
    static ROLES: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    ROLES
        .get_or_init(|| async {
            let servers = support::servers();
            for server in [&servers.source, &servers.destination] {
                let maintenance = server.endpoint("postgres");
                support::execute_batch(
                    &maintenance,
                    "create role namesake_one; create role namesake_two",
                )
                .await;
            }
        })
        .await;
    let pair = support::databases("namesakes").await;
    support::role::join_roles(&pair, "^namesake_").await;
    support::execute_batch(&pair.source, NAMESAKES).await;
    if !support::role::part_needs_superuser("operator classes") {
        support::execute_batch(&pair.source, CLASSES).await;
    }
    pair
}

#[tokio::test]
async fn namesakes_are_carried_each_as_itself() {
    for method in ["copy", "fdw"] {
        let pair = filled().await;
        let run = howdah("run", &pair, &["--yes", "--method", method]);
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, [""; 0], "{}", said(&run));
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    }
}

#[tokio::test]
async fn only_what_has_the_very_name_is_removed() {
    let pair = filled().await;
    let there =
        "create table half (id int); insert into half values (7); create table \"half(\" (old int)";
    support::execute_batch(&pair.destination, there).await;
    let run = howdah("run", &pair, &["--yes", "--on-existing", "empty"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    assert_eq!(
        support::query_text(&pair.destination, "select * from half").await,
        "7"
    );
    assert_eq!(
        support::query_text(&pair.destination, "select id from \"half(\"").await,
        "1"
    );
}
