//! One side's fields, and how they and the URI mirror each other.

use crate::app::form::Field;
use crate::app::{Key, Prefill};
use crate::model::connection::{Endpoint, PasswordOrigin, Secret, Side, Silence, Tls, TlsMode};
use crate::model::problem::{self, Problem};
use crate::settings::{ConnectionInfo, to_uri};

use super::connect::Test;
use super::connect_uri::{looks_like_uri, without_password};

const DEFAULT_PORT: u16 = 5432;
/// libpq would wait for ever; a person in front of a wizard should not.
const CONNECT_TIMEOUT_SECS: u32 = 10;

/// What can have the focus, in the order of Tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Uri,
    Host,
    Port,
    Database,
    /// `create it if missing`: on the destination only.
    Create,
    User,
    Password,
    Tls,
}

impl Item {
    const ALL: [Self; 8] = [
        Self::Uri,
        Self::Host,
        Self::Port,
        Self::Database,
        Self::Create,
        Self::User,
        Self::Password,
        Self::Tls,
    ];

    pub fn of_side(side: Side) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |item| *item != Self::Create || side == Side::Destination)
    }

    /// The field a problem is about; none for those that stand elsewhere.
    pub fn of(field: problem::Field) -> Option<Self> {
        use problem::Field as F;
        match field {
            F::Uri => Some(Self::Uri),
            F::Host => Some(Self::Host),
            F::Port => Some(Self::Port),
            F::Database => Some(Self::Database),
            F::User => Some(Self::User),
            F::Password => Some(Self::Password),
            F::Tls => Some(Self::Tls),
            F::FdwHost | F::FdwPort => None,
        }
    }

    pub fn is_text(self) -> bool {
        !matches!(self, Self::Create | Self::Tls)
    }
}

/// The form of one side.
#[derive(Debug)]
pub struct ConnectForm {
    pub uri: Field,
    pub host: Field,
    pub port: Field,
    pub database: Field,
    pub user: Field,
    pub password: Field,
    pub tls: Tls,
    /// Where the password in the field came from.
    pub password_origin: PasswordOrigin,
    /// Why the URI as it stands cannot be read.
    pub uri_problem: Option<Problem>,
    pub test: Test,
    /// What has no effect on the connection, though it looks as if it had.
    pub warnings: Vec<String>,
    /// What has no field of its own.
    connect_timeout_secs: u32,
    silence: Silence,
    options: Option<String>,
}

impl ConnectForm {
    pub fn new(prefill: Prefill) -> Self {
        let mut form = Self {
            uri: Field::text(2_000),
            host: Field::text(255),
            port: Field::digits(5),
            database: Field::text(255),
            user: Field::text(255),
            password: Field::secret(1_000),
            tls: Tls::default(),
            password_origin: PasswordOrigin::None,
            uri_problem: None,
            test: Test::Untested,
            warnings: prefill.warnings,
            connect_timeout_secs: CONNECT_TIMEOUT_SECS,
            silence: Silence::default(),
            options: None,
        };
        form.port.set(&DEFAULT_PORT.to_string());
        if let Some(endpoint) = prefill.endpoint {
            form.fill(endpoint);
        }
        if let Some(problem) = prefill.problem {
            form.test = Test::Failed(Box::new(problem));
        }
        form
    }

    pub fn field(&self, item: Item) -> Option<&Field> {
        match item {
            Item::Uri => Some(&self.uri),
            Item::Host => Some(&self.host),
            Item::Port => Some(&self.port),
            Item::Database => Some(&self.database),
            Item::User => Some(&self.user),
            Item::Password => Some(&self.password),
            Item::Create | Item::Tls => None,
        }
    }

    fn field_mut(&mut self, item: Item) -> Option<&mut Field> {
        match item {
            Item::Uri => Some(&mut self.uri),
            Item::Host => Some(&mut self.host),
            Item::Port => Some(&mut self.port),
            Item::Database => Some(&mut self.database),
            Item::User => Some(&mut self.user),
            Item::Password => Some(&mut self.password),
            Item::Create | Item::Tls => None,
        }
    }

    pub(super) fn fill(&mut self, endpoint: Endpoint) {
        self.uri_problem = None;
        self.uri.set(&to_uri(&endpoint));
        self.host.set(&endpoint.host);
        self.port.set(&endpoint.port.to_string());
        self.database.set(&endpoint.database);
        self.user.set(&endpoint.user);
        let password = endpoint.password.as_ref().map_or("", Secret::expose);
        self.password.set(password);
        self.password_origin = endpoint.password_origin;
        self.tls = endpoint.tls;
        self.connect_timeout_secs = endpoint.connect_timeout_secs;
        self.silence = endpoint.silence;
        self.options = endpoint.options;
    }

    /// What stands in the form, or the first field that has to be mended.
    pub fn endpoint(&self) -> Result<Endpoint, Problem> {
        if let Some(problem) = &self.uri_problem {
            return Err(problem.clone());
        }
        let required = [
            (
                &self.host,
                "The host is missing",
                problem::Field::Host,
                "Enter a name, an address, or the directory of a Unix socket.",
            ),
            (
                &self.database,
                "The database is missing",
                problem::Field::Database,
                "Enter the name of the database.",
            ),
            (
                &self.user,
                "The user is missing",
                problem::Field::User,
                "Enter the role to connect as.",
            ),
        ];
        for (field, message, place, hint) in required {
            if field.value().trim().is_empty() {
                return Err(Problem::new("Could not connect", message)
                    .hint(hint)
                    .field(place));
            }
        }
        if self.port().is_none() {
            return Err(Problem::new(
                "Could not connect",
                "The port is not a number from 1 to 65535",
            )
            .hint("PostgreSQL's usual port is 5432.")
            .field(problem::Field::Port));
        }
        Ok(self.draft())
    }

