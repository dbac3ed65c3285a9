//! TLS to a server of its own with certificates of its own. The judge is libpq: psql with the same connection string is let
//! in or refused, encrypted or not, and howdah must be as well.

mod believed;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::process::Command;

use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::problem::{Field, Problem};
use howdah::pg::connect::connect;
use howdah::settings::{Environment, resolve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::certificates::{Certificates, chmod};
use crate::migrate::said;
use crate::support;

const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

/// A server whose certificate and access rules change between cases.
struct Server {
    cluster: Cluster,
    certificates: Certificates,
}

impl Server {
    fn start() -> Self {
        let certificates = Certificates::new();
        certificates.by_itself("ca", "howdah test CA", &[]);
        certificates.signed("server", "ca", "server", "subjectAltName=DNS:localhost");
        let options = ClusterOptions {
            log_statement: Some("all".to_owned()),
            ..ClusterOptions::default()
        };
        let cluster = Cluster::start(&support::binaries(), &options)
            .unwrap_or_else(|problem| panic!("{problem}"));
        Self {
            cluster,
            certificates,
        }
    }

    /// With this certificate, none: without TLS, and these lines of pg_hba.conf for TCP.
    fn becomes(&mut self, certificate: Option<&str>, rules: &str) {
        let dir = self.cluster.dir().to_path_buf();
        let owner = fs::metadata(&dir).unwrap();
        let own = |name: &str, text: &[u8]| {
            let file = dir.join("data").join(name);
            fs::write(&file, text).unwrap();
            chmod(&file, 0o600);
            chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        };
        own(
            "root.crt",
            &fs::read(self.certificates.certificate("ca")).unwrap(),
        );
        if let Some(name) = certificate {
            own(
                "server.crt",
                &fs::read(self.certificates.certificate(name)).unwrap(),
            );
            own(
                "server.key",
                &fs::read(self.certificates.key(name)).unwrap(),
            );
        }
        let ssl = if certificate.is_some() { "on" } else { "off" };
        own(
            "postgresql.auto.conf",
            format!("ssl = {ssl}\nssl_ca_file = 'root.crt'\n").as_bytes(),
        );
        own(
            "pg_hba.conf",
            format!("local all all trust\n{rules}").as_bytes(),
        );
        self.cluster
            .restart()
            .unwrap_or_else(|problem| panic!("{problem}"));
    }

    /// Both programs on one connection string; they must agree. Returns what howdah says of its refusal.
    async fn case(&self, text: &str) -> Option<Problem> {
        let port = self.cluster.port();
        let text = format!("host=localhost port={port} dbname=postgres {text}");
        match (howdah(&text).await, psql(&text)) {
            (Ok(ours), Ok(theirs)) => {
                assert_eq!(ours, theirs, "{text}");
                None
            }
            (Err(ours), Err(_)) => {
                // Whatever is refused: where, why, and what to do.
                assert!(
                    ours.field.is_some() && ours.our_hint.is_some(),
                    "{text}: {ours}"
                );
                Some(ours)
            }
            (ours, theirs) => panic!("{text}\nhowdah: {ours:?}\npsql: {theirs:?}"),
        }
    }

    fn file(&self, parameter: &str, name: &str) -> String {
        let path = if parameter == "sslkey" {
            self.certificates.key(name)
        } else {
            self.certificates.certificate(name)
        };
        format!("{parameter}={}", path.display())
    }
}

fn psql(text: &str) -> Result<String, String> {
    let question =
        "select coalesce((select version from pg_stat_ssl where pid = pg_backend_pid()), '')";
    let output = Command::new(support::binaries().bindir.join("psql"))
        .args(["--no-psqlrc", "--no-password", "-At", "-c", question, text])
        .output()
        .unwrap();
    let words = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(words(&output.stdout))
    } else {
        Err(words(&output.stderr))
    }
}

