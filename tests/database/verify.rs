//! `howdah verify`, and what a run says of a copy that cannot be whole.

use std::process::Output;

use serde_json::Value;

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

const SOURCE: &str = "
    create table city (id int primary key, name text not null);
    insert into city select i, 'city ' || i from generate_series(1, 500) as i;
    create table visit (id serial primary key, city int, happened timestamptz, note bytea);
    insert into visit (city, happened, note)
        select i % 500 + 1, '2020-01-01'::timestamptz + i * interval '1 hour', decode(md5(i::text), 'hex')
          from generate_series(1, 2000) as i;
    create index visit_city on visit (city);
    create function touch() returns trigger language plpgsql as 'begin return new; end';
    create trigger visit_touch before update on visit for each row execute function touch();
    alter table visit add foreign key (city) references city;
    select lo_from_bytea(70001, 'one'), lo_from_bytea(70002, 'two');
";

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

/// The report of a command that was asked for JSON lines.
fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let finished = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON lines"))
        .find(|event| event["event"] == "finished");
    finished.expect("a last event")["report"].clone()
}

async fn copied(name: &str, source: &str) -> Pair {
    let pair = support::databases(name).await;
    support::execute_batch(&pair.source, source).await;
    assert_code(&howdah("run", &pair, &["--yes"]), 0);
    pair
}

#[tokio::test]
async fn each_seeded_difference_is_found_and_named() {
    let pair = copied("seeded", SOURCE).await;
    let equal = howdah("verify", &pair, &["--json"]);
    assert_code(&equal, 0);
    let equal = report(&equal);
    assert_eq!(equal["definitions"]["verdict"], "equal", "{equal}");
    assert_eq!(equal["tables"].as_array().unwrap().len(), 2);
    for (spoil, mend, object) in [
        (
            "update visit set note = set_byte(note, 3, get_byte(note, 3) # 1) where id = 77",
            "update visit set note = set_byte(note, 3, get_byte(note, 3) # 1) where id = 77",
            "public.visit: the same number of rows",
        ),
        (
            "delete from visit where id = 1999",
            "insert into visit select 1999, 1999 % 500 + 1, '2020-01-01'::timestamptz + 1999 * interval '1 hour', decode(md5('1999'), 'hex')",
            "public.visit: 2,000 rows on the source, 1,999 on the destination",
        ),
        (
            "select setval('visit_id_seq', 2001)",
            "select setval('visit_id_seq', 2000)",
            "public.visit_id_seq: 2000 on the source, 2001 on the destination",
        ),
        (
            "drop index visit_city",
            "create index visit_city on visit (city)",
            "index public.visit_city: missing",
        ),
        (
            "create index extra on visit (note)",
            "drop index extra",
            "index public.extra: only on the destination",
        ),
        (
            "alter table visit disable trigger visit_touch",
            "alter table visit enable trigger visit_touch",
            "trigger public.visit visit_touch: defined differently",
        ),
        (
            "select lo_put(70002, 0, 'T')",
            "select lo_put(70002, 0, 't')",
            "the large objects",
        ),
        (
            "alter table visit rename to visits",
            "alter table visits rename to visit",
            "public.visit: the destination has no such table with these columns",
        ),
    ] {
        support::execute_batch(&pair.destination, spoil).await;
        let found = howdah("verify", &pair, &[]);
        assert_code(&found, 4);
        assert!(said(&found).contains(object), "{object}:\n{}", said(&found));
        support::execute_batch(&pair.destination, mend).await;
    }
    assert_code(&howdah("verify", &pair, &[]), 0);
}

/// Comparing is reading: both servers refuse anything else from these sessions.
#[tokio::test]
async fn comparing_leaves_both_sides_as_they_are() {
    let pair = copied("only_read", SOURCE).await;
    let state = "select array_agg((oid, xmin, relname)::text order by oid) from pg_class";
    let before = support::query_text(&pair.destination, state).await;
    assert_code(&howdah("verify", &pair, &["--include", "visit"]), 0);
    assert_eq!(before, support::query_text(&pair.destination, state).await);
}

