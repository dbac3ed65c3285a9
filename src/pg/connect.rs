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
use tokio_postgres::error::{DbError, Severity, SqlState};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, Connection, NoTls};

use crate::model::connection::{Endpoint, TlsMode};
use crate::model::event::NoticeLevel;
use crate::model::problem::Problem;

use super::connection_problem::{connection_problem, timed_out, unknown_host, unreachable};
use super::problem::problem;
use super::socket::{Socket, TapTls};
use super::tap::Tapped;
use super::tls::Connector;

pub use super::probe::probe;
pub use super::tap::Tap;

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
    pub tap: Tap,
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
    endpoint: Arc<Endpoint>,
    address: Option<IpAddr>,
}

impl Canceller {
    fn new(
        client: &Client,
        endpoint: &Endpoint,
        address: Option<IpAddr>,
        tls: Option<Connector>,
    ) -> Self {
        Self {
            token: client.cancel_token(),
            tls,
            endpoint: Arc::new(endpoint.clone()),
            address,
        }
    }

    /// The server answers nothing: the cancelled statement's own error tells that it worked.
    pub async fn cancel(&self) -> Result<(), Problem> {
        let what = "Could not send the cancel request";
        let io = |error: std::io::Error| Problem::new(what, error.to_string());
        let request = async {
            let socket = Socket::open(&self.endpoint, self.address)
                .await
                .map_err(io)?;
            let sent = match &self.tls {
                Some(connector) => {
                    let tls = connector.connect(&self.endpoint.host).map_err(io)?;
                    self.token.cancel_query_raw(socket, tls).await
                }
                None => self.token.cancel_query_raw(socket, NoTls).await,
            };
            sent.map_err(|error| problem(what, &error))
        };
        match timeout(CANCEL_TIMEOUT, request).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Problem::new(what, "the server did not take it in time")),
        }
    }
}

/// What sessions run is cancelled on their servers when this is dropped: a server does not notice that nobody waits any more.
pub struct CancelOnDrop(Vec<Canceller>);

impl CancelOnDrop {
    pub fn of<'a>(sessions: impl IntoIterator<Item = &'a Connected>) -> Self {
        let sessions = sessions.into_iter();
        Self(sessions.map(|one| one.canceller.clone()).collect())
    }

    /// It came to its end.
    pub fn done(mut self) {
        self.0.clear();
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        // Without a runtime the program is ending, and its sessions with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        for canceller in self.0.drain(..) {
            runtime.spawn(async move {
                if let Err(problem) = canceller.cancel().await {
                    tracing::debug!("{problem}");
                }
            });
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
    /// Before a word was spoken.
    Network(std::io::Error),
    Error(tokio_postgres::Error),
}

impl Failure {
    fn is_network(&self) -> bool {
        match self {
            Self::TimedOut | Self::Network(_) => true,
            Self::Error(_) => false,
        }
    }

    /// libpq tries the other kind of connection when TLS fails or the server does not let this kind in; lines of `pg_hba.conf`
    /// may ask for a password on one kind alone.
    fn may_pass_otherwise(&self) -> bool {
        match self {
            Self::TimedOut | Self::Network(_) => false,
            Self::Error(error) => match error.code() {
                Some(code) => code.code().starts_with("28"),
                None => !error.to_string().contains("configuration"),
            },
        }
    }

    fn has_code(&self, sqlstate: &SqlState) -> bool {
        matches!(self, Self::Error(error) if error.code() == Some(sqlstate))
    }
}

/// Opens a session as `howdah`, or `howdah <purpose>`.
pub async fn connect(endpoint: &Endpoint, purpose: &str) -> Result<Connected, Problem> {
    let ways = ways(endpoint).await?;
    let mut last = timed_out(endpoint);
    for address in addresses(endpoint).await? {
        let config = config(endpoint, purpose);
        match try_ways(endpoint, address, &config, &ways).await {
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
    address: Option<IpAddr>,
    config: &Config,
    ways: &[Way],
) -> Result<Connected, Failure> {
    let mut first: Option<Failure> = None;
    for way in ways {
        match (
            open(endpoint, address, config.clone(), way).await,
            first.take(),
        ) {
            (Ok(connected), _) => return Ok(connected),
            (Err(failure), None) if failure.may_pass_otherwise() => first = Some(failure),
            (Err(failure), None) => return Err(failure),
            (Err(Failure::Error(second)), Some(first)) if second.as_db_error().is_none() => {
                return Err(first);
            }
            // "No entry for this kind" says less than "wrong password".
            (Err(second), Some(first))
                if first.has_code(&SqlState::INVALID_PASSWORD)
                    && second.has_code(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) =>
            {
                return Err(first);
            }
            (Err(second), Some(_)) => return Err(second),
        }
    }
    Err(first.unwrap_or(Failure::TimedOut))
}

async fn open(
    endpoint: &Endpoint,
    address: Option<IpAddr>,
    mut config: Config,
    way: &Way,
) -> Result<Connected, Failure> {
    let opened = async {
        let socket = Socket::open(endpoint, address)
            .await
            .map_err(Failure::Network)?;
        match way {
            Way::Plain => {
                config.ssl_mode(SslMode::Disable);
                let tap = Tap::default();
                let stream = Tapped::new(socket, tap.clone());
                let raw = config.connect_raw(stream, NoTls).await;
                let (client, connection) = raw.map_err(Failure::Error)?;
                let canceller = Canceller::new(&client, endpoint, address, None);
                Ok(attend(client, connection, canceller, tap, None))
            }
            Way::Tls(mode, connector) => {
                config.ssl_mode(*mode);
                // A server without TLS is spoken to without, in mode prefer: then the outer tap is the one.
                let (plain, within) = (Tap::default(), Tap::default());
                let stream = Tapped::new(socket, plain.clone());
                let tls = TapTls {
                    inner: connector
                        .connect(&endpoint.host)
                        .map_err(Failure::Network)?,
                    tap: within.clone(),
                };
                let raw = config.connect_raw(stream, tls).await;
                let (client, connection) = raw.map_err(Failure::Error)?;
                let version = connector.version().map(ToOwned::to_owned);
                let tap = if version.is_some() { within } else { plain };
                let canceller = Canceller::new(&client, endpoint, address, Some(connector.clone()));
                Ok(attend(client, connection, canceller, tap, version))
            }
        }
    };
    within(endpoint, Box::pin(opened))
        .await
        .unwrap_or(Err(Failure::TimedOut))
}

/// Has a task drive the connection.
fn attend<S, T>(
    client: Client,
    connection: Connection<S, T>,
    canceller: Canceller,
    tap: Tap,
    tls: Option<String>,
) -> Connected
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (notice_sender, notices) = mpsc::unbounded_channel();
    let (ending_sender, ending) = watch::channel(None);
    tokio::spawn(drive(connection, notice_sender, ending_sender));
    Connected {
        client,
        notices,
        tls,
        canceller,
        ending: Ending(ending),
        tap,
    }
}

/// Moves the bytes of one connection until it ends.
async fn drive<S: AsyncRead + AsyncWrite + Unpin, T: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<S, T>,
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

fn config(endpoint: &Endpoint, purpose: &str) -> Config {
    let mut config = Config::new();
    config
        .host(&endpoint.host)
        .port(endpoint.port)
        .dbname(&endpoint.database)
        .user(&endpoint.user)
        .application_name(format!("howdah {purpose}").trim_end());
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
        Failure::Network(error) => unreachable(endpoint, error),
        Failure::Error(error) => connection_problem(endpoint, error),
    }
}
