//! Rows into tables that are there already.

use std::process::Output;

use howdah::model::connection::{Endpoint, Secret};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn rows_only(pair: &Pair, more: &[&str]) -> Output {
    howdah(
        "run",
        pair,
        &[&["--yes", "--schema", "none"], more].concat(),
    )
}

/// The same databases as a role that owns what it needs and is nothing more.
pub(crate) async fn as_owner(pair: &Pair, role: &str) -> Pair {
    let make = format!(
        "do $$ begin if not exists (select from pg_roles where rolname = '{role}') then
            create role {role} login password 'plain'; end if; end $$"
    );
    let mut owned = Vec::new();
    for side in [&pair.source, &pair.destination] {
        let superuser = support::role::superuser(side);
        support::execute_batch(&superuser, &make).await;
        let give = format!(
            "grant create on database \"{0}\" to {role};
             do $$ declare r record; begin
                for r in select c.oid::regclass as t from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
                loop execute format('alter table %s owner to {role}', r.t); end loop; end $$;
             alter schema public owner to {role}",
            side.database
        );
        support::execute_batch(&superuser, &give).await;
        owned.push(Endpoint {
            user: role.to_owned(),
            password: Some(Secret::new("plain".to_owned())),
            ..(*side).clone()
        });
    }
    let destination = owned.remove(1);
    Pair {
        source: owned.remove(0),
        destination,
    }
}

/// What triggers and keys look like: it must be the same before and after.
pub(crate) const STATE: &str = "select string_agg(tgrelid::regclass::text || ' ' || tgname || ' ' || tgenabled::text, ', ' order by tgrelid::regclass::text, tgname)
    from pg_trigger where not tgisinternal
    union all select string_agg(conrelid::regclass::text || ' ' || conname || ' ' || convalidated::text || ' ' || pg_get_constraintdef(oid), ', ' order by conname)
    from pg_constraint where contype = 'f'";

pub(crate) const ORIGINAL: &str = "
    create table parent (id int primary key, name text);
    create table child (id int generated always as identity primary key, parent int, day date, twice int generated always as (parent * 2) stored);
    insert into parent select i, 'p' || i from generate_series(1, 50) as i;
    insert into child (parent, day) select 1 + i % 50, date '2024-01-01' + i from generate_series(1, 200) as i;";

/// Columns in another order, one more, one wider, one computed on the other side; triggers in every state; keys both ways.
pub(crate) const THERE: &str = "
    create table noise (what text);
    create table parent (name varchar(100), extra int default 7, id bigint primary key);
    create table child (twice int, day date, parent bigint references parent, id int generated always as identity primary key, note text);
    create function shout() returns trigger language plpgsql as 'begin insert into noise values (tg_name); return new; end';
    create trigger origin before insert on child for each row execute function shout();
    create trigger always before insert on child for each row execute function shout();
    create trigger replica before insert on child for each row execute function shout();
    create trigger off before insert on child for each row execute function shout();
    alter table child enable always trigger always;
    alter table child enable replica trigger replica;
    alter table child disable trigger off;";

/// Not only relations, types and functions have names that can be taken.
#[tokio::test]
async fn whatever_is_in_the_way_is_told_and_removed() {
    let pair = support::databases("kinds").await;
    let (source, destination) = (&pair.source, &pair.destination);
    let foreign = if support::role::is_owner() {
        ""
    } else {
        "create operator family kin using btree;
         create foreign data wrapper kinds_wrapper; create server kinds_server foreign data wrapper kinds_wrapper;
         create function react() returns event_trigger language plpgsql as 'begin end';
         create event trigger kinds_event on ddl_command_end execute function react();"
    };
    let objects = format!(
        "create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         create publication kinds_publication;
         create type pair as (a int, b int);
         create function as_int(pair) returns int language sql immutable as 'select $1.a';
         create cast (pair as int) with function as_int(pair);
         create function same(pair, pair) returns bool language sql immutable as 'select $1.a = $2.a';
         create operator === (leftarg = pair, rightarg = pair, function = same);
         create text search configuration words (copy = english);
         create text search dictionary stems (template = simple);
         create conversion odd for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
         create table t (id int primary key, s text collate nocase);
         create statistics both_columns on id, s from t; {foreign}"
    );
    support::execute_batch(source, &objects).await;
    assert_code(&howdah("run", &pair, &["--yes"]), 0);
    let again = howdah("run", &pair, &["--yes", "--on-existing", "empty"]);
    assert_code(&again, 0);
    let told = said(&again);
    let at = |words: &str| {
        told.find(words)
            .unwrap_or_else(|| panic!("{words}: {told}"))
    };
    assert!(at("Take a snapshot of the source") < at("objects that are in the way"));

    // Nothing else is there: it is not empty all the same.
    let alone = "drop table t; drop text search configuration words; drop text search dictionary stems; drop type pair cascade";
    support::execute_batch(destination, alone).await;
    let stopped = howdah("run", &pair, &["--yes"]);
    assert_code(&stopped, 3);
    assert!(
        said(&stopped).contains("collation public.nocase")
            && said(&stopped).contains("publication kinds_publication"),
        "{}",
        said(&stopped)
    );
}

