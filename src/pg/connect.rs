//! Opening a session, keeping what its server says beside results, cancelling what it runs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::lookup_host;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, Connection, NoTls, Socket};

use crate::model::connection::{Endpoint, TlsMode};
use crate::model::event::NoticeLevel;
use crate::model::problem::Problem;

use super::connection_problem::{connection_problem, timed_out, unknown_host};
use super::problem::problem;
use super::tls::Connector;

pub use super::probe::probe;

/// A peer that is gone is noticed after about two minutes instead of the system's two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 6;

/// A cancel request that gets through at all does so quickly.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a failed statement waits to hear why its connection ended.
const ENDING_TIMEOUT: Duration = Duration::from_secs(1);

/// An open session. Its connection is driven by a task of its own, which ends when the client is dropped.
pub struct Connected {
    pub client: Client,
    pub notices: mpsc::UnboundedReceiver<Notice>,
    /// Negotiated protocol, e.g. `TLSv1.3`; none on a plain connection.
    pub tls: Option<String>,
    pub canceller: Canceller,
    pub ending: Ending,
}

/// Something the server said beside the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub level: NoticeLevel,
    pub text: String,
}

/// Stops what a session runs, from another connection and with the same TLS.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: Option<Connector>,
}

impl Canceller {
    /// The server answers nothing: the cancelled statement's own error tells that it worked.
    pub async fn cancel(&self) -> Result<(), Problem> {
        let what = "Could not send the cancel request";
        let request = async {
            match &self.tls {
                Some(connector) => self.token.cancel_query(connector.make.clone()).await,
                None => self.token.cancel_query(NoTls).await,
            }
        };
        match timeout(CANCEL_TIMEOUT, request).await {
            Ok(outcome) => outcome.map_err(|error| problem(what, &error)),
            Err(_) => Err(Problem::new(what, "the server did not take it in time")),
        }
    }
}

/// Why a connection ended; the statement in flight often only learns that it did.
#[derive(Clone)]
pub struct Ending(watch::Receiver<Option<Arc<Problem>>>);

impl Ending {
    /// The problem that ended the connection; none while it is open or after a regular end.
    pub fn reason(&self) -> Option<Arc<Problem>> {
        self.0.borrow().clone()
    }

    /// Turns an error of this session's client into a problem, with the connection's own reason if there is one.
    pub async fn problem(&self, what: impl Into<String>, error: &tokio_postgres::Error) -> Problem {
        let told = problem(what, error);
        if error.as_db_error().is_some() {
            return told;
        }
        let mut ending = self.0.clone();
        let reason = timeout(ENDING_TIMEOUT, ending.wait_for(Option::is_some)).await;
        match reason {
            Ok(Ok(reason)) => reason
                .as_deref()
                .cloned()
                .map_or_else(|| told.clone(), |reason| reason.doing(told.what.clone())),
            _ => told,
        }
    }
}

/// How one attempt treats encryption.
enum Way {
    Plain,
    Tls(SslMode, Connector),
}

enum Failure {
    TimedOut,
    Error(tokio_postgres::Error),
}

impl Failure {
    fn is_network(&self) -> bool {
        match self {
            Self::TimedOut => true,
            Self::Error(error) => {
                error.as_db_error().is_none() && error.to_string() == "error connecting to server"
            }
        }
    }

    /// libpq tries the other kind of connection when TLS fails or `pg_hba.conf` has no entry for this kind.
    fn may_pass_otherwise(&self) -> bool {
        match self {
            Self::TimedOut => false,
            Self::Error(error) => match error.code() {
                Some(code) => code.code() == "28000",
                None => !self.is_network() && !error.to_string().contains("configuration"),
            },
        }
    }
}

/// Opens a session as `howdah`, or `howdah <purpose>`.
pub async fn connect(endpoint: &Endpoint, purpose: &str) -> Result<Connected, Problem> {
    let ways = ways(endpoint).await?;
    let mut last = timed_out(endpoint);
    for address in addresses(endpoint).await? {
        let config = config(endpoint, address, purpose);
        match try_ways(endpoint, &config, &ways).await {
            Ok(connected) => return Ok(connected),
            Err(failure) => {
                last = explain(endpoint, &failure);
                // Only another address of the same host can help, and only against the network.
                if !failure.is_network() {
                    break;
                }
            }
        }
    }
    Err(last)
}

/// What is tried in turn for the mode; see the manual's table "SSL Mode Descriptions".
async fn ways(endpoint: &Endpoint) -> Result<Vec<Way>, Problem> {
    let mode = endpoint.tls.mode;
    if endpoint.is_socket() || mode == TlsMode::Disable {
        return Ok(vec![Way::Plain]);
    }
    let tls = endpoint.tls.clone();
    let connector = tokio::task::spawn_blocking(move || {
        Connector::new(&tls, etcetera::home_dir().ok().as_deref())
    })
    .await
    .map_err(|error| Problem::new("Could not prepare TLS", error.to_string()))??;
    Ok(match mode {
        TlsMode::Disable => vec![Way::Plain],
        TlsMode::Allow => vec![Way::Plain, Way::Tls(SslMode::Require, connector)],
        TlsMode::Prefer => vec![Way::Tls(SslMode::Prefer, connector), Way::Plain],
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => {
            vec![Way::Tls(SslMode::Require, connector)]
        }
    })
}

