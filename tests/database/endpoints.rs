//! Endpoints that are not simply a server: a pooler, a balancer, a standby. Each is the real thing but the balancer, which is a
//! relay that takes turns.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use howdah::demo::cluster::Cluster;
use howdah::model::connection::{Endpoint, Secret};

use crate::migrate::{howdah, said};
use crate::support::{self, Pair};

/// Waits until something is so; a test that waits for ever says for what.
fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        thread::yield_now();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// PgBouncer in front of a server. Its end is the end of the value.
struct Pooler {
    process: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Pooler {
    /// Whoever comes, it logs in as who the endpoint says.
    fn start(server: &Cluster, endpoint: &Endpoint, mode: &str) -> Self {
        let dir = tempfile::tempdir_in("/tmp").unwrap();
        let port = free_port();
        let password = endpoint.password.as_ref().unwrap().expose();
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={} user={} password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n\
             unix_socket_dir =\nignore_startup_parameters = extra_float_digits\n",
            endpoint.port, endpoint.user
        );
        let file = dir.path().join("pgbouncer.ini");
        fs::write(&file, config).unwrap();
        // It refuses root as the server does.
        let owner = fs::metadata(server.dir()).unwrap();
        chown(dir.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        let program = ["/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer"]
            .into_iter()
            .find(|path| Path::new(path).exists())
            .unwrap_or("pgbouncer");
        let mut command = Command::new(program);
        command
            .arg("--quiet")
            .arg(&file)
            .stderr(Stdio::null())
            .stdout(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; apt-get install pgbouncer"));
        wait("PgBouncer takes no connection", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Self {
            process,
            port,
            _dir: dir,
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn through(endpoint: &Endpoint, port: u16) -> Endpoint {
    Endpoint {
        port,
        ..endpoint.clone()
    }
}

#[tokio::test]
async fn a_pooler_that_lends_by_transaction_is_named_with_the_remedy() {
    let pair = support::databases("pooled").await;
    let servers = support::servers();
    let of_source = Pooler::start(&servers.source, &pair.source, "transaction");
    let of_destination = Pooler::start(&servers.destination, &pair.destination, "transaction");
    for (pooled, side) in [
        (
            Pair {
                source: through(&pair.source, of_source.port),
                destination: pair.destination.clone(),
            },
            "source",
        ),
        (
            Pair {
                source: pair.source.clone(),
                destination: through(&pair.destination, of_destination.port),
            },
            "destination",
        ),
    ] {
        let check = howdah("check", &pooled, &[]);
        assert_eq!(check.status.code(), Some(3), "{}", said(&check));
        let words = said(&check);
        let named = format!("The {side} is behind a connection pooler");
        assert!(words.contains(&named), "{words}");
        assert!(words.contains("pool_mode = session"), "{words}");
        assert!(!words.contains("prepared statement"), "{words}");
    }
}

#[tokio::test]
async fn a_pooler_that_lends_by_session_is_no_hindrance() {
    let pair = support::databases("lent").await;
    support::execute_batch(&pair.source, "create table t as select 1 as a").await;
    let pooler = Pooler::start(&support::servers().source, &pair.source, "session");
    let pooled = Pair {
        source: through(&pair.source, pooler.port),
        destination: pair.destination.clone(),
    };
    let run = howdah("run", &pooled, &["--yes"]);
    assert_eq!(run.status.code(), Some(0), "{}", said(&run));
    let found = support::differences(&pair.source, &pair.destination).await;
    assert_eq!(found, Vec::<String>::new());
}

/// Passes each new connection on to the next of these ports, in turn.
fn balance(ports: [u16; 2]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (client, port) in listener.incoming().zip(ports.into_iter().cycle()) {
            let (client, server) = (
                client.unwrap(),
                TcpStream::connect(("127.0.0.1", port)).unwrap(),
            );
            let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
            for (mut from, mut to) in [(client, server), back] {
                thread::spawn(move || {
                    // Either side may end it at any time.
                    drop(io::copy(&mut from, &mut to));
                    drop(to.shutdown(std::net::Shutdown::Both));
                });
            }
        }
    });
    port
}

#[tokio::test]
async fn an_address_of_several_servers_is_named() {
    let pair = support::databases("balanced").await;
    let mut source = through(
        &pair.source,
        balance([pair.source.port, pair.destination.port]),
    );
    // Whom both servers let in.
    if !support::role::is_owner() {
        let make = "create role balanced superuser login password 'x'";
        support::execute_batch(&pair.source, make).await;
        support::execute_batch(&pair.destination, make).await;
        source.user = "balanced".to_owned();
        source.password = Some(Secret::new("x"));
    }
    let balanced = Pair {
        source,
        destination: pair.destination.clone(),
    };
    let check = howdah("check", &balanced, &[]);
    assert_eq!(check.status.code(), Some(3), "{}", said(&check));
    let words = said(&check);
    assert!(
        words.contains("Behind the source's address are several servers"),
        "{words}"
    );
    assert!(words.contains("by its own address"), "{words}");
}

/// A standby of `primary`, made by pg_basebackup in the place of a cluster of its own.
async fn standby_of(primary: &Cluster) -> Cluster {
    let rules = primary.dir().join("data/pg_hba.conf");
    let open = fs::read_to_string(&rules).unwrap() + "local replication all trust\n";
    fs::write(&rules, open).unwrap();
    let maintenance = primary.endpoint("postgres");
    support::execute_batch(&maintenance, "select pg_reload_conf()").await;

    let mut standby = support::cluster();
    standby.stop().unwrap();
    let data = standby.dir().join("data");
    fs::remove_dir_all(&data).unwrap();
    let backup = Command::new(support::binaries().bindir.join("pg_basebackup"))
        .args([
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--pgdata",
        ])
        .arg(&data)
        .args(["--username=postgres", "--no-password"])
        .arg(format!("--port={}", primary.port()))
        .arg(format!("--host={}", primary.dir().display()))
        .output()
        .unwrap();
    assert!(backup.status.success(), "{}", said(&backup));
    let config = data.join("postgresql.conf");
    let settings = format!(
        "{}port = {}\nunix_socket_directories = '{}'\nmax_standby_streaming_delay = 0\n",
        fs::read_to_string(&config).unwrap(),
        standby.port(),
        standby.dir().display()
    );
    fs::write(&config, settings).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let owner = fs::metadata(standby.dir()).unwrap();
    give(&data, owner.uid(), owner.gid());
    standby.restart().unwrap();
    standby
}

fn give(path: &Path, user: u32, group: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(group)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for child in fs::read_dir(path).unwrap() {
            give(&child.unwrap().path(), user, group);
        }
    }
}

#[tokio::test]
async fn a_standby_is_carried_without_what_is_unlogged() {
    let primary = support::cluster();
    let pair = support::databases_on(&primary, &support::servers().destination, "of_standby").await;
    let on_primary = &pair.source;
    support::execute_batch(
        on_primary,
        "create table kept (id int generated always as identity primary key, v text);
         insert into kept (v) select 'v' || g from generate_series(1, 1000) g;
         create table other as select * from kept;
         create unlogged table cached (id serial, v text);
         insert into cached (v) values ('gone'), ('too');
         create materialized view counted as select count(*) from kept",
    )
    .await;
    let standby = standby_of(&primary).await;
    let source = through(on_primary, standby.port());
    let end = support::query_text(on_primary, "select pg_current_wal_lsn()").await;
    let replayed = format!("select pg_last_wal_replay_lsn() >= '{end}'");
    let start = Instant::now();
    while support::query_text(&source, &replayed).await != "t" {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "nothing is replayed"
        );
    }
    for method in ["copy", "fdw"] {
        let pair = Pair {
            source: source.clone(),
            ..support::further_destination(&pair).await
        };
        let check = howdah("check", &pair, &["--method", method]);
        let words = said(&check);
        assert!(words.contains("The source is a standby"), "{words}");
        assert!(words.contains("public.cached\n"), "{words}");
        assert!(words.contains("max_standby_streaming_delay"), "{words}");

        let arguments = [
            "--yes",
            "--verify",
            "checksums",
            "--method",
            method,
            "--jobs",
            "3",
        ];
        let run = howdah("run", &pair, &arguments);
        assert_eq!(run.status.code(), Some(0), "{}", said(&run));
        // All but the unlogged table's rows and its counter, which only the primary has.
        let found = support::differences(on_primary, &pair.destination).await;
        let (unlogged, others): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|line| line.contains(" public.cached"));
        let others: Vec<_> = others
            .iter()
            .filter(|line| !line.starts_with("database "))
            .collect();
        assert_eq!(others, Vec::<&String>::new());
        assert_eq!(unlogged.len(), 2, "{unlogged:?}");
        let plan = said(&howdah(
            "plan",
            &pair,
            &["--method", method, "--on-existing", "empty"],
        ));
        assert!(
            plan.contains("rows of public.cached: it is unlogged"),
            "{plan}"
        );
    }
    conflict_is_named(on_primary, &source).await;
}

/// A read that stands in the way of replay is cancelled, and what is said then helps.
async fn conflict_is_named(primary: &Endpoint, standby: &Endpoint) {
    let reader = support::connect(standby).await;
    let begin = "begin isolation level repeatable read; select count(*) from kept";
    reader.batch_execute(begin).await.unwrap();
    let (cancelled, ()) = tokio::join!(reader.batch_execute("select pg_sleep(30)"), async {
        support::execute_batch(primary, "delete from kept where id < 500").await;
        let client = support::connect(primary).await;
        client.batch_execute("vacuum kept").await.unwrap();
    });
    let told = howdah::pg::problem::problem("Could not read", &cancelled.unwrap_err());
    assert_eq!(told.sqlstate.as_deref(), Some("40001"), "{told}");
    let hint = told.our_hint.unwrap();
    assert!(hint.contains("hot_standby_feedback"), "{hint}");
}