/// A schema is an object too, and cannot be made beside one of its name.
#[tokio::test]
async fn a_schema_of_the_same_name_is_in_the_way_of_one() {
    let pair = support::databases("beside").await;
    support::execute_batch(
        &pair.source,
        "create schema app; create table app.t (id int); create publication mine",
    )
    .await;
    support::execute_batch(
        &pair.destination,
        "create schema app; create table app.other (id int); insert into app.other values (1); create schema mine",
    )
    .await;
    let stopped = howdah("run", &pair, &["--yes", "--on-existing", "append"]);
    assert_code(&stopped, 3);
    assert!(said(&stopped).contains("schema app"), "{}", said(&stopped));
    assert!(
        !said(&stopped).contains("schema mine"),
        "{}",
        said(&stopped)
    );
    let emptied = howdah("run", &pair, &["--yes", "--on-existing", "empty"]);
    assert_code(&emptied, 0);
    // All that goes is told, also what goes with its schema alone.
    assert!(
        said(&emptied).contains("table app.other, 1 row"),
        "{}",
        said(&emptied)
    );
    let there = "select string_agg(nspname, ' ' order by nspname) from pg_namespace where nspname in ('app', 'mine')";
    assert_eq!(
        support::query_text(&pair.destination, there).await,
        "app mine"
    );
}

#[tokio::test]
async fn rows_fit_by_name_and_nothing_fires() {
    for (method, is_owner) in [("copy", false), ("fdw", false), ("copy", true)] {
        let pair = support::databases("fits").await;
        support::execute_batch(&pair.source, ORIGINAL).await;
        support::execute_batch(&pair.destination, THERE).await;
        let pair = if is_owner {
            as_owner(&pair, "fits_owner").await
        } else {
            pair
        };
        let before = support::query_text(&pair.destination, STATE).await;
        let run = rows_only(&pair, &["--method", method, "--verify", "checksums"]);
        assert_code(&run, 0);
        assert_eq!(support::query_text(&pair.destination, STATE).await, before);
        let sum = "select count(*), sum(id), sum(parent), sum(twice), max(day) from child";
        assert_eq!(
            support::query_text(&pair.destination, sum).await,
            support::query_text(&pair.source, sum).await
        );
        let noise =
            "select (select count(*) from noise), (select count(*) from parent where extra = 7)";
        assert_eq!(support::query_text(&pair.destination, noise).await, "0|50");
        let next = "insert into parent values ('x', 1, 99); insert into child (parent) values (99) returning id";
        assert_eq!(support::query_text(&pair.destination, next).await, "201");
    }
}

#[tokio::test]
async fn triggers_and_keys_are_as_before_after_a_failure_too() {
    for is_owner in [false, true] {
        let pair = support::databases("fails").await;
        support::execute_batch(&pair.source, ORIGINAL).await;
        support::execute_batch(&pair.destination, THERE).await;
        let refuse = "alter table child add constraint no check (day < '2024-03-01')";
        support::execute_batch(&pair.destination, refuse).await;
        let pair = if is_owner {
            as_owner(&pair, "fails_owner").await
        } else {
            pair
        };
        let before = support::query_text(&pair.destination, STATE).await;
        let run = rows_only(&pair, &[]);
        assert_code(&run, 1);
        assert!(said(&run).contains("SQLSTATE 23514"), "{}", said(&run));
        assert_eq!(support::query_text(&pair.destination, STATE).await, before);
        let rows = "select (select count(*) from child), (select count(*) from noise)";
        assert_eq!(support::query_text(&pair.destination, rows).await, "0|0");
    }
}

