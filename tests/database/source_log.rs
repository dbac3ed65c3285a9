//! The source is only read: its own log, locks, statistics and catalogs say so.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use howdah::checks::{self, Purpose};
use howdah::demo::cluster::Cluster;
use howdah::model::connection::Endpoint;
use howdah::model::options::Options;
use howdah::pg::peek::peek;
use howdah::pg::sample::measure;

use crate::migrate::{fill, howdah, said};
use crate::rehearse::BY_FDW as REHEARSAL_BY_FDW;
use crate::support::{self, Pair, role};
use crate::trust::SLOW;

/// First words of statements that only read, or only set the session. LOCK is looked at by itself.
const READING: [&str; 20] = [
    "SELECT",
    "WITH",
    "SHOW",
    "COPY",
    "LOCK",
    "SET",
    "RESET",
    "BEGIN",
    "START",
    "COMMIT",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
    "DECLARE",
    "FETCH",
    "CLOSE",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
];

/// What can write although it begins like reading. `set_config` sets the session; `setval` and the like do not.
const WRITING: [&str; 21] = [
    "INTO ",
    "FROM STDIN",
    "FOR UPDATE",
    "FOR SHARE",
    "FOR NO KEY",
    "FOR KEY",
    "NEXTVAL",
    "SETVAL",
    "LO_CREAT",
    "LO_PUT",
    "LO_FROM_BYTEA",
    "LO_UNLINK",
    "LO_IMPORT",
    "LO_TRUNCATE",
    "LOWRITE",
    "PG_ADVISORY",
    "READ WRITE",
    "PG_TERMINATE",
    "DBLINK",
    "TEMP ",
    "TEMPORARY",
];

/// (database, application, statement) of every statement, without its literals.
fn statements(log: &str) -> Vec<(String, String, String)> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    let mut is_statement = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let (true, Some(last)) = (is_statement, found.last_mut()) {
                last.2.push('\n');
                last.2.push_str(more);
            }
            continue;
        }
        let mut parts = line.splitn(3, '\t');
        let (database, application, rest) = (
            parts.next().unwrap_or(""),
            parts.next().unwrap_or(""),
            parts.next().unwrap_or(""),
        );
        let text = rest.strip_prefix("LOG:  ").and_then(|rest| {
            let (kind, text) = rest.split_once(": ")?;
            (kind == "statement" || kind.starts_with("execute ")).then_some(text)
        });
        is_statement = text.is_some();
        if let Some(text) = text {
            found.push((database.to_owned(), application.to_owned(), text.to_owned()));
        }
    }
    found
}

/// Neither comments nor what stands between quotes.
fn bare(sql: &str) -> String {
    let mut out = String::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                for inner in chars.by_ref() {
                    if inner == c {
                        break;
                    }
                }
                out.push('_');
            }
            '-' if chars.peek() == Some(&'-') => {
                for inner in chars.by_ref() {
                    if inner == '\n' {
                        break;
                    }
                }
                out.push('\n');
            }
            c => out.extend(c.to_uppercase()),
        }
    }
    out
}

/// What is wrong with a statement that may only read; none: nothing.
fn objection(sql: &str, locks: &BTreeSet<String>) -> Option<String> {
    for part in bare(sql).split(';') {
        let words: Vec<&str> = part.split_whitespace().collect();
        let Some(first) = words.first() else {
            continue;
        };
        let part = words.join(" ");
        if !READING.contains(first) {
            return Some(format!("{first} does not only read: {sql}"));
        }
        if let Some(word) = WRITING
            .iter()
            .find(|word| format!("{part} ").contains(*word))
        {
            return Some(format!("{word}: {sql}"));
        }
        if *first == "LOCK" {
            let mode = part.rsplit_once(" IN ").map_or("none", |(_, mode)| mode);
            if !locks.contains(mode.trim_end_matches(" NOWAIT")) {
                return Some(format!("{mode} was not announced: {sql}"));
            }
        }
    }
    None
}

