//! As whom the tests connect: as the servers' superuser, or, in a second pass that `HOWDAH_TEST_ROLE=owner` asks for, as a
//! role that owns the databases of its test and is nothing more. Oracles and what a provider does are always a superuser's.

use std::io::Write;
use std::panic::Location;

use howdah::model::connection::{Endpoint, Secret};

use super::{Pair, SERVERS, execute_batch};

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

/// The same database as the superuser of its server, where that is one of the run's two.
pub(crate) fn superuser(endpoint: &Endpoint) -> Endpoint {
    let servers = SERVERS.get().into_iter();
    servers
        .flat_map(|servers| [&servers.source, &servers.destination])
        .find(|server| server.port() == endpoint.port)
        .map_or_else(
            || endpoint.clone(),
            |server| server.endpoint(&endpoint.database),
        )
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
        execute_batch(&maintenance, &create).await;
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

/// The run's servers log every statement; not those of this role from now on, where it could not keep a login out of them.
pub(crate) async fn may_be_told_logins(end: &Endpoint) {
    if is_owner() {
        let hush = format!("alter role \"{}\" set log_statement = 'none'", end.user);
        execute_batch(&superuser(end), &hush).await;
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
