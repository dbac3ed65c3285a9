//! Roles that own their database and are nothing else: what they lack is named as statements, and these are enough.

use std::fs;

use howdah::model::connection::{Secret, Side};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};
use crate::trust::{JOURNAL, scaffold};

/// A role without powers, which owns the database on both sides.
async fn owner(pair: &Pair) -> Pair {
    let user = format!("limited_{}", pair.source.database);
    let mut own = pair.clone();
    for (side, own) in [
        (&pair.source, &mut own.source),
        (&pair.destination, &mut own.destination),
    ] {
        let create = format!(
            "create role {user} login password '{user}-secret'; alter database {} owner to {user}; alter schema public owner to {user}",
            side.database
        );
        support::execute_batch(side, &create).await;
        own.user.clone_from(&user);
        own.password = Some(Secret::new(format!("{user}-secret")));
    }
    own
}

/// The statements that a check prints as its fix for findings that block, by the side they are for.
pub(crate) fn grants(said: &str) -> Vec<(Side, String)> {
    let mut found = Vec::new();
    let mut fix = None;
    for line in said.lines() {
        let text = line.trim();
        let side = Side::BOTH
            .into_iter()
            .find(|side| text.starts_with(&format!("Fix on the {side}, by ")));
        if let (Some(side), Some((_, first))) = (side, text.split_once(": ")) {
            fix = Some(side);
            found.push((side, first.to_owned()));
        } else if let (Some(side), true) = (fix, line.starts_with("             ")) {
            found.push((side, text.to_owned()));
        } else {
            fix = None;
        }
    }
    found
}

/// Schemas, tables and sequences of somebody else's, policies, an extension, grants: all that an owner of a database meets.
async fn fill(pair: &Pair, own: &Pair) {
    let (team, me) = (format!("team_{}", pair.source.database), &own.source.user);
    for side in [&pair.source, &pair.destination] {
        support::execute_batch(side, &format!("create role {team}")).await;
    }
    support::execute_batch(
        &own.source,
        "create schema app; create table app.item (id int generated always as identity primary key, name text, price numeric);
         insert into app.item (name, price) select 'item ' || g, g / 7.0 from generate_series(1, 500) g; create index on app.item (name);
         create table app.part (item int references app.item, n int) partition by range (n); create table app.part_1 partition of app.part for values from (0) to (1000);
         insert into app.part select g, g from generate_series(1, 500) g; create view app.cheap as select * from app.item where price < 9;
         create materialized view app.sums as select sum(price) from app.item; create sequence app.counter; select nextval('app.counter');
         create function app.f() returns trigger language plpgsql as 'begin return new; end'; create trigger f before insert on app.item for each row execute function app.f();
         grant select on app.item to public; alter default privileges in schema app grant select on tables to public; select lo_from_bytea(4242, 'elephant')",
    )
    .await;
    support::execute_batch(
        &pair.source,
        &format!(
            "create schema \"Team's\" authorization {team}; grant create on schema public to {team}; set role {team};
             create table \"Team's\".\"Secret \"\"t\"\"\" (id int primary key, own text); insert into \"Team's\".\"Secret \"\"t\"\"\" select g, 'x' from generate_series(1, 50) g;
             create sequence \"Team's\".s; select nextval('\"Team''s\".s'); alter table \"Team's\".\"Secret \"\"t\"\"\" enable row level security;
             create policy none on \"Team's\".\"Secret \"\"t\"\"\" using (id < 3); grant usage on schema \"Team's\" to {me}; reset role"
        ),
    )
    .await;
}

