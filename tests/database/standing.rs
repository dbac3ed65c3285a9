//! Rows into tables that are there already: what does not fit is said in advance, what stands there stays as it was.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use howdah::model::connection::{Endpoint, Secret, Side};

use crate::migrate::{howdah, said};
use crate::privileges::grants;
use crate::support::role::{is_owner, superuser};
use crate::support::{self, Pair};

/// Both databases with the same objects, or each with its own, and rows on the source.
async fn pair(name: &str, source: &str, destination: &str) -> Pair {
    let pair = support::databases(name).await;
    support::execute_batch(&pair.source, source).await;
    support::execute_batch(&pair.destination, destination).await;
    pair
}

/// The same destination through a role that is no superuser and owns everything in it.
async fn as_owner(pair: &Pair) -> Pair {
    if is_owner() {
        return pair.clone();
    }
    let role = format!("owner_{}", pair.destination.database);
    support::execute_batch(
        &pair.destination,
        &format!(
            "create extension postgres_fdw;
             create role {role} login password 'x';
             grant usage on foreign data wrapper postgres_fdw to {role};
             grant create on database {} to {role};
             grant usage, create on schema public to {role};
             do $$ declare one record; begin
                 for one in select oid::regclass as name from pg_class where relnamespace = 'public'::regnamespace
                     and relkind in ('r', 'p', 'm') loop
                     execute format('alter table %s owner to {role}', one.name);
                 end loop;
             end $$",
            pair.destination.database
        ),
    )
    .await;
    // By FDW this role cannot keep the login out of the destination's log, where other tests look for theirs.
    let make = format!("create role {role} superuser login password 'x'");
    support::execute_batch(&pair.source, &make).await;
    Pair {
        source: as_role(&pair.source, &role),
        destination: as_role(&pair.destination, &role),
    }
}

fn as_role(endpoint: &Endpoint, role: &str) -> Endpoint {
    Endpoint {
        user: role.to_owned(),
        password: Some(Secret::new("x")),
        ..endpoint.clone()
    }
}

/// What a run that is not gone on with has left is removed.
fn clean(pair: &Pair) -> Output {
    let uri = support::uri(&pair.destination);
    let mut command = Command::new(env!("CARGO_BIN_EXE_howdah"));
    command.args(["clean", "--yes", "--destination", &uri]);
    command.output().unwrap()
}

fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--schema", "none"], more].concat()
}