const VIOLATED: &str = "
    create table parent (a int, b text, primary key (a, b));
    insert into parent values (1, 'x');
    create table child (id int primary key, a int, b text);
    insert into child values (1, 1, 'x'), (2, 2, 'y'), (3, 3, 'z'), (4, null, 'q');
    alter table child add constraint child_parent foreign key (a, b) references parent not valid;
    create table whole (id int primary key, a int, b text, constraint whole_parent foreign key (a, b) references parent match full not valid);
    set session_replication_role = replica;
    insert into whole values (1, 1, null), (2, 1, 'x');
    update pg_constraint set convalidated = true where conname in ('child_parent', 'whole_parent');
";

/// What an old `ALTER TABLE … DISABLE TRIGGER ALL` leaves behind: a valid foreign key that the rows break.
#[tokio::test]
async fn a_violated_foreign_key_is_added_for_new_rows_and_its_orphans_are_counted() {
    for method in ["copy", "fdw"] {
        let pair = support::databases("violated").await;
        support::role::execute_with_power(&pair.source, VIOLATED).await;
        let run = howdah("run", &pair, &["--yes", "--json", "--method", method]);
        assert_code(&run, 4);
        let report = report(&run);
        let open = report["unfinished"].as_array().unwrap();
        assert_eq!(open.len(), 2, "{report}");
        assert_eq!(open[0]["violations"], 2);
        assert_eq!(open[0]["sample"], serde_json::json!(["(2,y)", "(3,z)"]));
        assert_eq!(open[1]["violations"], 1);
        assert_eq!(report["failures"], serde_json::json!([]));
        assert_eq!(report["warnings"], serde_json::json!([]));
        let left = "select conname, convalidated from pg_constraint where contype = 'f' order by 1";
        assert_eq!(
            support::query_text(&pair.destination, left).await,
            "child_parent|f\nwhole_parent|f"
        );
        // What the report says to do works, once the rows are mended.
        support::execute_batch(&pair.destination, "delete from child where id in (2, 3)").await;
        let validate = open[0]["statement"].as_str().unwrap();
        support::execute_batch(&pair.destination, validate).await;
    }
}

/// Values that only what their types write tells apart: a cast to text of the user's hides a part of one, that of `bpchar`
/// its blanks. An `xml` declaration is no part of a value: no COPY brings it.
#[tokio::test]
async fn checksums_are_of_what_a_type_writes_and_not_of_a_cast() {
    let source = r#"
        create type pair as (a int, b int);
        create function first_of(pair) returns text language sql immutable as 'select ($1).a::text';
        create cast (pair as text) with function first_of(pair);
        create table held (id int primary key, two pair, padded bpchar, page xml);
        insert into held values (1, (1, 2), 'x  ', '<?xml version="1.0" encoding="UTF-8"?><a>é</a>'), (2, null, '', null);
    "#;
    let pair = support::databases("written").await;
    support::execute_batch(&pair.source, source).await;
    let checksums = ["--verify", "checksums"];
    for method in ["copy", "fdw"] {
        let pair = support::further_destination(&pair).await;
        let run = howdah(
            "run",
            &pair,
            &[&["--yes", "--method", method], &checksums[..]].concat(),
        );
        assert_code(&run, 0);
        for (spoil, mend) in [
            ("two = (1, 999) where id = 1", "two = (1, 2) where id = 1"),
            ("padded = 'x' where id = 1", "padded = 'x  ' where id = 1"),
            ("padded = null where id = 2", "padded = '' where id = 2"),
            ("two = (null, null) where id = 2", "two = null where id = 2"),
        ] {
            support::execute_batch(&pair.destination, &format!("update held set {spoil}")).await;
            assert_code(&howdah("verify", &pair, &checksums), 4);
            support::execute_batch(&pair.destination, &format!("update held set {mend}")).await;
        }
        assert_code(&howdah("verify", &pair, &checksums), 0);
    }
}