#[tokio::test]
async fn keys_that_were_not_checked_row_by_row_are_checked_afterwards() {
    for is_owner in [false, true] {
        let pair = support::databases("orphaned").await;
        support::execute_batch(
            &pair.source,
            "create table parent (id int primary key); insert into parent values (1);
             create table child (id int, parent int); insert into child values (1, 1), (2, 2), (3, 3), (4, null);",
        )
        .await;
        support::execute_batch(
            &pair.destination,
            "create table parent (id int primary key); create table child (id int, parent int references parent);",
        )
        .await;
        let pair = if is_owner {
            as_owner(&pair, "orphaned_owner").await
        } else {
            pair
        };
        let run = rows_only(&pair, &[]);
        assert_code(&run, 4);
        assert!(
            said(&run).contains("2 rows refer to nothing"),
            "{}",
            said(&run)
        );
        let valid = "select convalidated from pg_constraint where contype = 'f'";
        let wanted = if is_owner || support::role::is_owner() {
            "f"
        } else {
            "t"
        };
        assert_eq!(support::query_text(&pair.destination, valid).await, wanted);
    }
}

const MONTHS: &str = "
    create table sale (id int, day date not null, amount numeric(10,2)) partition by range (day);
    create table sale_1 partition of sale for values from ('2024-01-01') to ('2024-02-01');
    create table sale_2 partition of sale for values from ('2024-02-01') to ('2024-03-01');
    create table sale_rest partition of sale default;
    create table plain (id int, day date not null);
    insert into sale select i, date '2024-01-01' + i % 80, i from generate_series(1, 300) as i;
    insert into plain select i, date '2024-01-01' + i % 80 from generate_series(1, 100) as i;";

#[tokio::test]
async fn rows_go_through_the_root_where_the_sides_are_parted_otherwise() {
    for there in [
        // Other partitions.
        "create table sale (id int, day date not null, amount numeric(10,2)) partition by range (day);
         create table sale_1 partition of sale for values from ('2024-01-01') to ('2024-02-15');
         create table sale_late partition of sale for values from ('2024-02-15') to ('2025-01-01');
         create table plain (id int, day date not null) partition by hash (id);
         create table plain_0 partition of plain for values with (modulus 2, remainder 0);
         create table plain_1 partition of plain for values with (modulus 2, remainder 1);",
        // None at all.
        "create table sale (amount numeric(10,2), id int, day date); create table plain (id int, day date not null);",
    ] {
        for method in ["copy", "fdw"] {
            let pair = support::databases("parted").await;
            support::execute_batch(&pair.source, MONTHS).await;
            support::execute_batch(&pair.destination, there).await;
            let run = rows_only(&pair, &["--method", method, "--verify", "checksums", "--jobs", "3"]);
            assert_code(&run, 0);
            for table in ["sale", "plain"] {
                let sum = format!("select count(*), sum(id), max(day) from {table}");
                assert_eq!(
                    support::query_text(&pair.destination, &sum).await,
                    support::query_text(&pair.source, &sum).await
                );
            }
            // A second time only when asked to: emptied, or added.
            assert_code(&rows_only(&pair, &[]), 3);
            assert_code(&rows_only(&pair, &["--on-existing", "empty", "--verify", "checksums"]), 0);
            assert_code(&rows_only(&pair, &["--on-existing", "append", "--jobs", "3"]), 0);
            let twice = support::query_text(&pair.destination, "select count(*) from sale").await;
            assert_eq!(twice, "600");
            // One row less than there should be is a difference, wherever it is missing.
            support::execute_batch(&pair.destination, "truncate sale, plain").await;
            let lose = "create function lose() returns trigger language plpgsql as 'begin return case when new.id <> 77 then new end; end';
                create trigger lose before insert on sale for each row execute function lose();";
            if method == "copy" && there.contains("amount numeric(10,2), id") {
                support::execute_batch(&pair.destination, lose).await;
                assert_code(&rows_only(&pair, &[]), 0);
            }
        }
    }
}

