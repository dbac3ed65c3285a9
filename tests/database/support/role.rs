//! As whom the tests connect: as the servers' superuser, or, in a second pass that `HOWDAH_TEST_ROLE=owner` asks for, as a
//! role that owns the databases of its test and is nothing more. Oracles and what a provider does are always a superuser's.

use std::io::Write;
use std::panic::Location;
use std::sync::Mutex;

use howdah::model::connection::{Endpoint, Secret};

use super::{Pair, SERVERS, connect, execute_batch};

/// The superusers of servers that are a test's own.
static OTHERS: Mutex<Vec<Endpoint>> = Mutex::new(Vec::new());

/// What [`provide_fdw`] leaves in the destination alone, and a run as it was.
pub(super) const PROVIDED: [&str; 3] = [
    "comment extension postgres_fdw: only in the destination",
    "extension postgres_fdw: only in the destination",
    "foreign data wrapper postgres_fdw: only in the destination",
];

/// Whether this is the second pass. A value that nobody knows must not look like one of the two.
pub(crate) fn is_owner() -> bool {
    match std::env::var_os("HOWDAH_TEST_ROLE") {
        None => false,
        Some(role) if role == "owner" => true,
        Some(role) => panic!("HOWDAH_TEST_ROLE is {role:?}; only \"owner\" is known"),
    }
}

/// True in the second pass, where the test then ends; this is said past the harness, which keeps what a passed test prints.
#[must_use]
#[track_caller]
pub(crate) fn needs_superuser(reason: &str) -> bool {
    is_left_out("not run under an ordinary role: ", reason)
}

/// The same for a part of a test, which goes on without it.
#[must_use]
#[track_caller]
pub(crate) fn part_needs_superuser(reason: &str) -> bool {
    is_left_out("not run under an ordinary role, a part of ", reason)
}

#[track_caller]
fn is_left_out(words: &str, reason: &str) -> bool {
    if !is_owner() {
        return false;
    }
    let thread = std::thread::current();
    let name = match thread.name() {
        Some(name) if name != "main" => name.to_owned(),
        // With one thread, the harness runs the tests in its own.
        _ => Location::caller().to_string(),
    };
    let line = format!("{words}{name}: {reason}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    true
}

/// The same database as the superuser of its server, where that is one that [`databases_on`](super::databases_on) knows.
pub(crate) fn superuser(endpoint: &Endpoint) -> Endpoint {
    let servers = SERVERS.get().into_iter();
    let server = servers
        .flat_map(|servers| [&servers.source, &servers.destination])
        .find(|server| server.port() == endpoint.port);
    if let Some(server) = server {
        return server.endpoint(&endpoint.database);
    }
    // The last one: a port may have been another server's before.
    let others = OTHERS.lock().unwrap();
    let other = others.iter().rfind(|one| one.port == endpoint.port);
    other.map_or_else(
        || endpoint.clone(),
        |one| Endpoint {
            database: endpoint.database.clone(),
            ..one.clone()
        },
    )
}

/// Remembers who a server's superuser is.
pub(super) fn know(superuser: &Endpoint) {
    OTHERS.lock().unwrap().push(superuser.clone());
}

/// The same pair for a role of its own, which may log in and make databases, on either server.
pub(super) async fn of_owner(mut pair: Pair) -> Pair {
    for end in [&mut pair.source, &mut pair.destination] {
        let maintenance = Endpoint {
            database: "postgres".to_owned(),
            ..end.clone()
        };
        end.user = format!("owner_of_{}", end.database);
        let password = format!("{}-password", end.user);
        let create = format!(
            "create role \"{}\" login createdb password '{password}'",
            end.user
        );
        let client = connect(&maintenance).await;
        // What a server has logged is searched for passwords.
        client
            .batch_execute("set log_statement = 'none'")
            .await
            .unwrap();
        client.batch_execute(&create).await.unwrap();
        end.password = Some(Secret::new(password));
    }
    pair
}

/// Makes the role of the endpoint the owner of its database.
pub(super) async fn own(end: &Endpoint) {
    let own = format!(
        "alter database \"{}\" owner to \"{}\"",
        end.database, end.user
    );
    execute_batch(&superuser(end), &own).await;
}

/// What a provider puts into a database for its owner, who may not.
pub(super) async fn provide_fdw(end: &Endpoint) {
    let provide = format!(
        "create extension postgres_fdw schema public; grant usage on foreign data wrapper postgres_fdw to \"{}\"",
        end.user
    );
    execute_batch(&superuser(end), &provide).await;
}

/// The servers log every statement; an ordinary role keeps a login out of that with what the check of FDW tells to grant.
pub(crate) async fn may_be_told_logins(end: &Endpoint) {
    if is_owner() {
        let grant = format!(
            "grant set on parameter log_statement, log_min_duration_statement, log_min_duration_sample,
                log_transaction_sample_rate, log_min_error_statement, track_activities to \"{}\"",
            end.user
        );
        execute_batch(&superuser(end), &grant).await;
    }
}

/// Runs what only a superuser may as the role of the endpoint, which then owns what it makes: it is one for that long. No
/// other test has that role.
pub(crate) async fn execute_with_power(end: &Endpoint, sql: &str) {
    let superuser = superuser(end);
    let become_one = |is: &str| format!("alter role \"{}\" {is}", end.user);
    if is_owner() {
        execute_batch(&superuser, &become_one("superuser")).await;
    }
    execute_batch(end, sql).await;
    if is_owner() {
        execute_batch(&superuser, &become_one("nosuperuser")).await;
    }
}

/// Lets the roles of the pair, where they are ordinary, act for those whose names the pattern fits: a prerequisite of
/// giving them anything.
pub(crate) async fn join_roles(pair: &Pair, pattern: &str) {
    for end in [&pair.source, &pair.destination] {
        let join = format!(
            "do $$ declare name text; begin
                for name in select rolname from pg_roles where rolname ~ '{pattern}' loop
                    execute format('grant %I to %I', name, '{}'); end loop; end $$",
            end.user
        );
        let maintenance = Endpoint {
            database: "postgres".to_owned(),
            ..superuser(end)
        };
        if is_owner() {
            execute_batch(&maintenance, &join).await;
        }
    }
}
