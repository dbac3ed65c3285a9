//! What the database tests share: one pair of servers per run, a fresh pair of databases per test, and an oracle that
//! knows nothing of howdah's own reading and comparing.

mod oracle;
pub(crate) mod role;

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use howdah::demo::binaries::Binaries;
use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::connection::{Endpoint, Secret};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

#[expect(
    unused_imports,
    reason = "the matrix of versions needs one, the other tests the other"
)]
pub(crate) use oracle::{differences, differences_by};
use role::is_owner;

/// The two servers of this run. A static is never dropped: the death of the test process ends them.
pub(crate) struct Servers {
    pub(crate) source: Cluster,
    pub(crate) destination: Cluster,
}

/// Two databases of the same name, both empty.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
}

static SERVERS: OnceLock<Servers> = OnceLock::new();

pub(crate) fn servers() -> &'static Servers {
    SERVERS.get_or_init(|| Servers {
        source: cluster(),
        destination: cluster(),
    })
}

/// A further server, for a test that stops or breaks it. Every statement is in its log.
pub(crate) fn cluster() -> Cluster {
    let options = ClusterOptions {
        log_statement: Some("all".to_owned()),
        settings: vec![
            ("max_connections".to_owned(), "200".to_owned()),
            ("max_prepared_transactions".to_owned(), "5".to_owned()),
            // Statistics that change between two plans would make them two plans.
            ("autovacuum".to_owned(), "off".to_owned()),
            ("log_line_prefix".to_owned(), "%d\t%a\t".to_owned()),
        ],
    };
    Cluster::start(&binaries(), &options).unwrap_or_else(|problem| panic!("{problem}"))
}

/// The installed servers, or those in `HOWDAH_TEST_BINDIR`. None installed is a failure: a skipped test proves nothing.
pub(crate) fn binaries() -> Binaries {
    match std::env::var_os("HOWDAH_TEST_BINDIR") {
        Some(dir) => Binaries::in_dir(Path::new(&dir))
            .unwrap_or_else(|| panic!("no PostgreSQL server programs in {}", dir.display())),
        None => Binaries::find().unwrap_or_else(|problem| panic!("{problem}")),
    }
}

/// An empty database on each of the run's servers, of a name that no other test has.
pub(crate) async fn databases(name: &str) -> Pair {
    let pair = source_only(name).await;
    provide_destination(&pair).await;
    pair
}

/// The same on two servers of a test's own, by this very name.
pub(crate) async fn databases_on(source: &Cluster, destination: &Cluster, name: &str) -> Pair {
    for server in [source, destination] {
        create_database(&server.endpoint("postgres"), name).await;
    }
    let pair = Pair {
        source: source.endpoint(name),
        destination: destination.endpoint(name),
    };
    if !is_owner() {
        return pair;
    }
    role::know(&pair.source);
    role::know(&pair.destination);
    let pair = role::of_owner(pair).await;
    role::own(&pair.source).await;
    role::own(&pair.destination).await;
    role::provide_fdw(&pair.destination).await;
    pair
}

/// Like [`databases`], but the destination's is not there yet.
pub(crate) async fn source_only(name: &str) -> Pair {
    let database = numbered(name);
    create_database(&servers().source.endpoint("postgres"), &database).await;
    let pair = Pair {
        source: servers().source.endpoint(&database),
        destination: servers().destination.endpoint(&database),
    };
    if !is_owner() {
        return pair;
    }
    let pair = role::of_owner(pair).await;
    role::own(&pair.source).await;
    pair
}

/// Like [`source_only`], but for an ordinary role that is to pull by FDW: in a database that it makes itself it may not
/// install what FDW needs.
pub(crate) async fn source_only_for(name: &str, method: &str) -> Pair {
    let pair = source_only(name).await;
    if is_owner() && method == "fdw" {
        provide_destination(&pair).await;
    }
    pair
}

/// The same source, and one more empty database for it.
pub(crate) async fn further_destination(pair: &Pair) -> Pair {
    let mut pair = pair.clone();
    pair.destination.database = numbered(&pair.destination.database);
    provide_destination(&pair).await;
    pair
}

fn numbered(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    format!("{name}_{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn provide_destination(pair: &Pair) {
    let maintenance = servers().destination.endpoint("postgres");
    create_database(&maintenance, &pair.destination.database).await;
    if is_owner() {
        role::own(&pair.destination).await;
        role::provide_fdw(&pair.destination).await;
    }
}

pub(crate) async fn create_database(maintenance: &Endpoint, database: &str) {
    let database = database.replace('"', "\"\"");
    let sql = format!("create database \"{database}\" template template0");
    execute_batch(maintenance, &sql).await;
}

/// With the password, for programs that take a URI. Names of our own making need no escapes.
pub(crate) fn uri(endpoint: &Endpoint) -> String {
    let password = endpoint.password.as_ref().map_or("", Secret::expose);
    format!(
        "postgresql://{}:{password}@{}:{}/{}",
        endpoint.user, endpoint.host, endpoint.port, endpoint.database
    )
}

/// A session; it ends when the client is dropped.
pub(crate) async fn connect(endpoint: &Endpoint) -> Client {
    let mut config = Config::new();
    config
        .host(&endpoint.host)
        .port(endpoint.port)
        .user(&endpoint.user)
        .dbname(&endpoint.database);
    if let Some(password) = &endpoint.password {
        config.password(password.expose());
    }
    let (client, connection) = match config.connect(NoTls).await {
        Ok(both) => both,
        Err(error) => panic!("connecting to {}: {error:?}", endpoint.label()),
    };
    drop(tokio::spawn(connection));
    client
}

/// Runs statements; an error fails the test with the server's words.
pub(crate) async fn execute_batch(endpoint: &Endpoint, sql: &str) {
    let client = connect(endpoint).await;
    if let Err(error) = client.batch_execute(sql).await {
        panic!("{} on {}:\n{sql}", words(&error), endpoint.label());
    }
}

/// The rows of a query as psql -At prints them: columns parted by `|`, rows by line feeds, null as nothing.
pub(crate) async fn query_text(endpoint: &Endpoint, sql: &str) -> String {
    let client = connect(endpoint).await;
    rows(&client, sql)
        .await
        .into_iter()
        .map(|row| {
            let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
            row.join("|")
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every value as text.
pub(crate) async fn rows(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    let messages = match client.simple_query(sql).await {
        Ok(messages) => messages,
        Err(error) => panic!("{} in:\n{sql}", words(&error)),
    };
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect(),
            ),
            _ => None,
        })
        .collect()
}

fn words(error: &tokio_postgres::Error) -> String {
    error
        .as_db_error()
        .map_or_else(|| format!("{error:?}"), ToString::to_string)
}