#[test]
fn what_writes_is_found() {
    let locks = BTreeSet::from(["ACCESS SHARE MODE".to_owned()]);
    for good in [
        "select 'insert into x' as \"DROP\"; -- delete from y\nselect 1",
        "COPY (select 1) TO STDOUT",
        "LOCK TABLE ONLY \"a;b\" IN ACCESS SHARE MODE",
        "set lock_timeout = 0;",
    ] {
        assert_eq!(objection(good, &locks), None);
    }
    for bad in [
        "insert into x values (1)",
        "select 1; drop table x",
        "select * into x from y",
        "create temp table x ()",
        "copy x from stdin",
        "select * from x for update",
        "select nextval('x')",
        "lock x in share mode",
        "lock x",
        "vacuum",
        "begin read write",
    ] {
        assert!(objection(bad, &locks).is_some(), "{bad}");
    }
}

/// All there is and all that was ever done to it.
async fn state(source: &Endpoint) -> String {
    let question = "select pg_stat_force_next_flush();
        select 'relations', count(*), sum(hashtext(c::text)::bigint) from pg_class c where oid >= 16384;
        select 'tuples', tup_inserted, tup_updated, tup_deleted, temp_files, temp_bytes from pg_stat_database where datname = current_database();
        select 'tables', relid::regclass, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup from pg_stat_all_tables where relid >= 16384 order by 2;
        select 'sequences', string_agg(schemaname || sequencename || coalesce(last_value, -1), ' ' order by schemaname, sequencename) from pg_sequences;
        select 'roles', count(*) from pg_roles; select 'settings', count(*) from pg_db_role_setting;
        select 'databases', string_agg(datname || coalesce(datacl::text, ''), ' ' order by datname) from pg_database;
        select 'large objects', count(*) from pg_largeobject_metadata; select 'slots', count(*) from pg_replication_slots;
        select 'prepared', count(*) from pg_prepared_xacts; select 'advisory', count(*) from pg_locks where locktype = 'advisory'";
    support::query_text(source, question).await
}

/// (mode, relation) of all locks that howdah's sessions hold on what is the user's.
const LOCKS: &str = "select distinct mode from pg_locks l join pg_stat_activity a using (pid) \
    where (application_name like 'howdah%' or application_name = 'postgres_fdw') and l.database <> 0 and relation >= 16384";

/// A source that writes down all that is said to it, and what it was like before.
struct Watched {
    source: Cluster,
    _destination: Cluster,
    pair: Pair,
    before: String,
    logged: usize,
}

impl Watched {
    async fn new() -> Self {
        let (source, destination): (Cluster, Cluster) = (support::cluster(), support::cluster());
        let pair = support::databases_on(&source, &destination, "kept").await;
        role::may_be_told_logins(&pair.destination).await;
        fill(&pair.source).await;
        support::execute_batch(&pair.source, SLOW).await;
        support::execute_batch(&pair.source, "delete from slow_rows where n > 100").await;
        // A session that is closed reports what it has written when its process ends, which may be later than this.
        let ended = "select count(pg_terminate_backend(pid, 30000)) from pg_stat_activity \
            where datname = current_database() and pid <> pg_backend_pid()";
        support::execute_batch(&role::superuser(&pair.source), ended).await;
        let before = state(&role::superuser(&pair.source)).await;
        let logged = fs::read(source.log_path()).unwrap().len();
        Self {
            source,
            _destination: destination,
            pair,
            before,
            logged,
        }
    }

    /// Everything is as it was, and nothing was said but what reads. Returns who spoke.
    async fn has_only_read(&self, locks: &BTreeSet<String>) -> BTreeSet<String> {
        assert_eq!(
            state(&role::superuser(&self.pair.source)).await,
            self.before
        );
        let log = fs::read(self.source.log_path()).unwrap();
        let log = String::from_utf8_lossy(log.split_at(self.logged).1).into_owned();
        let all = statements(&log);
        let of_howdah =
            |application: &str| application.starts_with("howdah") || application == "postgres_fdw";
        let ours: Vec<_> = all
            .iter()
            .filter(|(_, application, _)| of_howdah(application))
            .collect();
        assert!(ours.len() > 100, "{} statements", ours.len());
        let wrong: Vec<String> = ours
            .iter()
            .filter_map(|(_, _, sql)| objection(sql, locks))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
        // Whoever else was there is this test.
        let others: BTreeSet<_> = all
            .iter()
            .filter(|(_, a, _)| !of_howdah(a))
            .map(|(_, a, _)| a.as_str())
            .collect();
        assert!(
            others.is_subset(&BTreeSet::from(["", "[unknown]"])),
            "{others:?}"
        );
        ours.iter()
            .map(|(_, application, _)| application.clone())
            .collect()
    }
}

