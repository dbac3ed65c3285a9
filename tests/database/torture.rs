//! Whatever a database can hold, carried by both methods and judged by the oracle: `fixtures/torture` has it by theme. It
//! needs PostgreSQL 15 or newer.
//!
//! Not in it: security labels (no provider comes with PostgreSQL), tablespaces (they are a machine's), foreign keys that the
//! rows break, internal triggers that were switched off (pg_dump knows nothing of them).

use howdah::model::connection::{Endpoint, Secret};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

const ROLES: &str = include_str!("fixtures/torture/roles.sql");
/// In the order in which they need each other; what refuses or hinders further statements is last.
const FILES: [&str; 13] = [
    include_str!("fixtures/torture/types.sql"),
    include_str!("fixtures/torture/values.sql"),
    include_str!("fixtures/torture/tables.sql"),
    include_str!("fixtures/torture/sequences.sql"),
    include_str!("fixtures/torture/names.sql"),
    include_str!("fixtures/torture/programs.sql"),
    include_str!("fixtures/torture/security.sql"),
    include_str!("fixtures/torture/large_objects.sql"),
    include_str!("fixtures/torture/replication.sql"),
    include_str!("fixtures/torture/traps.sql"),
    include_str!("fixtures/torture/comments.sql"),
    include_str!("fixtures/torture/events.sql"),
    include_str!("fixtures/torture/database.sql"),
];

/// What is left out on purpose, and said to be.
pub(crate) fn left_out() -> Vec<&'static str> {
    let mut left_out = vec!["index tables.broken: only in the source"];
    if !support::role::is_owner() {
        left_out.insert(0, "comment subscription idle: only in the source");
    }
    left_out
}

pub(crate) async fn fill(pair: &Pair) {
    let servers = support::servers();
    for server in [&servers.source, &servers.destination] {
        support::execute_batch(&server.endpoint("postgres"), ROLES).await;
    }
    support::role::join_roles(pair, "^(torture|Torture|törture|select$)").await;
    for part in FILES.iter().flat_map(|f| f.split("\n-- next transaction")) {
        let (heading, statements) = part.split_once('\n').unwrap_or((part, ""));
        if let Some(what) = heading.strip_prefix(", for a superuser alone: ")
            && support::role::part_needs_superuser(what)
        {
            continue;
        }
        if heading.starts_with(", which fails") {
            let client = support::connect(&pair.source).await;
            client.batch_execute(statements).await.unwrap_err();
        } else {
            support::execute_batch(&pair.source, statements).await;
        }
    }
}

async fn carries_everything(method: &str) {
    let pair = support::source_only_for("torture", method).await;
    fill(&pair).await;
    let arguments = [
        "--yes",
        "--create-database",
        "--method",
        method,
        "--jobs",
        "3",
        "--verify",
        "checksums",
    ];
    let plan = howdah("plan", &pair, &arguments[1..]);
    let run = howdah("run", &pair, &arguments);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, left_out());
    let plan = said(&plan);
    assert!(support::role::is_owner() || plan.contains("-- note: Subscriptions are left out"));
    assert!(plan.contains("-- left out: index tables.broken: it is invalid"));
    assert!(plan.contains("GRANT $2 ON LARGE OBJECT $1 TO $3"));
}

#[tokio::test]
async fn copy_carries_everything() {
    carries_everything("copy").await;
}

#[tokio::test]
async fn fdw_carries_everything() {
    carries_everything("fdw").await;
}

/// A role of its own on one side, with a password, and what it is allowed.
async fn log_in_as(endpoint: &Endpoint, rights: &str) -> Endpoint {
    let mut role = endpoint.clone();
    role.user = format!("role_of_{}", endpoint.database);
    role.password = Some(Secret::new("x"));
    let sql = format!("create role {} login password 'x'; ", role.user);
    let sql = sql + &rights.replace("{role}", &role.user);
    support::execute_batch(&support::role::superuser(endpoint), &sql).await;
    role
}