async fn howdah(text: &str) -> Result<String, Problem> {
    let endpoint = resolve(Some(text), &Environment::default())?;
    let connected = connect(&endpoint, "test").await?;
    // The session is one indeed, and the server says the same of it.
    let question =
        "select coalesce((select version from pg_stat_ssl where pid = pg_backend_pid()), '')";
    let version: String = connected
        .client
        .query_one(question, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(connected.tls.clone().unwrap_or_default(), version, "{text}");
    Ok(version)
}

const ANYBODY: &str = "host all all localhost trust\n";

/// What howdah says of a case that psql refuses too.
#[track_caller]
fn says(told: Option<Problem>, words: &str, field: Field) {
    let problem = told.unwrap_or_else(|| panic!("let in, but: {words}"));
    assert!(problem.to_string().contains(words), "{problem}");
    assert_eq!(problem.field, Some(field), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn modes_meet_servers_as_those_of_libpq_do() {
    let mut server = Server::start();
    let ca = server.file("sslrootcert", "ca");
    // A server without TLS.
    server.becomes(None, ANYBODY);
    for mode in MODES {
        let told = server
            .case(&format!("user=postgres sslmode={mode} {ca}"))
            .await;
        if ["disable", "allow", "prefer"].contains(&mode) {
            assert_eq!(told, None);
        } else {
            says(told, "does not offer TLS", Field::Tls);
        }
    }
    // One that wants it, and one that wants it not.
    for (rules, refused) in [
        ("hostssl all all localhost trust\n", &["disable"][..]),
        (
            "hostnossl all all localhost trust\n",
            &["require", "verify-ca", "verify-full"],
        ),
    ] {
        server.becomes(Some("server"), rules);
        for mode in MODES {
            let told = server
                .case(&format!("user=postgres sslmode={mode} {ca}"))
                .await;
            if refused.contains(&mode) {
                let field = if mode == "disable" {
                    Field::Tls
                } else {
                    Field::User
                };
                says(told, "pg_hba.conf", field);
            } else {
                assert_eq!(told, None, "{mode} {rules}");
            }
        }
    }
    // Where a password is wrong for one kind of connection, libpq tries the other kind.
    let rules = "hostssl all all localhost scram-sha-256\nhostnossl all all localhost trust\n";
    server.becomes(Some("server"), rules);
    assert_eq!(
        server
            .case("user=postgres sslmode=prefer password=wrong")
            .await,
        None
    );
    says(
        server
            .case("user=postgres sslmode=require password=wrong")
            .await,
        "password authentication failed",
        Field::Password,
    );
    says(
        server.case("user=postgres sslmode=require").await,
        "asks for a password",
        Field::Password,
    );
    let rules = "hostnossl all all localhost scram-sha-256\nhostssl all all localhost trust\n";
    server.becomes(Some("server"), rules);
    assert_eq!(
        server
            .case("user=postgres sslmode=allow password=wrong")
            .await,
        None
    );

    // Where howdah is stricter, and means to: libpq goes on unchecked when the file it was told to check by is not there.
    server.becomes(Some("server"), ANYBODY);
    let nowhere = server.file("sslrootcert", "nowhere");
    let text = format!(
        "host=localhost port={} user=postgres sslmode=require {nowhere}",
        server.cluster.port()
    );
    assert!(psql(&text).is_ok());
    let problem = howdah(&text).await.unwrap_err();
    assert!(problem.what.contains("nowhere.crt"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_shown_as_libpq_shows_them() {
    let mut server = Server::start();
    let made = &server.certificates;
    made.by_itself("other", "another CA", &[]);
    made.signed("postgres", "ca", "postgres", "");
    made.signed("somebody", "ca", "somebody", "basicConstraints=CA:FALSE");
    made.signed("stranger", "other", "postgres", "basicConstraints=CA:FALSE");
    made.expired("expired", Some("ca"), "");
    made.encrypt_key("postgres", "locked");
    for key in ["postgres", "somebody", "stranger", "expired", "locked"] {
        chmod(&made.key(key), 0o600);
    }
    fs::copy(made.key("postgres"), made.key("open")).unwrap();
    chmod(&made.key("open"), 0o644);
    server.becomes(Some("server"), "hostssl all all localhost cert\n");
    let ca = server.file("sslrootcert", "ca");
    let with = |certificate: &str, key: &str| {
        let (certificate, key) = (
            server.file("sslcert", certificate),
            server.file("sslkey", key),
        );
        format!("user=postgres sslmode=verify-full {ca} {certificate} {key}")
    };
    assert_eq!(server.case(&with("postgres", "postgres")).await, None);
    for (certificate, key, words, field) in [
        (
            "somebody",
            "somebody",
            "certificate authentication failed",
            Field::User,
        ),
        ("stranger", "stranger", "client certificate", Field::Tls),
        ("expired", "expired", "client certificate", Field::Tls),
        ("postgres", "open", "chmod 0600", Field::Tls),
        ("postgres", "nowhere", "nowhere.key", Field::Tls),
        ("nowhere", "postgres", "nowhere.crt", Field::Tls),
        ("postgres", "somebody", "do not belong together", Field::Tls),
        ("postgres", "locked", "passphrase", Field::Tls),
    ] {
        says(server.case(&with(certificate, key)).await, words, field);
    }
    let none = format!("user=postgres sslmode=verify-full {ca}");
    says(server.case(&none).await, "client certificate", Field::Tls);
    // The files of the home directory are found without being named.
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".postgresql");
    fs::create_dir(&dir).unwrap();
    for (from, to) in [
        (server.certificates.certificate("ca"), "root.crt"),
        (
            server.certificates.certificate("postgres"),
            "postgresql.crt",
        ),
        (server.certificates.key("postgres"), "postgresql.key"),
    ] {
        fs::copy(from, dir.join(to)).unwrap();
    }
    let text = format!(
        "host=localhost port={} dbname=postgres user=postgres sslmode=verify-full",
        server.cluster.port()
    );
    let check = Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args([
            "check",
            "--source",
            &text,
            "--destination",
            &support::uri(&support::servers().destination.endpoint("postgres")),
        ])
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(said.contains("TLSv1.3"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn channel_binding_is_required_as_libpq_requires_it() {
    let mut server = Server::start();
    let endpoint = server.cluster.endpoint("postgres");
    let rules = "host all all localhost scram-sha-256\n";
    server.becomes(Some("server"), rules);
    let ca = server.file("sslrootcert", "ca");
    let password = format!("password={}", endpoint.password.unwrap().expose());
    let bound = format!("user=postgres {password} {ca} channel_binding=require");
    for mode in ["prefer", "require", "verify-full"] {
        assert_eq!(server.case(&format!("{bound} sslmode={mode}")).await, None);
    }
    let words = "channel binding";
    says(
        server.case(&format!("{bound} sslmode=disable")).await,
        words,
        Field::Tls,
    );
    // A server that asks for less than SCRAM cannot bind.
    for method in ["trust", "password"] {
        server.becomes(
            Some("server"),
            &format!("host all all localhost {method}\n"),
        );
        says(
            server.case(&format!("{bound} sslmode=require")).await,
            words,
            Field::Tls,
        );
    }
    server.becomes(None, rules);
    says(
        server.case(&format!("{bound} sslmode=prefer")).await,
        words,
        Field::Tls,
    );
}

/// Everything howdah starts or has started must connect the same way: its sessions, pg_dump, the destination's postgres_fdw.
#[tokio::test(flavor = "multi_thread")]
async fn whole_runs_are_as_safe_as_the_connection_string_asks() {
    let mut server = Server::start();
    server
        .certificates
        .signed("postgres", "ca", "postgres", "basicConstraints=CA:FALSE");
    server
        .certificates
        .open_to_servers("postgres", server.cluster.dir());
    let rules =
        "hostssl carried postgres localhost cert\nhostssl all all localhost scram-sha-256\n";
    server.becomes(Some("server"), rules);
    for database in ["carried", "bound"] {
        let source = server.cluster.socket_endpoint(database);
        support::create_database(&server.cluster.socket_endpoint("postgres"), database).await;
        let rows = "create table t (id int primary key, w text); insert into t select g, 'row ' || g from generate_series(1, 999) g;
                    create table u (id int references t); insert into u values (7); create sequence s; select nextval('s')";
        support::execute_batch(&source, rows).await;
    }
    let ca = server.file("sslrootcert", "ca");
    let (certificate, key) = (
        server.file("sslcert", "postgres"),
        server.file("sslkey", "postgres"),
    );
    let password = server.cluster.endpoint("x").password.unwrap();
    let by_certificate = format!("{certificate} {key}");
    let by_password = format!("channel_binding=require password={}", password.expose());
    for (database, login, method, carried) in [
        ("carried", &by_certificate, "copy", &[][..]),
        ("carried", &by_certificate, "fdw", &["sslcert", "sslkey"]),
        ("bound", &by_password, "fdw", &["channel_binding"]),
    ] {
        let port = server.cluster.port();
        let source = format!(
            "host=localhost port={port} dbname={database} user=postgres sslmode=verify-full {ca} {login}"
        );
        let target = support::databases("tls").await.destination;
        let howdah = |command: &str, more: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_howdah"))
                .args([
                    command,
                    "--source",
                    &source,
                    "--destination",
                    &support::uri(&target),
                    "--method",
                    method,
                ])
                .args(more)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            said(&output)
        };
        if method == "fdw" {
            let plan = howdah("plan", &[]);
            for option in ["sslmode 'verify-full'", "sslrootcert '"]
                .iter()
                .chain(carried)
            {
                assert!(plan.contains(option), "{option}: {plan}");
            }
        }
        howdah("run", &["--yes", "--verify", "checksums"]);
        let socket = server.cluster.socket_endpoint(database);
        assert_eq!(
            support::differences(&socket, &target).await,
            Vec::<String>::new()
        );
    }
}

/// What a client says first to a server that offers TLS; then the server hangs up.
async fn hello(listener: &tokio::net::TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 8];
    stream.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "no SSLRequest");
    stream.write_all(b"S").await.unwrap();
    let mut head = [0; 5];
    stream.read_exact(&mut head).await.unwrap();
    let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut hello).await.unwrap();
    hello
}

/// So that one address may serve many hosts (SNI); an address is no name.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_that_was_asked_for_is_sent_as_libpq_sends_it() {
    for (host, is_sent) in [("localhost", true), ("127.0.0.1", false)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = format!("host={host} port={port} dbname=x user=x sslmode=require");
        let has_name = |hello: Vec<u8>| hello.windows(9).any(|bytes| bytes == b"localhost");
        let (said, ours) = tokio::join!(hello(&listener), howdah(&text));
        assert!(ours.is_err(), "{ours:?}");
        assert_eq!(has_name(said), is_sent, "howdah, {host}");
        let judge = tokio::task::spawn_blocking(move || psql(&text));
        let said = hello(&listener).await;
        assert_eq!(has_name(said), is_sent, "psql, {host}");
        assert!(judge.await.unwrap().is_err());
    }
}