#[tokio::test]
async fn a_rule_there_swallows_nothing() {
    let pair = support::databases("ruled").await;
    support::execute_batch(
        &pair.source,
        "create table t (n int); insert into t values (1), (2)",
    )
    .await;
    let there = "create table t (n int); create rule swallow as on insert to t do instead nothing";
    support::execute_batch(&pair.destination, there).await;
    assert_code(&rows_only(&pair, &["--method", "fdw"]), 0);
    assert_eq!(
        support::query_text(&pair.destination, "select count(*) from t").await,
        "2"
    );
}

#[tokio::test]
async fn what_does_not_fit_is_named_before_anything_is_done() {
    let source = "create table t (n int, m text); create sequence s; insert into t values (1, 'x')";
    for (there, reason) in [
        (
            "create table other (n int); create sequence s",
            "1 tables are missing",
        ),
        ("create table t (n int); create sequence s", "public.t: m"),
        (
            "create table t (n int, m text, k int not null); create sequence s",
            "public.t: k",
        ),
        (
            "create view t as select 1 as n, 'x'::text as m; create sequence s",
            "public.t is a view",
        ),
        ("create table t (n int, m text)", "sequences are missing"),
        (
            "create table t (n int, m text); insert into t values (0, ''); create sequence s",
            "hold rows",
        ),
    ] {
        let pair = support::databases("unfit").await;
        support::execute_batch(&pair.source, source).await;
        support::execute_batch(&pair.destination, there).await;
        let run = rows_only(&pair, &[]);
        assert_code(&run, 3);
        assert!(said(&run).contains(reason), "{reason}: {}", said(&run));
    }
    let pair = support::databases("unfit").await;
    support::execute_batch(&pair.source, source).await;
    let there = "create table t (n int primary key, m text); insert into t values (1, ''); create sequence s;
        create table keeps (t int references t)";
    support::execute_batch(&pair.destination, there).await;
    let run = rows_only(&pair, &["--on-existing", "empty"]);
    assert_code(&run, 3);
    assert!(
        said(&run).contains("public.keeps: keeps_t_fkey refers to public.t"),
        "{}",
        said(&run)
    );
    // Added to what is there, a key that is there already is told by its name.
    let run = rows_only(&pair, &["--on-existing", "append"]);
    assert_code(&run, 1);
    assert!(
        said(&run).contains("t_pkey") && said(&run).contains("(n)=(1)"),
        "{}",
        said(&run)
    );
}

/// Killed while a foreign key is off: the journal knows how to put it back, and the next start says so.
#[tokio::test]
async fn a_key_taken_off_by_a_run_that_was_killed_is_named_with_its_statement() {
    let pair = support::databases("killed").await;
    support::execute_batch(&pair.source, ORIGINAL).await;
    support::execute_batch(
        &pair.destination,
        "create table parent (id int primary key, name text);
         create table child (id int generated always as identity primary key, parent int references parent, day date, twice int);
         create function slow(int) returns bool language sql as 'select pg_catalog.pg_sleep(0.05) is not null';
         alter table child add check (public.slow(id));",
    )
    .await;
    let pair = as_owner(&pair, "killed_owner").await;
    let before = support::query_text(&pair.destination, STATE).await;
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--schema", "none"])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let asleep = "select count(*) from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
    let began = std::time::Instant::now();
    while support::query_text(&pair.destination, asleep).await == "0" {
        assert!(began.elapsed().as_secs() < 60, "no row arrives");
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_ne!(support::query_text(&pair.destination, STATE).await, before);
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and application_name like 'howdah%'";
    support::execute_batch(&support::role::superuser(&pair.destination), end).await;
    let check = howdah("check", &pair, &["--schema", "none"]);
    assert_code(&check, 3);
    let text = said(&check);
    let fix = text.lines().find_map(|line| {
        let line = line.trim();
        let first = line.strip_prefix("Fix on the destination, by ");
        let first = first.and_then(|rest| rest.split_once(": "));
        Some(first.map_or(line, |(_, sql)| sql)).filter(|l| l.starts_with("ALTER TABLE"))
    });
    let fix = fix.unwrap_or_else(|| panic!("no statement puts it back: {text}"));
    support::execute_batch(&pair.destination, fix).await;
    assert_eq!(support::query_text(&pair.destination, STATE).await, before);
}