/// What keeps writers from the source at a switch would keep them from the destination too.
#[tokio::test]
async fn what_closes_the_source_for_a_switch_does_not_close_the_destination() {
    let pair = support::databases("switch").await;
    let database = &pair.source.database;
    let is_owner = support::role::is_owner();
    // An ordinary role could not read such a source either.
    let limit = if is_owner { -1 } else { 0 };
    let close = format!(
        "alter database {database} set default_transaction_read_only = on; alter database {database} set work_mem = '5MB';
         alter database {database} connection limit {limit}"
    );
    support::execute_batch(&support::role::superuser(&pair.source), &close).await;
    let run = howdah("run", &pair, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let question = "select datconnlimit, (select string_agg(x, ' ') from pg_db_role_setting, unnest(setconfig) as x where setdatabase = d.oid and setrole = 0)
        from pg_database d where datname = current_database()";
    let there = support::query_text(&pair.destination, question).await;
    assert_eq!(there, "-1|work_mem=5MB");
    let told = said(&run);
    assert!(
        told.contains("setting default_transaction_read_only = on of the database"),
        "{told}"
    );
    assert!(is_owner || told.contains("connection limit 0"), "{told}");
}

#[tokio::test]
async fn a_refused_database_setting_is_told_and_loses_no_other() {
    let pair = support::databases("settings").await;
    let database = &pair.source.database;
    let settings = format!(
        "alter database {database} set session_replication_role = replica; alter database {database} set work_mem = '5MB';
         alter database {database} set search_path = \"$user\", \"a, b\"; alter role current_user in database {database} set lc_monetary = 'C';
         comment on database {database} is 'mine'; alter database {database} connection limit 9"
    );
    support::execute_batch(&support::role::superuser(&pair.source), &settings).await;
    let rights = format!(
        "alter database {database} owner to {{role}}; alter schema public owner to {{role}}"
    );
    let limited = Pair {
        source: pair.source.clone(),
        destination: log_in_as(&pair.destination, &rights).await,
    };
    let choices = ["--yes", "--owners", "skip", "--privileges", "skip"];
    let skipped: Vec<&str> = choices
        .iter()
        .copied()
        .chain(["--database-settings", "skip"])
        .collect();
    let question = "select unnest(setconfig) from pg_db_role_setting join pg_database d on d.oid = setdatabase \
                    where datname = current_database() and setrole = 0";
    let run = howdah("run", &limited, &skipped);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    assert_eq!(support::query_text(&pair.destination, question).await, "");

    let run = howdah("run", &limited, &choices);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    assert!(
        said(&run).contains("permission denied to set parameter \"session_replication_role\""),
        "{}",
        said(&run)
    );
    assert_eq!(
        support::query_text(&pair.destination, question).await,
        "work_mem=5MB\nsearch_path=\"$user\", \"a, b\""
    );
    let about = "select shobj_description(oid, 'pg_database'), datconnlimit from pg_database where datname = current_database()";
    assert_eq!(
        support::query_text(&pair.destination, about).await,
        "mine|9"
    );
}

#[tokio::test]
async fn the_date_style_of_the_source_role_changes_no_date() {
    for method in ["copy", "fdw"] {
        let pair = support::databases("dates").await;
        let dates = "create table dates (d date, t timestamptz, i interval); 
            insert into dates (d, t, i) select '2020-02-01'::date + g, '2020-03-04'::timestamptz + g * interval '1 day', g * interval '-1 mon 2 days'
            from generate_series(1, 50) g";
        support::execute_batch(&pair.source, dates).await;
        let rights = "grant pg_read_all_data to {role}; alter role {role} set datestyle = 'SQL, DMY';
            alter role {role} set intervalstyle = sql_standard; alter role {role} set timezone = 'Asia/Kathmandu';
            alter role {role} set extra_float_digits = -15; alter role {role} set bytea_output = escape";
        let reader = Pair {
            source: log_in_as(&pair.source, rights).await,
            destination: pair.destination.clone(),
        };
        let run = howdah(
            "run",
            &reader,
            &["--yes", "--method", method, "--verify", "checksums"],
        );
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new());
    }
}

/// With this setting off the destination takes the NULL in `{a,NULL}` for a word, and what it has read for what was sent.
#[tokio::test]
async fn a_null_in_an_array_is_none_of_the_destinations_words() {
    let source = "create table held (id int primary key, words text[]); create table other (id int primary key);
        insert into held values (1, array['a', null, 'b']), (2, array[null::text]), (3, array['NULL'])";
    for (method, jobs) in [("copy", "1"), ("fdw", "1"), ("fdw", "2")] {
        let pair = support::databases("nulls").await;
        support::execute_batch(&pair.source, source).await;
        let database = &pair.destination.database;
        let superuser = support::role::superuser(&pair.destination);
        let off = format!("alter database {database} set array_nulls = off");
        support::execute_batch(&superuser, &off).await;
        let how = ["--yes", "--method", method, "--jobs", jobs];
        let run = howdah(
            "run",
            &pair,
            &[&how[..], &["--verify", "checksums"]].concat(),
        );
        let reset = format!("alter database {database} reset all");
        support::execute_batch(&superuser, &reset).await;
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        let found = support::differences(&pair.source, &pair.destination).await;
        assert_eq!(found, Vec::<String>::new(), "{method}, {jobs}");
    }
}