/// What the plan of this method says of locks, beside those that pg_dump takes: exactly these.
fn announced(pair: &Pair, method: &str) -> BTreeSet<String> {
    let plan = howdah("plan", pair, &["--method", method, "--verify", "checksums"]);
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    let plan = String::from_utf8(plan.stdout).unwrap();
    let mut locks: BTreeSet<String> = plan
        .lines()
        .filter_map(|line| line.trim_end_matches(';').rsplit_once(" IN "))
        .filter(|(_, mode)| mode.ends_with(" MODE"))
        .map(|(_, mode)| mode.to_owned())
        .collect();
    locks.insert("ACCESS SHARE MODE".to_owned());
    let announced: &[&str] = if method == "fdw" {
        &["ACCESS SHARE MODE", "SHARE MODE"]
    } else {
        &["ACCESS SHARE MODE"]
    };
    assert_eq!(
        locks,
        announced.iter().map(|mode| (*mode).to_owned()).collect()
    );
    locks
}

async fn only_reads(method: &str) {
    let watched = Watched::new().await;
    let pair = &watched.pair;
    let locks = announced(pair, method);
    let mut run = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--verify", "checksums", "--method", method])
        .args([
            "--source",
            &support::uri(&pair.source),
            "--destination",
            &support::uri(&pair.destination),
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // In the middle of the rows nothing stronger is held than what lets everybody write.
    let began = Instant::now();
    let sleeps = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    while support::query_text(&role::superuser(&pair.destination), sleeps).await == "0" {
        assert!(began.elapsed() < Duration::from_secs(60), "no row arrives");
        tokio::task::yield_now().await;
    }
    assert_eq!(
        support::query_text(&role::superuser(&pair.source), LOCKS).await,
        "AccessShareLock"
    );
    assert_eq!(run.wait().unwrap().code(), Some(0));

    let spoke = watched.has_only_read(&locks).await;
    assert!(
        spoke.contains("howdah schema"),
        "pg_dump is not in the log: {spoke:?}"
    );
}

/// Whatever else asks the source something: checks, both methods timed, a look at rows, a rehearsal, a run that crashes, the one
/// that goes on with it, and a comparison.
async fn all_else_only_reads(method: &str) {
    let watched = Watched::new().await;
    let pair = &watched.pair;
    let fast = format!(
        "alter role \"{}\" set app.fast = 'on'",
        pair.destination.user
    );
    support::execute_batch(&role::superuser(&pair.destination), &fast).await;
    let locks = announced(pair, method);
    let by = ["--method", method];
    let does = |command: &str, more: &[&str], code: i32| {
        let output = howdah(command, pair, more);
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    };
    does("check", &by, 0);
    if method == "copy" || !role::part_needs_superuser(REHEARSAL_BY_FDW) {
        does("rehearse", &by, 0);
    }
    let inspection = checks::inspect(
        pair.source.clone(),
        pair.destination.clone(),
        Options::default(),
        Purpose::Wizard,
        |_| {},
    );
    let inspection = inspection.await.unwrap();
    let options = Options::default();
    let sample = measure(&pair.source, &pair.destination, &inspection, &options);
    let sample = sample.await.unwrap();
    assert!(sample.copy.is_ok() && sample.fdw.is_ok(), "{sample:?}");
    let version = inspection.source.version_num;
    for table in &inspection.catalog.tables {
        peek(&pair.source, version, table, None).await.unwrap();
    }
    let crash = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(["run", "--yes", "--method", method])
        .args(["--source", &support::uri(&pair.source)])
        .args(["--destination", &support::uri(&pair.destination)])
        .env("HOWDAH_FAILPOINT", "sequence/public.counter@commit=panic")
        .output()
        .unwrap();
    assert_eq!(crash.status.code(), Some(1), "{}", said(&crash));
    does("resume", &["--yes"], 0);
    does("verify", &["--verify", "checksums"], 0);
    let spoke = watched.has_only_read(&locks).await;
    for who in ["howdah peek", "howdah schema", "postgres_fdw"] {
        assert!(spoke.contains(who), "{who}: {spoke:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_copy_only_reads() {
    only_reads("copy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_fdw_only_reads() {
    only_reads("fdw").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_else_by_copy_only_reads() {
    all_else_only_reads("copy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_else_by_fdw_only_reads() {
    all_else_only_reads("fdw").await;
}