async fn addresses(endpoint: &Endpoint) -> Result<Vec<Option<IpAddr>>, Problem> {
    if endpoint.is_socket() {
        return Ok(vec![None]);
    }
    let found = within(
        endpoint,
        lookup_host((endpoint.host.as_str(), endpoint.port)),
    )
    .await;
    match found.ok_or_else(|| timed_out(endpoint))? {
        Ok(addresses) => Ok(addresses.map(|address| Some(address.ip())).collect()),
        Err(error) => Err(unknown_host(endpoint, &error)),
    }
}

/// The first way's failure is told unless the second got further.
async fn try_ways(
    endpoint: &Endpoint,
    config: &Config,
    ways: &[Way],
) -> Result<Connected, Failure> {
    let mut first: Option<Failure> = None;
    for way in ways {
        match (open(endpoint, config.clone(), way).await, first.take()) {
            (Ok(connected), _) => return Ok(connected),
            (Err(failure), None) if failure.may_pass_otherwise() => first = Some(failure),
            (Err(failure), None) => return Err(failure),
            (Err(Failure::Error(second)), Some(first)) if second.as_db_error().is_none() => {
                return Err(first);
            }
            (Err(second), Some(_)) => return Err(second),
        }
    }
    Err(first.unwrap_or(Failure::TimedOut))
}

async fn open(endpoint: &Endpoint, mut config: Config, way: &Way) -> Result<Connected, Failure> {
    let opened = async {
        match way {
            Way::Plain => {
                config.ssl_mode(SslMode::Disable);
                open_with(&config, NoTls, None).await
            }
            Way::Tls(mode, connector) => {
                config.ssl_mode(*mode);
                open_with(&config, connector.make.clone(), Some(connector)).await
            }
        }
    };
    match within(endpoint, Box::pin(opened)).await {
        Some(outcome) => outcome.map_err(Failure::Error),
        None => Err(Failure::TimedOut),
    }
}

async fn open_with<T>(
    config: &Config,
    tls: T,
    connector: Option<&Connector>,
) -> Result<Connected, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket, Stream: Send + 'static>,
{
    let (client, connection) = config.connect(tls).await?;
    let canceller = Canceller {
        token: client.cancel_token(),
        tls: connector.cloned(),
    };
    let (notice_sender, notices) = mpsc::unbounded_channel();
    let (ending_sender, ending) = watch::channel(None);
    tokio::spawn(drive(connection, notice_sender, ending_sender));
    Ok(Connected {
        client,
        notices,
        tls: connector
            .and_then(Connector::version)
            .map(ToOwned::to_owned),
        canceller,
        ending: Ending(ending),
    })
}

/// Moves the bytes of one connection until it ends.
async fn drive<T: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<Socket, T>,
    notices: mpsc::UnboundedSender<Notice>,
    ending: watch::Sender<Option<Arc<Problem>>>,
) {
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notice(said)) => {
                // Who does not care for notices has dropped the receiver.
                let _unheard = notices.send(notice(&said));
            }
            Ok(_) => {}
            Err(error) => {
                let reason = problem("The connection ended", &error);
                tracing::debug!("{reason}");
                ending.send_replace(Some(Arc::new(reason)));
                return;
            }
        }
    }
}

fn notice(said: &DbError) -> Notice {
    let level = match said.parsed_severity() {
        Some(Severity::Warning) => NoticeLevel::Warning,
        Some(Severity::Error | Severity::Fatal | Severity::Panic) => NoticeLevel::Error,
        _ => NoticeLevel::Info,
    };
    let parts = [Some(said.message()), said.detail(), said.hint()];
    Notice {
        level,
        text: parts.into_iter().flatten().collect::<Vec<_>>().join("\n"),
    }
}

fn config(endpoint: &Endpoint, address: Option<IpAddr>, purpose: &str) -> Config {
    let mut config = Config::new();
    config
        .host(&endpoint.host)
        .port(endpoint.port)
        .dbname(&endpoint.database)
        .user(&endpoint.user)
        .application_name(format!("howdah {purpose}").trim_end())
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES);
    if let Some(address) = address {
        config.hostaddr(address);
    }
    if let Some(password) = &endpoint.password {
        config.password(password.expose());
    }
    if let Some(options) = &endpoint.options {
        config.options(options);
    }
    if endpoint.tls.requires_channel_binding {
        config.channel_binding(ChannelBinding::Require);
    }
    config
}

/// None when the endpoint's patience ended; 0 s is endless patience.
async fn within<T>(endpoint: &Endpoint, future: impl Future<Output = T>) -> Option<T> {
    match endpoint.connect_timeout_secs {
        0 => Some(future.await),
        seconds => timeout(Duration::from_secs(seconds.into()), future)
            .await
            .ok(),
    }
}

fn explain(endpoint: &Endpoint, failure: &Failure) -> Problem {
    match failure {
        Failure::TimedOut => timed_out(endpoint),
        Failure::Error(error) => connection_problem(endpoint, error),
    }
}