    /// How long an attempt may take; none: for ever.
    pub fn limit_secs(&self) -> Option<u32> {
        (self.connect_timeout_secs > 0).then_some(self.connect_timeout_secs)
    }

    fn port(&self) -> Option<u16> {
        self.port.value().parse().ok().filter(|port| *port > 0)
    }

    /// The fields as they stand, complete or not.
    fn draft(&self) -> Endpoint {
        let password = self.password.value();
        Endpoint {
            host: self.host.value().trim().to_owned(),
            port: self.port().unwrap_or(DEFAULT_PORT),
            database: self.database.value().to_owned(),
            user: self.user.value().to_owned(),
            password: (!password.is_empty()).then(|| Secret::new(password)),
            password_origin: self.password_origin.clone(),
            tls: self.tls.clone(),
            connect_timeout_secs: self.connect_timeout_secs,
            silence: self.silence,
            options: self.options.clone(),
        }
    }

    /// True if a value has changed.
    pub fn key(&mut self, item: Item, key: Key) -> bool {
        let is_changed = self.field_mut(item).is_some_and(|field| field.key(key));
        if is_changed {
            self.changed(item);
        }
        is_changed
    }

    /// True if a value has changed.
    pub fn paste(&mut self, item: Item, text: &str) -> bool {
        if looks_like_uri(text) {
            self.uri.set(text.trim());
            self.uri_changed();
            return true;
        }
        let is_changed = self.field_mut(item).is_some_and(|field| field.paste(text));
        if is_changed {
            self.changed(item);
        }
        is_changed
    }

    pub fn cycle_tls(&mut self, forward: bool) {
        let all = TlsMode::ALL;
        let here = all
            .iter()
            .position(|mode| *mode == self.tls.mode)
            .unwrap_or(0);
        let step = if forward { 1 } else { all.len() - 1 };
        self.set_tls(all[(here + step) % all.len()]);
    }

    pub(super) fn set_tls(&mut self, mode: TlsMode) {
        self.tls.mode = mode;
        self.changed(Item::Tls);
    }

    fn changed(&mut self, item: Item) {
        match item {
            Item::Uri => self.uri_changed(),
            Item::Password => {
                self.password_origin = if self.password.is_empty() {
                    PasswordOrigin::None
                } else {
                    PasswordOrigin::Typed
                };
            }
            _ => {
                if item != Item::Tls {
                    self.forget_looked_up_password();
                }
                self.uri_problem = None;
                self.uri.set(&to_uri(&self.draft()));
            }
        }
    }

    /// A password file names a password for one place; it must not be sent to another.
    fn forget_looked_up_password(&mut self) {
        if matches!(self.password_origin, PasswordOrigin::Passfile(_)) {
            self.password.set("");
            self.password_origin = PasswordOrigin::None;
        }
    }

    fn uri_changed(&mut self) {
        self.uri_problem = None;
        if self.uri.value().trim().is_empty() {
            return;
        }
        let info = match ConnectionInfo::parse(self.uri.value()) {
            Ok(info) => info,
            Err(problem) => {
                self.uri_problem = Some(problem);
                return;
            }
        };
        if info.service.is_some() {
            self.uri_problem = Some(
                Problem::new("Could not read the connection string", "A service name cannot be looked up here")
                    .hint("Ctrl-P lists the services; or start howdah with --source service=… or --destination service=….")
                    .field(problem::Field::Uri),
            );
            return;
        }
        self.take_over(info);
    }

    /// Sets the fields from a URI that could be read; its password goes to the password field and out of sight.
    fn take_over(&mut self, info: ConnectionInfo) {
        let before = (self.host.value().to_owned(), self.user.value().to_owned());
        self.host.set(info.host.as_deref().unwrap_or_default());
        self.port
            .set(&info.port.unwrap_or(DEFAULT_PORT).to_string());
        self.database
            .set(info.database.as_deref().unwrap_or_default());
        self.user.set(info.user.as_deref().unwrap_or_default());
        self.silence = info.silence();
        self.tls = Tls {
            mode: info.sslmode.unwrap_or_default(),
            root_cert: info.sslrootcert,
            client_cert: info.sslcert,
            client_key: info.sslkey,
            requires_channel_binding: info.requires_channel_binding.unwrap_or_default(),
        };
        self.options = info.options;
        self.connect_timeout_secs = info.connect_timeout_secs.unwrap_or(CONNECT_TIMEOUT_SECS);
        if let Some(password) = info.password {
            self.password.set(password.expose());
            self.password_origin = PasswordOrigin::Uri;
            let cursor = self.uri.cursor();
            let (uri, cursor) = without_password(self.uri.value(), cursor);
            self.uri.set_keeping_cursor(&uri, cursor);
            // It stood elsewhere: as a parameter, or in key=value pairs.
            if ConnectionInfo::parse(&uri).is_ok_and(|rest| rest.password.is_some()) {
                self.uri.set(&to_uri(&self.draft()));
            }
        } else if before != (self.host.value().to_owned(), self.user.value().to_owned()) {
            self.forget_looked_up_password();
        }
    }
}
