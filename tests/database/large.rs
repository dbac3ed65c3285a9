//! What is done otherwise for tables that are large: keys made from indexes that were built beside others.

use crate::migrate::{howdah, said};
use crate::support;

/// Keys of every kind on tables whose indexes are worth a second step: some 20 MB each.
const KEYS: &str = "
    create table plain (id text collate \"C\" constraint \"the PRIMARY key\" primary key with (fillfactor = 80), a text, b int);
    alter table plain add constraint deferred unique (a) include (b) deferrable initially deferred,
        add constraint no_two_nulls unique nulls not distinct (b), replica identity using index \"the PRIMARY key\";
    create index on plain (b, a);
    alter table plain cluster on deferred;
    create table parts (id text, at int not null, primary key (id, at)) partition by range (at);
    create table parts_1 partition of parts for values from (0) to (5000);
    create table parts_2 partition of parts for values from (5000) to (90000);
    create index on parts (at, id);
    insert into plain select repeat(md5(g::text), 7) || sha512(g::text::bytea)::text, sha512(g::text::bytea)::text, nullif(g, 7)
      from generate_series(1, 30000) g;
    insert into parts select a || id, b from plain where b is not null;
    create table refers (id text references plain deferrable, part text, at int, foreign key (part, at) references parts);
    insert into refers select p.id, q.id, q.at from plain p join parts q on q.at = p.b where p.b % 100 = 0;
    comment on constraint deferred on plain is 'checked at the end';
    comment on index \"the PRIMARY key\" is 'a key';";

#[tokio::test]
async fn a_key_that_takes_its_index_over_is_the_same_key() {
    let pair = support::databases("keys").await;
    support::execute_batch(&pair.source, KEYS).await;
    let plan = said(&howdah("plan", &pair, &[]));
    for name in [
        r#"PRIMARY KEY USING INDEX "the PRIMARY key""#,
        "UNIQUE USING INDEX deferred DEFERRABLE INITIALLY DEFERRED",
        "UNIQUE USING INDEX no_two_nulls;",
        "PRIMARY KEY USING INDEX parts_2_pkey",
    ] {
        assert!(plan.contains(name), "{name} is not in:\n{plan}");
    }
    for method in ["copy", "fdw"] {
        let other = support::databases("keys").await;
        let pair = support::Pair {
            source: pair.source.clone(),
            destination: other.destination,
        };
        let run = howdah("run", &pair, &["--yes", "--method", method, "--jobs", "3"]);
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{}", said(&run));
    }
}