async fn with_what_the_check_names(method: &str) {
    let pair = support::databases("privileges").await;
    let own = owner(&pair).await;
    fill(&pair, &own).await;
    let arguments = ["--yes", "--method", method, "--verify", "checksums"];
    // Each round names more, for what cannot be read cannot be looked into. Every round is of statements alone.
    let mut rounds = Vec::new();
    let log = support::servers().destination.log_path();
    let mut logged;
    let run = loop {
        logged = fs::read(&log).unwrap().len();
        let run = howdah("run", &own, &arguments);
        if run.status.code() != Some(3) {
            break run;
        }
        let text = said(&run);
        let fixes = grants(&text);
        assert!(
            !fixes.is_empty() && !rounds.contains(&fixes) && rounds.len() < 5,
            "{text}"
        );
        for (side, fix) in &fixes {
            let end = match side {
                Side::Source => &pair.source,
                Side::Destination => &pair.destination,
            };
            support::execute_batch(end, fix).await;
        }
        rounds.push(fixes);
    };
    assert_eq!(run.status.code(), Some(0), "{rounds:#?}\n{}", said(&run));
    assert!(!rounds.is_empty(), "nothing was lacking");
    assert_eq!(
        said(&run).contains("Pull the rows"),
        method == "fdw",
        "{}",
        said(&run)
    );
    // What was granted keeps the login out of a log that has every statement.
    let log = fs::read(&log).unwrap();
    let log = String::from_utf8_lossy(log.split_at(logged).1).into_owned();
    assert!(log.contains(&own.destination.database));
    assert!(!log.contains(own.source.password.as_ref().unwrap().expose()));
    // What a superuser installed for the run is his.
    support::execute_batch(&pair.destination, "drop extension if exists postgres_fdw").await;
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new(), "{rounds:#?}");
}

#[tokio::test]
async fn what_the_check_names_is_enough_for_copy() {
    with_what_the_check_names("copy").await;
}

#[tokio::test]
async fn what_the_check_names_is_enough_for_fdw() {
    with_what_the_check_names("fdw").await;
}

/// What a grant cannot give is told, too: the steps would fail in the middle of the run.
#[tokio::test]
async fn what_only_a_superuser_can_make_is_told_by_the_check() {
    let pair = support::databases("superusers").await;
    let limited = Pair {
        source: pair.source.clone(),
        destination: owner(&pair).await.destination,
    };
    support::execute_batch(
        &pair.source,
        "create extension dblink; create extension hstore; create type shell; create type mood as enum ('sad');
         create function react() returns event_trigger language plpgsql as 'begin end';
         create event trigger reacts on ddl_command_end execute function react()",
    )
    .await;
    let choices = ["--owners", "skip", "--privileges", "skip"];
    for (ends, is_told) in [(&limited, true), (&pair, false)] {
        let text = said(&howdah("check", ends, &choices));
        for words in [
            "3 objects can only be created by a superuser",
            "extension dblink",
            "public.shell",
            "event trigger reacts",
        ] {
            assert_eq!(text.contains(words), is_told, "{words}: {text}");
        }
    }
}

