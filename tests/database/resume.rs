//! Runs that did not come to their end are gone on with, and nothing is lost, doubled or stale.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use howdah::demo::cluster::{Cluster, ClusterOptions};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};
use crate::trust::{JOURNAL, scaffold};

/// Keys, triggers and rows of every kind of standing; the view is filled last of all and fails where `app.broken` is on.
const SHOP: &str = "
    create function sum_or_fail() returns bigint language plpgsql as $$ begin
        if current_setting('app.broken', true) = 'on' then raise 'broken'; end if;
        return 7; end $$;
    create table customer (id int primary key, name text not null);
    create table purchase (id int generated always as identity primary key, customer int not null references customer,
        total numeric);
    create index on purchase (customer);
    create table quiet (id int primary key, f float8);
    create table log (at int, what text);
    create function note() returns trigger language plpgsql as
        $$ begin insert into public.log values (new.id, 'fired'); return new; end $$;
    insert into customer select n, 'customer ' || n from generate_series(1, 500) n;
    insert into purchase (customer, total) select 1 + n % 500, n / 7.0 from generate_series(1, 2000) n;
    insert into quiet values (1, 'NaN'), (2, '-0'), (3, 1e-310);
    create trigger noted after insert on purchase for each row execute function note();
    comment on trigger noted on purchase is 'notes';
    create trigger emptied before truncate on customer for each statement execute function sum_or_fail_trigger();
    create materialized view totals as select public.sum_or_fail() as total;
    select lo_create(4711); select lo_put(4711, 0, 'before');";

const TRIGGER: &str = "create function sum_or_fail_trigger() returns trigger language plpgsql as
    $$ begin raise 'may not be emptied'; end $$;";