/// Bytes of these encodings that a way through UTF8 changes, or ends at.
#[tokio::test]
async fn characters_that_utf8_does_not_give_back_are_carried_as_they_are() {
    if support::role::needs_superuser("it makes databases of other encodings") {
        return;
    }
    // Of its own: what is in the log of this one nobody could read as text.
    let cluster = support::cluster();
    let maintenance = cluster.endpoint("postgres");
    for (encoding, bytes) in [("EUC_JP", r"\xad\xf0"), ("SQL_ASCII", r"caf\xe9")] {
        let name = encoding.to_lowercase();
        let sql =
            format!("create database {name} template template0 encoding '{encoding}' locale 'C'");
        support::execute_batch(&maintenance, &sql).await;
        let pair = Pair {
            source: cluster.endpoint(&name),
            destination: cluster.endpoint("to_be_made"),
        };
        let source = format!(
            "create table held (id int primary key, word text, words text[]);
             insert into held values (1, E'{bytes}', array[E'{bytes}', 'abc']);
             create table plain (id int, at timestamp(3), b bytea); insert into plain values (1, 'now', E'{bytes}')"
        );
        support::execute_batch(&pair.source, &source).await;
        let question = format!(
            "select encode(convert_to(string_agg(word || words::text, ','), '{encoding}'), 'hex') from held"
        );
        let expected = support::query_text(&pair.source, &question).await;
        for method in ["copy", "fdw"] {
            let how = ["--yes", "--create-database", "--method", method];
            let run = howdah(
                "run",
                &pair,
                &[&how[..], &["--verify", "checksums"]].concat(),
            );
            assert_eq!(run.status.code(), Some(0), "{}", said(&run));
            let there = support::query_text(&pair.destination, &question).await;
            assert_eq!(there, expected, "{encoding}, {method}");
            support::execute_batch(&maintenance, "drop database to_be_made").await;
        }
        // Only where characters are.
        let plan = said(&howdah("plan", &pair, &["--create-database"]));
        let option = format!("(FORMAT text, ENCODING '{encoding}'");
        assert_eq!(plan.matches(&option).count(), 2, "{plan}");
        assert!(plan.contains("FROM STDIN (FORMAT binary"), "{plan}");
    }
}

/// What refuses a row there is told, whatever the row holds.
#[tokio::test]
async fn an_error_about_bytes_that_are_not_utf8_can_be_read() {
    if support::role::needs_superuser("it makes databases of other encodings") {
        return;
    }
    // Of its own: what is in the log of this one nobody could read as text.
    let cluster = support::cluster();
    for name in ["from_bytes", "to_bytes"] {
        let sql =
            format!("create database {name} template template0 encoding 'SQL_ASCII' locale 'C'");
        support::execute_batch(&cluster.endpoint("postgres"), &sql).await;
    }
    let pair = Pair {
        source: cluster.endpoint("from_bytes"),
        destination: cluster.endpoint("to_bytes"),
    };
    let table = "create table held (word text)";
    let rows = r"insert into held values ('abc'), (E'caf\xe9'), (E'na\xefve')";
    support::execute_batch(&pair.source, &format!("{table}; {rows}")).await;
    let check = r"alter table held add constraint no_cafe check (word <> E'caf\xe9')";
    support::execute_batch(&pair.destination, &format!("{table}; {check}")).await;
    let how = ["--yes", "--schema", "none", "--on-existing", "append"];
    let run = howdah("run", &pair, &how);
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    // The server itself has no way to say in UTF8 which row broke which constraint.
    assert!(said(&run).contains("SQLSTATE 22021"), "{}", said(&run));
    assert!(said(&run).contains("its log has it"), "{}", said(&run));
}

/// An index over a function that was declared immutable and reads another table all the same.
#[tokio::test]
async fn an_index_that_reads_another_table_comes_after_its_rows() {
    let pair = support::databases("reading_index").await;
    // The rows of the larger table are in while those of the other still come.
    let fill = "create function slowly(int) returns bool language plpgsql immutable as
            'begin perform pg_sleep(0.05); return true; end';
        create table region (id int check (public.slowly(id)), name text); insert into region select n, 'r' || n from generate_series(1, 20) n;
        create function region_of(int) returns text language sql immutable as 'select name from public.region where id = $1';
        create table customer (id int, pad text); insert into customer select n, repeat('x', 800) from generate_series(1, 200) n;
        create index on customer (region_of(id))";
    support::execute_batch(&pair.source, fill).await;
    let run = howdah("run", &pair, &["--yes", "--jobs", "1"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let by_index = "set enable_seqscan = off; select id from customer where region_of(id) = 'r7'";
    let found = support::query_text(&pair.destination, by_index).await;
    assert_eq!(found, "7");
}