fn run(pair: &Pair, more: &[&str]) -> Output {
    howdah(
        "run",
        pair,
        &[&["--yes"], arguments(more).as_slice()].concat(),
    )
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

/// The check stops the run, and says each of these.
#[track_caller]
fn assert_stopped(pair: &Pair, more: &[&str], words: &[&str]) {
    let output = run(pair, more);
    assert_code(&output, 3);
    for word in words {
        assert!(
            said(&output).contains(word),
            "no \"{word}\" in {}",
            said(&output)
        );
    }
}

async fn rows(endpoint: &Endpoint, table: &str) -> String {
    let sql =
        format!("select count(*), md5(string_agg(x::text, '' order by x::text)) from {table} x");
    support::query_text(endpoint, &sql).await
}

async fn assert_same_rows(pair: &Pair, tables: &[&str]) {
    for table in tables {
        let (source, destination) = (
            rows(&pair.source, table).await,
            rows(&pair.destination, table).await,
        );
        assert_eq!(source, destination, "{table}");
    }
}

/// What must be as it was, whatever a run did: triggers with their states, foreign keys with their comments, howdah's own.
const STANDING: &str = "
    select tgrelid::regclass || ' ' || tgname || ' ' || tgenabled::text from pg_trigger where not tgisinternal
    union all
    select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || coalesce(obj_description(oid, 'pg_constraint'), '')
      from pg_constraint where contype = 'f' and conparentid = 0
    union all
    select nspname from pg_namespace where nspname like 'howdah%'
    order by 1";

async fn standing(endpoint: &Endpoint) -> String {
    support::query_text(endpoint, STANDING).await
}

/// A trigger in each state, for rows, statements and TRUNCATE; each refuses.
const GUARDED: &str = "
    create table guarded (id int generated always as identity primary key, n int, twice int generated always as (n * 2) stored);
    create function refuse() returns trigger language plpgsql as $$ begin raise '% fired', tg_name; end $$;
    create trigger by_origin before insert on guarded for each row execute function refuse();
    create trigger by_none before insert on guarded for each row execute function refuse();
    create trigger by_replica after insert on guarded for each row execute function refuse();
    create trigger \"By always\" before insert on guarded for each statement execute function refuse();
    create constraint trigger deferred after insert on guarded deferrable initially deferred for each row execute function refuse();
    create trigger no_truncate before truncate on guarded for each statement execute function refuse();
    create trigger never_truncate before truncate on guarded for each statement execute function refuse();
    alter table guarded disable trigger by_none;
    alter table guarded enable replica trigger by_replica;
    alter table guarded enable always trigger \"By always\";
    alter table guarded enable always trigger never_truncate;";

const GUARDED_ROWS: &str = "
    create table guarded (id int generated always as identity primary key, n int, twice int generated always as (n * 2) stored);
    insert into guarded (n) select g from generate_series(1, 500) g;";

#[tokio::test]
async fn no_trigger_fires_and_each_is_as_it_was() {
    let pair = pair("triggers", GUARDED_ROWS, GUARDED).await;
    let owner = as_owner(&pair).await;
    let before = standing(&pair.destination).await;
    for (method, on_existing, who) in [
        ("copy", "stop", &pair),
        ("fdw", "empty", &pair),
        ("copy", "empty", &owner),
        ("fdw", "empty", &owner),
    ]
    .into_iter()
    .take(if is_owner() { 2 } else { 4 })
    {
        let output = run(who, &["--method", method, "--on-existing", on_existing]);
        assert_code(&output, 0);
        assert_eq!(said(&output).contains("Pull the rows"), method == "fdw");
        // Who cannot keep the login out of the server's log is told so.
        let is_logged = method == "fdw" && who.destination.user == owner.destination.user;
        assert_eq!(
            said(&output).contains("log will hold the source's password"),
            is_logged
        );
        assert_same_rows(&pair, &["guarded"]).await;
        assert_eq!(standing(&pair.destination).await, before);
    }
    let next = "select nextval(pg_get_serial_sequence('guarded', 'id'))";
    assert_eq!(support::query_text(&pair.destination, next).await, "501");
}

/// Keys in a ring, to itself, and in an order that names do not give.
const KEYS: &str = "
    create table a (id int primary key, b int, boss int references a);
    create table b (id int primary key, a int references a deferrable initially deferred);
    create table child (id int primary key, parent int not null);
    create table parent (id int primary key);
    alter table a add constraint \"to B\" foreign key (b) references b on delete cascade;
    alter table child add foreign key (parent) references parent;
    comment on constraint \"to B\" on a is 'it''s a ring';";

const KEYS_ROWS: &str = "
    begin;
    set constraints all deferred;
    alter table a drop constraint \"to B\";
    insert into a select g, g, nullif(g + 1, 51) from generate_series(1, 50) g;
    insert into b select g, g from generate_series(1, 50) g;
    insert into parent select generate_series(1, 50);
    insert into child select g, 51 - g from generate_series(1, 50) g;
    commit;";

#[tokio::test]
async fn foreign_keys_stand_as_they_stood() {
    let pair = pair("keys", &format!("{KEYS}{KEYS_ROWS}"), KEYS).await;
    let owner = as_owner(&pair).await;
    let before = standing(&pair.destination).await;
    let tables = ["a", "b", "child", "parent"];
    for (method, who) in [
        ("copy", &owner),
        ("fdw", &owner),
        ("copy", &pair),
        ("fdw", &pair),
    ]
    .into_iter()
    .take(if is_owner() { 2 } else { 4 })
    {
        let output = run(who, &["--method", method, "--on-existing", "empty"]);
        assert_code(&output, 0);
        assert_eq!(
            said(&output).contains("Put back foreign key public.a to B"),
            who.destination.user == owner.destination.user,
            "{}",
            said(&output)
        );
        assert_same_rows(&pair, &tables).await;
        assert_eq!(standing(&pair.destination).await, before, "{method}");
    }
}

#[tokio::test]
async fn rows_that_break_a_silenced_key_are_told() {
    let source = "create table parent (id int primary key); create table child (parent int);
        insert into parent values (1); insert into child values (1), (7), (null)";
    let destination = "create table parent (id int primary key); create table child (parent int references parent)";
    let pair = pair("orphans", source, destination).await;
    if !is_owner() {
        let output = run(&pair, &[]);
        assert_code(&output, 4);
        let told = said(&output);
        for words in [
            "1 row refers to nothing, such as (7)",
            "ALTER TABLE public.child DROP CONSTRAINT child_parent_fkey, ADD CONSTRAINT",
        ] {
            assert!(told.contains(words), "{told}");
        }
    }

    let owner = as_owner(&pair).await;
    let output = run(&owner, &["--on-existing", "empty"]);
    assert_code(&output, 4);
    assert!(
        said(&output).contains("done as NOT VALID; 1 row refers to nothing"),
        "{}",
        said(&output)
    );
    let valid = "select convalidated from pg_constraint where conname = 'child_parent_fkey'";
    assert_eq!(support::query_text(&pair.destination, valid).await, "f");
}

/// Its check at the end of a transaction is a trigger as well: silenced, it would let the pair pass.
#[tokio::test]
async fn a_deferrable_key_is_not_silenced() {
    let source = "create table t (id int); insert into t values (1), (1)";
    let destination = "create table t (id int primary key deferrable initially deferred)";
    let pair = pair("deferrable", source, destination).await;
    let output = run(&pair, &[]);
    assert_code(&output, 1);
    assert!(said(&output).contains("t_pkey"), "{}", said(&output));
    assert_eq!(
        support::query_text(&pair.destination, "select count(*) from t").await,
        "0"
    );
}

#[tokio::test]
async fn columns_that_do_not_fit_stop_the_run() {
    let pair = pair(
        "columns",
        "create table lacking (a int, b int); create table wanting (a int); create table typed (a int);
         create table looked (a int); create table afar (a int); create table gone (a int); create table odd ()",
        "create table lacking (a int); create table wanting (a int, \"Must\" int not null); create table typed (a date);
         create view looked as select 1 as a; create table odd (a int);
         create extension if not exists postgres_fdw; create server s foreign data wrapper postgres_fdw;
         create foreign table afar (a int) server s",
    )
    .await;
    assert_stopped(
        &pair,
        &[],
        &[
            "1 columns are missing on the destination",
            "public.lacking: b",
            "1 columns of the destination get no value",
            "public.wanting: Must",
            "public.typed: a is integer on the source, date here",
            "public.looked is a view",
            "public.afar is, or has, a foreign table",
            "1 tables are missing",
            "public.gone",
            "have no column in common",
        ],
    );
    assert_eq!(standing(&pair.destination).await, "");
}

#[tokio::test]
async fn columns_are_matched_by_name() {
    let source = "
        create table t (id int primary key, name varchar(10), made int generated always as (id + 1) stored,
            kept int, dropped int generated always as (1) stored, mood text);
        insert into t (id, name, kept, mood) select g, 'n' || g, g, 'ok' from generate_series(1, 100) g";
    let destination = "
        create type mood as enum ('ok', 'sad');
        create table t (extra int, mood mood, kept int generated always as (id * 10) stored, more text not null default 'x',
            made int, name text, id bigint primary key)";
    let pair = pair("matched", source, destination).await;
    for (method, on_existing) in [("copy", "stop"), ("fdw", "empty")] {
        let arguments = [
            "--method",
            method,
            "--on-existing",
            on_existing,
            "--verify",
            "checksums",
            "--exclude",
            "nothing",
        ];
        let output = run(&pair, &arguments);
        assert_code(&output, 0);
        let told = said(&output);
        for word in [
            "public.t: id is integer on the source, bigint here",
            "public.t: column kept is computed by the destination",
            "public.t: dropped",
        ] {
            assert!(told.contains(word), "no \"{word}\" in {told}");
        }
        let facts = "select count(*), sum(id), sum(made), sum(kept), min(more), count(extra), max(mood) from t";
        assert_eq!(
            support::query_text(&pair.destination, facts).await,
            "100|5050|5150|50500|x|0|ok"
        );
    }
}

/// By FDW too, where the destination's own columns do not keep it from being compared value by value.
#[tokio::test]
async fn checksums_look_at_the_columns_of_both() {
    let source = "create table t (id int, n numeric, made int generated always as (id + 1) stored);
        insert into t (id, n) select g, g / 3.0 from generate_series(1, 100) g";
    let destination = "create table t (extra text default 'x', made int, n numeric, id int)";
    let pair = pair("both", source, destination).await;
    for (method, on_existing) in [("copy", "stop"), ("fdw", "empty")] {
        let arguments = [
            "--method",
            method,
            "--on-existing",
            on_existing,
            "--verify",
            "checksums",
        ];
        assert_code(&run(&pair, &arguments), 0);
        let facts = "select count(*), sum(made) from t";
        assert_eq!(
            support::query_text(&pair.destination, facts).await,
            "100|5150"
        );
    }
}

#[tokio::test]
async fn a_domain_of_the_same_name_is_not_trusted_to_be_the_same() {
    let source = "create domain d as int; create table t (a d); insert into t values (1), (2)";
    let destination = "create domain d as text; create table t (a d)";
    let pair = pair("domain", source, destination).await;
    assert_code(&run(&pair, &[]), 0);
    assert_same_rows(&pair, &["t"]).await;
}

#[tokio::test]
async fn what_the_role_may_not_do_stops_the_run() {
    let source = "create table closed (a int); create table hidden (a int); create table guarded (a int); create table child (a int);
        create table parent (a int); create sequence counter; create sequence other";
    let destination =
        "create table closed (a int); create table hidden (a int); create table guarded (a int);
        create table parent (a int primary key); create table child (a int references parent);
        create function f() returns trigger language plpgsql as 'begin return new; end';
        create trigger watch after insert on guarded for each row execute function f();
        alter table hidden enable row level security; create sequence counter";
    let pair = pair("rights", source, destination).await;
    let role = format!("guest_{}", pair.destination.database);
    let admin = superuser(&pair.destination);
    support::execute_batch(
        &admin,
        &format!(
            "create role {role} login password 'x'; grant create on database {} to {role}; grant usage on schema public to {role};
             grant insert, select on hidden, guarded, child, parent to {role}; grant select on closed to {role}; create policy p on hidden",
            pair.destination.database
        ),
    )
    .await;
    let guest = Pair {
        source: pair.source.clone(),
        destination: as_role(&pair.destination, &role),
    };
    assert_stopped(
        &guest,
        &[],
        &[
            "may not fill 1 tables",
            "public.closed",
            "Row-level security of 1 tables binds",
            "public.hidden",
            "public.guarded: trigger watch",
            "public.child: foreign key child_a_fkey",
            "1 sequences are missing on the destination",
            "public.other",
            "may not set 1 sequences",
        ],
    );
    // Who may silence them needs not own them: what the check names is enough.
    let grants = grants(&said(&run(&guest, &[])));
    for grant in [
        format!("GRANT INSERT, SELECT ON TABLE public.closed TO {role};"),
        format!("GRANT SET ON PARAMETER session_replication_role TO {role};"),
        format!("GRANT UPDATE, SELECT ON SEQUENCE public.counter TO {role};"),
    ] {
        assert!(grants.contains(&(Side::Destination, grant)), "{grants:?}");
    }
    for (_, grant) in grants {
        support::execute_batch(&admin, &grant).await;
    }
    support::execute_batch(
        &pair.source,
        "insert into child values (1); insert into parent values (1)",
    )
    .await;
    assert_code(&run(&guest, &["--exclude", "other"]), 0);
    assert_same_rows(&pair, &["child", "parent"]).await;
}

#[tokio::test]
async fn trees_of_partitions_may_differ() {
    let tree = "create table t (at date, n int) partition by range (at);
        create table t_1 partition of t for values from ('2020-01-01') to ('2021-01-01');
        create table t_2 partition of t for values from ('2021-01-01') to ('2022-01-01');
        create table t_rest partition of t default;";
    let rows = "insert into t select '2019-06-01'::date + g * 7, g from generate_series(1, 200) g";
    let other = "create function refuse() returns trigger language plpgsql as $$ begin raise 'fired'; end $$;
        create table t (n int, at date) partition by list (n);
        create table t_1 partition of t for values in (1, 2, 3);
        create table t_rest partition of t default;
        create trigger of_all before insert on t for each row execute function refuse();
        create trigger of_one after insert on t_rest for each row execute function refuse();
        alter table t_1 enable always trigger of_all";
    let plain = "create table t (at date, n int)";
    for (name, source, destination, words) in [
        (
            "like",
            format!("{tree}{rows}"),
            tree.to_owned(),
            "Copy the rows of public.t_1",
        ),
        (
            "unlike",
            format!("{tree}{rows}"),
            other.to_owned(),
            "Rows of public.t_1 go through public.t",
        ),
        (
            "flat",
            format!("{tree}{rows}"),
            plain.to_owned(),
            "Rows of public.t_1 go into public.t",
        ),
        (
            "parted",
            format!("{plain};{rows}"),
            tree.to_owned(),
            "Rows of public.t go through public.t",
        ),
    ] {
        let pair = pair(name, &source, &destination).await;
        let before = standing(&pair.destination).await;
        for (method, on_existing) in [("copy", "stop"), ("fdw", "empty")] {
            let output = run(
                &pair,
                &[
                    "--method",
                    method,
                    "--on-existing",
                    on_existing,
                    "--jobs",
                    "3",
                ],
            );
            assert_code(&output, 0);
            assert!(
                said(&output).contains(words) || method == "fdw" && name == "like",
                "{}",
                said(&output)
            );
            assert_same_rows(&pair, &["(select at, n from t)"]).await;
            assert_eq!(standing(&pair.destination).await, before);
        }
        assert_stopped(&pair, &[], &["of the destination hold rows"]);
        let added = run(&pair, &["--on-existing", "append", "--jobs", "3"]);
        assert_code(&added, 0);
        let count = "select count(*) from t";
        assert_eq!(support::query_text(&pair.destination, count).await, "400");
    }
}

/// One transaction pulls both tables: what silences the first must not hold for the second, whose key a trigger of the server's
/// own checks.
#[tokio::test]
async fn a_deferrable_key_is_checked_behind_a_table_that_is_silenced() {
    let source = "create table first (n int, pad text); create table second (n int);
        insert into first select g, repeat('x', 500) from generate_series(1, 100) g;
        insert into second values (1), (1)";
    let destination = "create table first (n int, pad text);
        create table second (n int unique deferrable initially deferred)";
    let pair = pair("behind", source, destination).await;
    let output = run(&pair, &["--method", "fdw", "--jobs", "1"]);
    assert_code(&output, 1);
    assert!(said(&output).contains("second_n_key"), "{}", said(&output));
    let count = "select count(*) from second";
    assert_eq!(support::query_text(&pair.destination, count).await, "0");
}

#[tokio::test]
async fn a_rule_does_not_swallow_rows_by_fdw() {
    let source = "create table t (n int); insert into t values (1), (2)";
    let destination =
        "create table t (n int); create rule swallow as on insert to t do instead nothing";
    let pair = pair("rule", source, destination).await;
    let output = run(&pair, &["--method", "fdw"]);
    assert_code(&output, 0);
    assert!(
        said(&output).contains("Copy the rows of public.t"),
        "{}",
        said(&output)
    );
    assert_same_rows(&pair, &["t"]).await;
}

#[tokio::test]
async fn rows_are_added_and_counted() {
    let source = "create table t (id int generated by default as identity primary key, n int);
        insert into t (id, n) select g, g from generate_series(101, 150) g;
        select setval('t_id_seq', 150);
        create table u (id serial); select setval('u_id_seq', 500)";
    let destination = "create table t (id int generated by default as identity primary key, n int);
        insert into t (n) select 0 from generate_series(1, 50);
        create table u (id serial); select setval('u_id_seq', 900)";
    for method in ["copy", "fdw"] {
        let pair = pair("append", source, destination).await;
        assert_stopped(&pair, &[], &["public.t: 50 rows"]);
        let report = std::env::temp_dir().join(format!("{}.json", pair.source.database));
        let output = run(
            &pair,
            &[
                "--method",
                method,
                "--on-existing",
                "append",
                "--report",
                report.to_str().unwrap(),
            ],
        );
        assert_code(&output, 0);
        let text = std::fs::read_to_string(&report).unwrap();
        std::fs::remove_file(&report).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let table = &report["tables"][0];
        assert_eq!(table["source_rows"], 50, "{table}");
        assert_eq!(table["destination_rows"], 50, "{table}");
        assert_eq!(table["verdict"], "equal", "{table}");
        assert_eq!(
            support::query_text(&pair.destination, "select count(*) from t").await,
            "100"
        );
        let next = "select nextval('t_id_seq'), nextval('u_id_seq')";
        assert_eq!(
            support::query_text(&pair.destination, next).await,
            "151|901"
        );

        // A key that is there already is named, and the table is as it was.
        let again = run(&pair, &["--method", method, "--on-existing", "append"]);
        assert_code(&again, 1);
        assert!(
            said(&again).contains("constraint t_pkey"),
            "{}",
            said(&again)
        );
        assert!(said(&again).contains("(id)=(101)"), "{}", said(&again));
        assert_eq!(
            support::query_text(&pair.destination, "select count(*) from t").await,
            "100"
        );
    }
}

#[tokio::test]
async fn a_table_that_stays_keeps_others_from_being_emptied() {
    let source = "create table parent (id int primary key); insert into parent values (1)";
    let destination = "create table parent (id int primary key); create table elsewhere (p int references parent);
        insert into parent values (2)";
    let pair = pair("kept", source, destination).await;
    assert_stopped(
        &pair,
        &["--on-existing", "empty"],
        &["public.elsewhere: elsewhere_p_fkey refers to public.parent"],
    );
    support::execute_batch(&pair.source, "create table elsewhere (p int)").await;
    assert_code(&run(&pair, &["--on-existing", "empty"]), 0);
    assert_same_rows(&pair, &["parent"]).await;
}

#[tokio::test]
async fn views_that_are_out_of_date_are_named_in_their_order() {
    let source =
        "create table t (n int); insert into t values (1), (2); create table quiet (n int)";
    let destination = "create table t (n int); create view v as select * from t;
        create materialized view a as select 1 as one; drop materialized view a;
        create materialized view z as select count(*) from v;
        create materialized view a as select * from z;
        create table quiet (n int); create table aside (n int); create materialized view other as select * from aside;
        create materialized view empty as select * from t with no data";
    let pair = pair("views", source, destination).await;
    let output = run(&pair, &[]);
    assert_code(&output, 0);
    let told = said(&output);
    let at = |view: &str| told.find(&format!("REFRESH MATERIALIZED VIEW public.{view};"));
    assert!(at("z").is_some() && at("z") < at("a"), "{told}");
    assert_eq!((at("other"), at("empty")), (None, None), "{told}");
}

#[tokio::test]
async fn what_is_removed_is_told_with_its_rows_first() {
    let source = "create table big (n int); create table t (n int)";
    let destination =
        "create function a() returns int language sql as 'select 1'; create table t (n int);
        create table big (n int); insert into big select generate_series(1, 42)";
    let pair = pair("removed", source, destination).await;
    let check = howdah("check", &pair, &["--on-existing", "empty"]);
    let told = said(&check);
    let at = |text: &str| {
        told.find(text)
            .unwrap_or_else(|| panic!("no \"{text}\" in {told}"))
    };
    assert!(at("table public.big, 42 rows") < at("table public.t, 0 rows"));
    let check = howdah("check", &pair, &[]);
    let told = said(&check);
    assert!(
        told.find("table public.big, 42 rows") < told.find("function public.a()"),
        "{told}"
    );
}

#[tokio::test]
async fn a_database_that_is_not_there_has_no_tables() {
    let pair = support::source_only("nowhere").await;
    let output = run(&pair, &["--create-database"]);
    assert_code(&output, 3);
    assert!(
        said(&output).contains("neither do its tables"),
        "{}",
        said(&output)
    );
}

/// Rows that take their time on the destination, behind triggers and between foreign keys.
const SLOW_SOURCE: &str = "
    create table parent (id int primary key); create table slow (id int primary key, parent int);
    insert into parent values (1); insert into slow select g, 1 from generate_series(1, 1000) g";
const SLOW_DESTINATION: &str = "
    create function slowly(int) returns bool immutable language sql as 'select pg_catalog.pg_sleep(0.02) is not null';
    create table parent (id int primary key);
    create table slow (id int primary key check (public.slowly(id)), parent int references parent);
    comment on constraint slow_parent_fkey on slow is 'mine';
    create function refuse() returns trigger language plpgsql as $$ begin raise 'fired'; end $$;
    create trigger ordinary before insert on slow for each row execute function refuse();
    create trigger always before insert on slow for each row execute function refuse();
    alter table slow enable always trigger always;";

/// Starts the program and waits until rows are on their way.
async fn in_the_middle(pair: &Pair, method: &str) -> std::process::Child {
    let child = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--schema", "none", "--method", method])
        .args([
            "--source",
            &support::uri(&pair.source),
            "--destination",
            &support::uri(&pair.destination),
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(pair, "state = 'active' and wait_event = 'PgSleep'", "1").await;
    child
}

/// Until that many of howdah's sessions are so on the destination.
async fn wait_for(pair: &Pair, state: &str, number: &str) {
    let admin = support::servers()
        .destination
        .endpoint(&pair.destination.database);
    let question = format!(
        "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'howdah%' and {state}"
    );
    let began = Instant::now();
    while support::query_text(&admin, &question).await != number {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "not {number} sessions that are {state}"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn stopped_in_the_middle_everything_stands_as_it_stood() {
    for (method, is_owner) in [
        ("copy", true),
        ("fdw", true),
        ("copy", false),
        ("fdw", false),
    ]
    .into_iter()
    .take(if is_owner() { 2 } else { 4 })
    {
        let pair = pair("stopped", SLOW_SOURCE, SLOW_DESTINATION).await;
        let before = standing(&pair.destination).await;
        let who = if is_owner {
            as_owner(&pair).await
        } else {
            pair.clone()
        };
        let child = in_the_middle(&who, method).await;
        let interrupted = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(interrupted.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_code(&output, 130);
        // Beside what there was, the journal to go on with.
        assert_eq!(
            standing(&pair.destination).await,
            format!("howdah\n{before}"),
            "{method} {}",
            said(&output)
        );
        assert_eq!(
            support::query_text(&pair.destination, "select count(*) from slow").await,
            "0"
        );
        assert_code(&clean(&who), 0);
        assert_eq!(standing(&pair.destination).await, before, "{method}");
    }
}

#[tokio::test]
async fn killed_in_the_middle_nothing_is_lost() {
    for (method, is_owner) in [
        ("copy", true),
        ("fdw", true),
        ("copy", false),
        ("fdw", false),
    ]
    .into_iter()
    .take(if is_owner() { 2 } else { 4 })
    {
        let pair = pair("killed", SLOW_SOURCE, SLOW_DESTINATION).await;
        let before = standing(&pair.destination).await;
        let who = if is_owner {
            as_owner(&pair).await
        } else {
            pair.clone()
        };
        let mut child = in_the_middle(&who, method).await;
        child.kill().unwrap();
        child.wait().unwrap();
        // What a server has begun for a client that is gone it notices when it wants to tell it something.
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'howdah%'";
        support::execute_batch(&pair.destination, end).await;
        wait_for(&pair, "true", "0").await;
        assert_eq!(
            support::query_text(&pair.destination, "select count(*) from slow").await,
            "0"
        );

        // The next start says how to put back what was set aside, and doing so does it.
        let check = howdah("check", &who, &arguments(&["--json"]));
        assert_code(&check, 3);
        let fix = String::from_utf8_lossy(&check.stdout)
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .find(|event| event["id"] == "leftovers")
            .and_then(|event| event["findings"][0]["fix"].as_str().map(str::to_owned));
        // Keys are set aside by who may not silence them.
        assert_eq!(fix.is_some(), is_owner, "{fix:?}");
        if let Some(fix) = fix {
            assert!(fix.contains("ADD CONSTRAINT slow_parent_fkey"), "{fix}");
            support::execute_batch(&who.destination, &fix).await;
        } else {
            assert_code(&clean(&who), 0);
        }
        assert_eq!(standing(&pair.destination).await, before, "{method}");
    }
}