async fn set_broken(pair: &Pair, value: &str) {
    let database = &pair.destination.database;
    let sql = format!("alter database {database} set app.broken = '{value}'");
    support::execute_batch(&support::role::superuser(&pair.destination), &sql).await;
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

fn resume(pair: &Pair) -> Output {
    howdah("resume", pair, &["--yes"])
}

/// A run that fails at its last step but for the proof; keys, triggers and indexes stand by then.
async fn failed_at_the_end(method: &str) -> Pair {
    let pair = support::databases("resume").await;
    support::execute_batch(&pair.source, &format!("{TRIGGER}{SHOP}")).await;
    set_broken(&pair, "on").await;
    let run = howdah("run", &pair, &["--yes", "--method", method]);
    assert_code(&run, 1);
    assert!(said(&run).contains("howdah resume"), "{}", said(&run));
    assert_eq!(scaffold(&pair.destination).await, JOURNAL);
    pair
}

async fn resumes(method: &str) {
    let pair = failed_at_the_end(method).await;
    // What is asked anew must not take the half-done for the source's, nor be taken for going on.
    let again = howdah("run", &pair, &["--yes"]);
    assert_code(&again, 3);
    let words = said(&again);
    assert!(
        words.contains("howdah resume") && words.contains("howdah clean"),
        "{words}"
    );

    let filenode = "select relfilenode from pg_class where relname = 'quiet'";
    let before = support::query_text(&pair.destination, filenode).await;
    support::execute_batch(
        &pair.source,
        "update customer set name = 'renamed' where id = 7; insert into customer values (501, 'new');
         insert into purchase (customer, total) values (501, 1); delete from purchase where id = 3;
         select lo_put(4711, 0, 'after!'); select lo_create(4712)",
    )
    .await;
    set_broken(&pair, "off").await;
    let shown = howdah("resume", &pair, &[]);
    assert_code(&shown, 2);
    assert!(
        said(&shown).contains("created, which stay"),
        "{}",
        said(&shown)
    );
    assert_code(&resume(&pair), 0);
    let reset = format!("alter database {} reset all", pair.destination.database);
    support::execute_batch(&support::role::superuser(&pair.destination), &reset).await;
    assert_eq!(
        support::differences(&pair.source, &pair.destination).await,
        Vec::<String>::new()
    );
    assert_eq!(scaffold(&pair.destination).await, "");
    // The table that had not changed was proved, not carried.
    assert_eq!(
        support::query_text(&pair.destination, filenode).await,
        before
    );
    let rest = resume(&pair);
    assert_code(&rest, 2);
    assert!(said(&rest).contains("Nothing to resume"), "{}", said(&rest));
}

/// Rules, and constraints that old rows break: none of them may meet the rows that come again. A partition's trigger has a
/// state of its own, and a name before its root's.
const HURDLES: &str = "
    create table checked (id int primary key, n int); insert into checked values (1, -1), (2, 2);
    create table \"an heir\" () inherits (checked); insert into \"an heir\" values (4, -4);
    alter table checked add constraint positive check (n > 0) not valid;
    alter table \"an heir\" add constraint positive check (n > 0) not valid;
    create domain even as int; create table of_domain (id int primary key, n even); insert into of_domain values (1, 3), (2, 4);
    alter domain even add constraint is_even check (value % 2 = 0) not valid;
    create table log (id int); create table swallowed (id int primary key); insert into swallowed values (1), (2);
    create table doubled (id int primary key); insert into doubled values (1), (2);
    create rule swallow as on insert to swallowed do instead nothing; comment on rule swallow on swallowed is 'all of it';
    create rule also as on insert to doubled do also insert into log values (new.id);
    create table zoo (id int) partition by range (id); create table ape partition of zoo for values from (0) to (100);
    create function noop() returns trigger language plpgsql as 'begin return new; end';
    create trigger tr after insert on zoo for each row execute function noop(); alter table ape enable always trigger tr;
    create function sum_or_fail() returns bigint language plpgsql as $$ begin
        if current_setting('app.broken', true) = 'on' then raise 'broken'; end if; return 7; end $$;
    create materialized view totals as select public.sum_or_fail() as total;";

async fn gets_past_hurdles(method: &str) {
    let pair = support::databases("hurdles").await;
    support::execute_batch(&pair.source, HURDLES).await;
    set_broken(&pair, "on").await;
    let run = howdah("run", &pair, &["--yes", "--method", method]);
    assert_code(&run, 1);
    assert!(said(&run).contains("broken"), "{}", said(&run));
    support::execute_batch(
        &pair.source,
        "insert into checked values (3, 3); insert into \"an heir\" values (5, 5);
         insert into of_domain values (5, 6); insert into zoo values (7);
         alter table swallowed disable rule swallow; insert into swallowed values (3);
         alter table swallowed enable rule swallow; insert into doubled values (3)",
    )
    .await;
    set_broken(&pair, "off").await;
    assert_code(&resume(&pair), 0);
    let reset = format!("alter database {} reset all", pair.destination.database);
    support::execute_batch(&support::role::superuser(&pair.destination), &reset).await;
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
async fn rows_come_again_past_rules_and_constraints_by_copy() {
    gets_past_hurdles("copy").await;
}

#[tokio::test]
async fn rows_come_again_past_rules_and_constraints_by_fdw() {
    gets_past_hurdles("fdw").await;
}

/// Large objects that the source has no more, not even one, go with those that a run had brought.
#[tokio::test]
async fn large_objects_that_are_gone_from_the_source_do_not_stay() {
    let pair = failed_at_the_end("copy").await;
    support::execute_batch(&pair.source, "select lo_unlink(4711)").await;
    set_broken(&pair, "off").await;
    assert_code(&resume(&pair), 0);
    let left = "select count(*) from pg_largeobject_metadata";
    assert_eq!(support::query_text(&pair.destination, left).await, "0");
}

#[tokio::test]
async fn changed_rows_come_again_and_proved_ones_stay_by_copy() {
    resumes("copy").await;
}

#[tokio::test]
async fn changed_rows_come_again_and_proved_ones_stay_by_fdw() {
    resumes("fdw").await;
}

#[tokio::test]
async fn a_schema_that_has_changed_is_refused_with_the_difference() {
    for side in ["source", "destination"] {
        let pair = failed_at_the_end("copy").await;
        let changed = if side == "source" {
            &pair.source
        } else {
            &pair.destination
        };
        support::execute_batch(changed, "alter table quiet add column late int").await;
        let refused = resume(&pair);
        assert_code(&refused, 3);
        let words = format!(
            "table public.quiet is not the same on both sides: the {side} has late integer"
        );
        assert!(said(&refused).contains(&words), "{}", said(&refused));
    }
}

#[tokio::test]
async fn clean_shows_what_it_removes_and_then_removes_it() {
    let pair = failed_at_the_end("copy").await;
    // As a run by FDW leaves it that is killed while it reads. An ordinary role has not installed anything.
    let left = if support::role::is_owner() {
        JOURNAL.to_owned()
    } else {
        let install =
            "create extension postgres_fdw; insert into howdah.step (key) values ('fdw/extension')";
        support::execute_batch(&pair.destination, install).await;
        format!("{JOURNAL} postgres_fdw")
    };
    let clean = |more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_howdah"))
            .args(["clean", "--destination", &support::uri(&pair.destination)])
            .args(more)
            .output()
            .unwrap()
    };
    let shown = clean(&[]);
    assert_code(&shown, 2);
    assert!(
        said(&shown).contains("DROP SCHEMA IF EXISTS howdah CASCADE"),
        "{}",
        said(&shown)
    );
    assert_eq!(scaffold(&pair.destination).await, left);
    assert_code(&clean(&["--yes"]), 0);
    assert_eq!(scaffold(&pair.destination).await, "");
    assert_code(&resume(&pair), 2);
    assert_code(&clean(&[]), 0);
}

/// The name alone makes no schema howdah's: neither to remove it, nor to write into it.
#[tokio::test]
async fn a_schema_that_only_bears_the_name_is_left_alone() {
    let pair = support::databases("bears").await;
    let theirs = "create schema howdah; create table howdah.precious (id int); create table howdah.set_aside (id int);
        create schema howdah_fdw_1; create table howdah_fdw_1.precious (id int)";
    support::execute_batch(&pair.destination, theirs).await;
    support::execute_batch(&pair.source, "create table t (id int)").await;
    let uri = support::uri(&pair.destination);
    let clean = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["clean", "--yes", "--destination", &uri])
        .output()
        .unwrap();
    assert_code(&clean, 0);
    let there = "select count(*) from pg_class where relname = 'precious'";
    assert_eq!(support::query_text(&pair.destination, there).await, "2");
    let back = Pair {
        source: pair.destination.clone(),
        destination: pair.source.clone(),
    };
    for (ends, words) in [
        (&pair, "a schema howdah that is not howdah's"),
        (&back, "The source has a schema howdah"),
    ] {
        let run = howdah("run", ends, &["--yes", "--on-existing", "append"]);
        assert_code(&run, 3);
        assert!(said(&run).contains(words), "{}", said(&run));
    }
}

