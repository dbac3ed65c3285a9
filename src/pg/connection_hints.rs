//! What to do when a session cannot be opened, for each cause that can be told apart. The README's table of troubles is made from
//! these.

/// What is seen, and what to do.
#[derive(Debug)]
pub struct Trouble {
    pub seen: &'static str,
    /// `…` where [`Trouble::with`] puts what it is about.
    pub hint: &'static str,
}

impl Trouble {
    pub(super) fn with(&self, what: &str) -> String {
        self.hint.replacen('…', what, 1)
    }
}

/// Declares the troubles, and their list.
macro_rules! troubles {
    ($($name:ident: $seen:literal, $hint:literal;)*) => {
        $(pub(super) const $name: Trouble = Trouble { seen: $seen, hint: $hint };)*
        pub const TROUBLES: &[Trouble] = &[$($name),*];
    };
}

troubles! {
    NO_PASSWORD: "The server asks for a password and none is known",
        "Type the password, or put it into ~/.pgpass.";
    NO_TLS: "The server does not offer TLS",
        "sslmode=… insists on it: turn ssl on in the server, or choose prefer or disable.";
    CHANNEL_BINDING: "There is no channel binding",
        "channel_binding=require needs TLS and a SCRAM password; leave it out otherwise.";
    AUTHENTICATION: "The server asks for a kind of authentication that howdah does not know",
        "howdah knows trust, password, md5, scram-sha-256, cert and peer; have pg_hba.conf allow one of them.";
    TIMED_OUT: "No answer within the time given",
        "Check host and port, and whether a firewall drops the packets on the way.";
    UNKNOWN_HOST: "The host name is not known",
        "Check how the host is spelled, and that its name resolves on this machine.";
    NOT_POSTGRES: "The connection was closed without a message",
        "Is what listens on port … a PostgreSQL server?";
    NO_ROLE: "The role does not exist, or may not log in",
        "Check the user name; a role that may log in is made with CREATE ROLE … LOGIN.";
    OTHER_PROOF: "Certificate, peer or ident authentication failed",
        "The server identifies this user by something other than a password: by a client certificate (sslcert) with the user's name as its common name, or by the operating system's user. Its pg_hba.conf and pg_ident.conf say by what.";
    CLIENT_CERTIFICATE: "The server wants a client certificate",
        "Give a client certificate and its key (sslcert, sslkey), signed by an authority that the server knows (its ssl_ca_file).";
    NO_ENTRY_UNENCRYPTED: "No entry in pg_hba.conf, with TLS switched off",
        "The server's pg_hba.conf has no entry that lets this user in unencrypted; try another TLS mode, or have an entry added.";
    NO_ENTRY: "No entry in pg_hba.conf",
        "The server's pg_hba.conf has no entry for this user, database and address; have one added, then reload the server.";
    NO_SOCKET: "No server listens on the socket",
        "Check the directory and the port, and whether the server runs.";
    REFUSED: "Connection refused",
        "Check the port, whether the server runs, and its listen_addresses.";
    CUT: "The connection was cut",
        "Is what listens on this port a PostgreSQL server, and does a firewall let it through?";
    NOT_UNDERSTOOD: "The answer is not understood",
        "Is what listens on this port a PostgreSQL server?";
    UNREACHABLE: "The host cannot be reached",
        "Check the host name and the network between here and there.";
    UNKNOWN_ISSUER: "TLS: the certificate is self-signed, or signed by nobody known here",
        "Its certificate is signed by nobody known here: give its root certificate (sslrootcert), or leave that out and choose require to encrypt without checking who answers.";
    UNTRUSTED: "TLS: the certificate cannot be trusted",
        "The server's certificate cannot be trusted: leave its root certificate (sslrootcert) out and choose require to encrypt without checking it.";
    OTHER_HOST: "TLS: the certificate is for another host",
        "The certificate is for another host than \"…\": connect by the name in its subjectAltName, or choose verify-ca.";
    EXPIRED: "TLS: the certificate has expired",
        "The server's certificate has expired: have it renewed.";
    NOT_YET_VALID: "TLS: the certificate is not valid yet",
        "The server's certificate is not valid yet: check the clocks.";
    HANDSHAKE_ENDED: "TLS: the server ended the handshake",
        "The server ended the TLS handshake; it may want a client certificate (sslcert, sslkey).";
    HANDSHAKE_FAILED: "TLS: the handshake failed",
        "The TLS handshake failed; howdah needs TLS 1.2 or newer.";
}
