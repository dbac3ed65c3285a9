//! Throw-away clusters come up, obey, and leave nothing behind however their owner ends.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use howdah::model::connection::Secret;

use crate::support;

/// Set in the child process that plays the owner to be killed.
const OWNER: &str = "HOWDAH_TEST_CLUSTER_OWNER";

#[tokio::test]
async fn a_cluster_keeps_its_data_over_a_restart_and_goes_with_its_value() {
    let mut cluster = support::cluster();
    let endpoint = cluster.endpoint("postgres");
    support::execute_batch(&endpoint, "create table t as select 1 as a").await;
    cluster.stop().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", cluster.port())).is_err());
    cluster.restart().unwrap();
    assert_eq!(support::query_text(&endpoint, "select a from t").await, "1");
    cluster.stop_immediate().unwrap();
    cluster.restart().unwrap();
    let socket = cluster.socket_endpoint("postgres");
    assert_eq!(support::query_text(&socket, "select a from t").await, "1");
    let log = std::fs::read_to_string(cluster.log_path()).unwrap();
    assert!(log.contains("create table t as"), "{log}");

    let dir = cluster.dir().to_path_buf();
    drop(cluster);
    assert!(!dir.exists());
    assert!(TcpStream::connect(("127.0.0.1", endpoint.port)).is_err());
}

#[tokio::test]
async fn loopback_asks_for_the_password_as_postgres_fdw_demands() {
    let mut endpoint = support::servers().source.endpoint("postgres");
    endpoint.password = Some(Secret::new("wrong"));
    let refused = howdah::pg::connect::connect(&endpoint, "test").await.err();
    assert_eq!(refused.unwrap().sqlstate.as_deref(), Some("28P01"));
}

#[test]
fn a_killed_owner_leaves_no_server_and_no_directory() {
    if env::var_os(OWNER).is_some() {
        let cluster = support::cluster();
        println!("\n{OWNER} {} {}", cluster.port(), cluster.dir().display());
        // Until it is killed; should the parent die first, not for ever.
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let mut owner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("cluster::a_killed_owner_leaves_no_server_and_no_directory")
        .env(OWNER, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(owner.stdout.take().unwrap());
    let line = output
        .lines()
        .map(Result::unwrap)
        .find(|line| line.starts_with(OWNER))
        .expect("the owner tells where its cluster is");
    let mut words = line.split(' ').skip(1);
    let port: u16 = words.next().unwrap().parse().unwrap();
    let dir = Path::new(words.next().unwrap());
    assert!(dir.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());

    owner.kill().unwrap();
    owner.wait().unwrap();
    let start = Instant::now();
    while dir.exists() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{} stays",
            dir.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
