//! One server of each version, started when it is first asked for, with the fixture's roles and the fixture itself.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};

use howdah::demo::cluster::{Cluster, ClusterOptions};
use howdah::model::connection::Endpoint;

use crate::packages;
use crate::support;

/// 19 has no package yet: its cells say so until it has.
pub(crate) const MAJORS: [u32; 10] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

const ROLES: &str = "create role versions_owner; create role versions_reader";

/// What each version brought, on top of those before it.
const FIXTURES: [(u32, &str); 9] = [
    (10, include_str!("fixtures/10.sql")),
    (11, include_str!("fixtures/11.sql")),
    (12, include_str!("fixtures/12.sql")),
    (13, include_str!("fixtures/13.sql")),
    (14, include_str!("fixtures/14.sql")),
    (15, include_str!("fixtures/15.sql")),
    (16, include_str!("fixtures/16.sql")),
    (17, include_str!("fixtures/17.sql")),
    (18, include_str!("fixtures/18.sql")),
];

pub(crate) struct Server {
    cluster: Cluster,
    pub(crate) version: String,
}

impl Server {
    pub(crate) fn endpoint(&self, database: &str) -> Endpoint {
        self.cluster.endpoint(database)
    }
}

/// The server of this major version, or why there is none.
pub(crate) fn server(major: u32) -> Result<&'static Server, String> {
    static SERVERS: [OnceLock<Result<Server, String>>; MAJORS.len()] =
        [const { OnceLock::new() }; MAJORS.len()];
    let at = MAJORS.iter().position(|known| *known == major);
    let at = at.ok_or_else(|| format!("{major} is not supported"))?;
    SERVERS[at]
        .get_or_init(|| start(major))
        .as_ref()
        .map_err(Clone::clone)
}

fn start(major: u32) -> Result<Server, String> {
    let binaries = packages::server(major)?;
    let options = ClusterOptions {
        log_statement: None,
        settings: vec![
            ("autovacuum".to_owned(), "off".to_owned()),
            ("wal_level".to_owned(), "logical".to_owned()),
        ],
    };
    let cluster = Cluster::start(&binaries, &options).map_err(|problem| problem.to_string())?;
    Ok(Server {
        cluster,
        version: binaries.version,
    })
}

/// The fixture on this version's server, filled once; and every server it is carried to has its roles.
pub(crate) async fn fixture(major: u32) -> Result<Endpoint, String> {
    let server = server(major)?;
    let maintenance = server.endpoint("postgres");
    let endpoint = server.endpoint("fixture");
    if is_first("fixture", major) {
        support::create_database(&maintenance, "fixture").await;
        for (_, sql) in FIXTURES.iter().filter(|(since, _)| *since <= major) {
            support::execute_batch(&endpoint, sql).await;
        }
    }
    Ok(endpoint)
}

pub(crate) async fn with_roles(major: u32) -> Result<&'static Server, String> {
    let server = server(major)?;
    if is_first("roles", major) {
        support::execute_batch(&server.endpoint("postgres"), ROLES).await;
    }
    Ok(server)
}

/// Whether this is yet to be done there. Asked while nothing else runs.
fn is_first(what: &'static str, major: u32) -> bool {
    static DONE: Mutex<BTreeSet<(&str, u32)>> = Mutex::new(BTreeSet::new());
    let mut done = DONE.lock().unwrap();
    done.insert((what, major))
}