/// Owners who may not create where their objects stand: they lost the right, never had it, or gave it up themselves. The schema is the
/// run's own, so nobody could have granted anything there before.
#[tokio::test]
async fn an_owner_who_may_not_create_in_a_new_schema_gets_his_objects() {
    let pair = support::databases("lent").await;
    let own = owner(&pair).await;
    let (name, me) = (&pair.source.database, &own.source.user);
    let roles = format!(
        "create role {name}_a; create role \"{name} b\"; create role {name}_c; grant {name}_a, \"{name} b\", {name}_c to {me}"
    );
    for side in [&pair.source, &pair.destination] {
        support::execute_batch(side, &roles).await;
    }
    let objects = |schema: &str| {
        format!(
            "create table {schema}.t (n serial primary key, m int); insert into {schema}.t (m) select generate_series(1, 20);
             create view {schema}.late as select n, m from {schema}.t group by n; create materialized view {schema}.mv as select count(*) from {schema}.t;
             create function {schema}.f() returns int language sql as 'select 1'; create type {schema}.mood as enum ('ok'); create statistics {schema}.s on n, m from {schema}.t;"
        )
    };
    let give = |schema: &str, role: &str| {
        format!(
            "alter table {schema}.t owner to {role}; alter view {schema}.late owner to {role}; alter materialized view {schema}.mv owner to {role};
             alter function {schema}.f() owner to {role}; alter type {schema}.mood owner to {role}; alter statistics {schema}.s owner to {role};"
        )
    };
    let b = format!("\"{name} b\"");
    let fill = [
        format!("create schema \"x y\" authorization {name}_a; create schema granted authorization {name}_a; create schema given_up authorization {name}_a;"),
        objects("\"x y\""), give("\"x y\"", &b),
        objects("granted"), give("granted", &format!("{name}_c")),
        format!("grant create on schema granted to {name}_c; grant usage on schema \"x y\" to {b};"),
        objects("given_up"), give("given_up", &format!("{name}_a")),
        format!("revoke create on schema given_up from {name}_a; grant usage on schema \"x y\", granted, given_up to {me};"),
        format!("grant select on all tables in schema \"x y\", granted, given_up to {me}; grant select on all sequences in schema \"x y\", granted, given_up to {me}"),
    ]
    .concat();
    support::execute_batch(&pair.source, &fill).await;
    let run = howdah("run", &own, &["--yes", "--verify", "checksums"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
    let rights = format!(
        "select nspname, has_schema_privilege('{name} b', oid, 'create'), has_schema_privilege('{name}_c', oid, 'create'),
            has_schema_privilege('{name}_a', oid, 'create') from pg_namespace where nspname in ('x y', 'granted', 'given_up') order by 1"
    );
    let there = support::query_text(&pair.destination, &rights).await;
    assert_eq!(there, "given_up|f|f|f\ngranted|f|t|t\nx y|f|f|t");
    assert_eq!(there, support::query_text(&pair.source, &rights).await);
    let preview = said(&howdah("plan", &own, &[]));
    assert!(
        !preview.contains("CREATE ON SCHEMA granted FROM"),
        "{preview}"
    );
}

/// A materialized view is filled with its owner's rights, which may be a grant.
#[tokio::test]
async fn a_view_over_a_table_that_its_owner_was_granted_is_filled() {
    let pair = support::databases("granted").await;
    let reader = format!("reader_{}", pair.source.database);
    for side in [&pair.source, &pair.destination] {
        let create = format!("create role {reader}");
        support::execute_batch(&support::role::superuser(side), &create).await;
    }
    support::role::join_roles(&pair, &reader).await;
    let fill = format!(
        "create table t (n int); insert into t values (1), (2); grant select on t to {reader}; grant create on schema public to {reader};
         create materialized view total as select count(*) from t; alter materialized view total owner to {reader}"
    );
    support::role::execute_with_power(&pair.source, &fill).await;
    let run = howdah("run", &pair, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let total = support::query_text(&pair.destination, "select * from total").await;
    assert_eq!(total, "2");
}

/// In the last transaction, where it stands beside all else that comes last, a refused event trigger takes nothing along; the run is
/// gone on with by a superuser, who makes just what is missing.
#[tokio::test]
async fn an_event_trigger_that_is_refused_leaves_the_way_to_go_on() {
    let pair = support::databases("refused").await;
    let database = &pair.source.database;
    let fill = format!(
        "create table t (n int primary key); insert into t select generate_series(1, 50);
         create function react() returns event_trigger language plpgsql as 'begin end';
         create event trigger reacts on ddl_command_end execute function react();
         create event trigger \"reacts too\" on sql_drop execute function react();
         comment on event trigger reacts is 'at the end'; alter event trigger reacts disable;
         alter database {database} set work_mem = '5MB'; comment on database {database} is 'mine'"
    );
    support::execute_batch(&pair.source, &fill).await;
    let limited = Pair {
        source: pair.source.clone(),
        destination: owner(&pair).await.destination,
    };
    let choices = ["--yes", "--owners", "skip", "--privileges", "skip"];
    let run = howdah("run", &limited, &choices);
    let words = said(&run);
    assert_eq!(run.status.code(), Some(1), "{words}");
    let refused = "permission denied to create event trigger \"reacts\"";
    assert!(words.contains(refused), "{words}");
    assert!(words.contains("howdah resume"), "{words}");
    // Nothing of the last transaction stays, and nothing of it is told as done.
    assert!(words.contains("skip  Set work_mem"), "{words}");
    let last = "select (select count(*) from pg_event_trigger), (select count(*) from pg_db_role_setting d join pg_database b on b.oid = d.setdatabase
            where b.datname = current_database()), shobj_description(oid, 'pg_database') from pg_database where datname = current_database()";
    assert_eq!(support::query_text(&pair.destination, last).await, "0|0|");
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
    let again = howdah("resume", &limited, &["--yes"]);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);

    let resumed = howdah("resume", &pair, &["--yes"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", said(&resumed));
    assert_eq!(
        support::query_text(&pair.destination, last).await,
        "2|1|mine"
    );
    let states = "select string_agg(evtname || ' ' || evtenabled::text, ', ' order by evtname) from pg_event_trigger";
    assert_eq!(
        support::query_text(&pair.destination, states).await,
        "reacts D, reacts too O"
    );
    assert_eq!(scaffold(&pair.destination).await, "");
}