/// `kill -9` at moments spread over a whole run; each time what is left is gone on with, by one method after the other.
#[tokio::test]
async fn killed_at_any_moment_it_goes_on() {
    const KILLS: u64 = 8;
    let pair = support::databases("killed").await;
    support::execute_batch(&pair.source, &format!("{TRIGGER}{SHOP}")).await;
    let mut command = vec!["run", "--yes", "--verify", "checksums"];
    for kill in 0..KILLS {
        let mut child = Command::new(env!("CARGO_BIN_EXE_howdah"))
            .args(&command)
            .args(["--source", &support::uri(&pair.source)])
            .args(["--destination", &support::uri(&pair.destination)])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // So many steps further than the run before.
        let wanted = kill * 4 + 1;
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() && steps_done(&pair).await < wanted {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is done");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
                   where datname = current_database() and application_name like 'howdah%'";
        support::execute_batch(&pair.destination, end).await;
        if scaffold(&pair.destination).await.contains(JOURNAL) {
            command = vec!["resume", "--yes"];
        }
    }
    let last = resume(&pair);
    assert!(matches!(last.status.code(), Some(0 | 2)), "{}", said(&last));
    assert_eq!(
        support::differences(&pair.source, &pair.destination).await,
        Vec::<String>::new()
    );
    assert_eq!(scaffold(&pair.destination).await, "");
}

async fn steps_done(pair: &Pair) -> u64 {
    let is_there = "select to_regclass('howdah.step') is not null";
    if support::query_text(&pair.destination, is_there).await != "t" {
        return 0;
    }
    let client = support::connect(&pair.destination).await;
    // It may be gone by now: the run has come to its end.
    match client
        .query_one("select count(*) from howdah.step", &[])
        .await
    {
        Ok(row) => u64::try_from(row.get::<_, i64>(0)).unwrap(),
        Err(_) => u64::MAX,
    }
}

/// What a run has told as done is there, although the destination crashes the next moment: nothing else brings its log to the
/// disk before.
#[tokio::test]
async fn what_is_done_outlasts_a_crash_of_the_next_moment() {
    let delay = ("wal_writer_delay".to_owned(), "10000".to_owned());
    let options = ClusterOptions {
        settings: vec![delay],
        ..ClusterOptions::default()
    };
    let mut server = Cluster::start(&support::binaries(), &options)
        .unwrap_or_else(|problem| panic!("{problem}"));
    let pair = support::databases_on(&support::servers().source, &server, "outlasts").await;
    let few = "create table few (n int primary key); insert into few values (1), (2);
        create sequence counter; select nextval('counter')";
    support::execute_batch(&pair.source, few).await;
    assert_code(&howdah("run", &pair, &["--yes"]), 0);
    server.stop_immediate().unwrap();
    server.restart().unwrap();
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(scaffold(&pair.destination).await, "");
}

/// More than one transaction's worth, and some of several pieces. A run that was broken off between two transactions has left
/// word that some have come.
#[tokio::test]
async fn many_large_objects_come_in_batches_and_a_batch_that_has_come_is_replaced() {
    let pair = support::databases("resume").await;
    let many = "
        select lo_from_bytea(100000 + g, decode(repeat(md5(g::text), 5), 'hex')) from generate_series(1, 1100) g;
        select lo_from_bytea(7, convert_to(repeat('0123456789abcdef', 140000), 'UTF8'));
        do $$ begin for g in 1..1100 loop execute format('comment on large object %s is %L', 100000 + g, g); end loop; end $$;";
    support::execute_batch(&pair.source, &format!("{TRIGGER}{SHOP}{many}")).await;
    set_broken(&pair, "on").await;
    assert_code(&howdah("run", &pair, &["--yes"]), 1);
    // As it is between the first and the second.
    support::execute_batch(
        &support::role::superuser(&pair.destination),
        "update howdah.step set rows = null, bytes = null, way = 'begun' where key = 'data/large objects';
         select lo_unlink(oid) from pg_largeobject_metadata where oid > 100500",
    )
    .await;
    support::execute_batch(&pair.source, "select lo_unlink(100001)").await;
    set_broken(&pair, "off").await;
    assert_code(&resume(&pair), 0);
    let reset = format!("alter database {} reset all", pair.destination.database);
    support::execute_batch(&support::role::superuser(&pair.destination), &reset).await;
    assert_eq!(
        support::differences(&pair.source, &pair.destination).await,
        Vec::<String>::new()
    );
    // In the last of three pieces.
    support::execute_batch(&pair.destination, "select lo_put(7, 2200000, '!')").await;
    let found = howdah("verify", &pair, &[]);
    assert_code(&found, 4);
    assert!(
        said(&found).contains("the large objects"),
        "{}",
        said(&found)
    );
}

/// A table that is emptied and filled again in one transaction is locked: a session that asked how far it has grown would wait.
#[tokio::test]
async fn nobody_waits_for_a_table_that_is_pulled_again() {
    let slow = "
        create function slowly(int) returns int immutable language plpgsql as
            $$ begin if current_setting('app.slow', true) = 'on' then perform pg_sleep(0.02); end if; return $1; end $$;
        create table slow (id int primary key, same int generated always as (slowly(id)) stored);
        insert into slow select g from generate_series(1, 100) g;";
    let pair = support::databases("resume").await;
    support::execute_batch(&pair.source, &format!("{TRIGGER}{SHOP}{slow}")).await;
    set_broken(&pair, "on").await;
    assert_code(&howdah("run", &pair, &["--yes", "--method", "fdw"]), 1);
    support::execute_batch(&pair.source, "delete from slow where id = 1").await;
    set_broken(&pair, "off").await;
    let superuser = support::role::superuser(&pair.destination);
    let set = format!(
        "alter database {} set app.slow = 'on'",
        pair.destination.database
    );
    support::execute_batch(&superuser, &set).await;
    let resumed = tokio::task::spawn_blocking({
        let pair = pair.clone();
        move || resume(&pair)
    });
    let waiting = format!(
        "select count(*) filter (where query like 'INSERT INTO public.slow%' and state = 'active'),
                count(*) filter (where query like '%pg_relation_size%' and wait_event_type = 'Lock')
           from pg_stat_activity where datname = '{}'",
        pair.destination.database
    );
    let mut seen = Vec::new();
    while !resumed.is_finished() {
        seen.push(support::query_text(&superuser, &waiting).await);
    }
    assert_code(&resumed.await.unwrap(), 0);
    assert!(seen.iter().any(|now| now == "1|0"), "{seen:?}");
    assert!(seen.iter().all(|now| now.ends_with("|0")), "{seen:?}");
}

/// The hash of an enum is that of its labels' OIDs: on the destination the rows belong to other partitions. One of those has its
/// columns in another order.
const HASHED: &str = "
    create type pad as enum ('x'); drop type pad;
    create type mood as enum ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p');
    create table felt (m mood, n int) partition by hash (m);
    create table felt_0 (n int, m mood); alter table felt attach partition felt_0 for values with (modulus 2, remainder 0);
    create table felt_1 partition of felt for values with (modulus 2, remainder 1);
    create index on felt (n);";

#[tokio::test]
async fn rows_that_are_hashed_anew_are_compared_and_come_again() {
    for method in ["copy", "fdw"] {
        let pair = support::databases("hashed").await;
        let fill = format!(
            "{}; insert into felt select (enum_range(null::mood))[1 + g % 16], g from generate_series(1, 800) g;
             create function sum_or_fail() returns bigint language plpgsql as $$ begin
                 if current_setting('app.broken', true) = 'on' then raise 'broken'; end if; return 7; end $$;
             create materialized view totals as select public.sum_or_fail() as total;",
            HASHED.split_once("type pad;").unwrap().1
        );
        // Other OIDs than there.
        let pad = "create type pad as enum ('x', 'y', 'z'); drop type pad";
        support::execute_batch(&pair.destination, pad).await;
        support::execute_batch(&pair.source, &fill).await;
        set_broken(&pair, "on").await;
        let choices = ["--yes", "--verify", "checksums", "--method", method];
        let run = howdah("run", &pair, &choices);
        assert_code(&run, 1);
        assert!(said(&run).contains("broken"), "{}", said(&run));
        let change = "update felt set n = -n where m = 'a'";
        support::execute_batch(&pair.source, change).await;
        set_broken(&pair, "off").await;
        let resumed = resume(&pair);
        assert_code(&resumed, 0);
        assert!(said(&resumed).contains("1 table"), "{}", said(&resumed));
        let sums = "select m, count(*), sum(n) from felt group by m order by m";
        let there = support::query_text(&pair.destination, sums).await;
        assert_eq!(there, support::query_text(&pair.source, sums).await);
        let verify = howdah("verify", &pair, &["--verify", "checksums"]);
        assert_code(&verify, 0);
        let more = "delete from felt where n = 401";
        support::execute_batch(&pair.destination, more).await;
        assert_code(&howdah("verify", &pair, &[]), 4);

        let rows_only = support::further_destination(&pair).await;
        support::execute_batch(&rows_only.destination, HASHED).await;
        let run = howdah(
            "run",
            &rows_only,
            &[&choices[..], &["--schema", "none"]].concat(),
        );
        assert_code(&run, 0);
        let there = support::query_text(&rows_only.destination, sums).await;
        assert_eq!(there, support::query_text(&pair.source, sums).await);
    }
}

/// A destination that crashes empties an unlogged table. Its trigger, which stands by then, must not fire for rows that come
/// once more.
#[tokio::test]
async fn a_trigger_does_not_fire_for_rows_that_a_crash_has_taken() {
    let mut server = support::cluster();
    let pair = support::databases_on(&support::servers().source, &server, "emptied").await;
    let fill = "create table held (n int); insert into held values (1);
        create table audit (id int); create unlogged table cache (id int primary key); insert into cache select generate_series(1, 5);
        create function note() returns trigger language plpgsql as 'begin insert into public.audit values (new.id); return new; end';
        create trigger noted after insert on cache for each row execute function note()";
    support::execute_batch(&pair.source, fill).await;
    let directory = tempfile::tempdir().unwrap();
    let hold = directory.path().join("hold");
    let place = format!("data/public.held@commit=hold:{}", hold.display());
    let mut run = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--jobs", "3"])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env("HOWDAH_FAILPOINT", place)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let stands = "select count(*) from pg_trigger where tgname = 'noted'";
    while !hold.with_extension("reached").exists()
        || support::query_text(&pair.destination, stands).await != "1"
    {
        let is_over = run.try_wait().unwrap().is_some();
        let is_late = began.elapsed() > Duration::from_secs(60);
        assert!(!is_over && !is_late, "there is no trigger");
    }
    support::execute_batch(&support::role::superuser(&pair.destination), "checkpoint").await;
    server.stop_immediate().unwrap();
    server.restart().unwrap();
    std::fs::write(&hold, "").unwrap();
    let broken_off = run.wait_with_output().unwrap();
    assert_code(&broken_off, 1);
    let words = "it has lost what it had confirmed: Copy the rows of public.cache";
    assert!(said(&broken_off).contains(words), "{}", said(&broken_off));
    assert_code(&resume(&pair), 0);
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}
