//! Whose certificates are believed: roots, links, dates, versions and names.

use std::fs;

use super::{ANYBODY, Server};
use crate::certificates::Certificates;

/// Root file, mode and host beside `localhost`, and what the refusal must say; empty for what is let in.
type Cases = &'static [(&'static str, &'static str, &'static str, &'static str)];

const ADDRESS: &str = "127.0.0.1";

/// By the server's certificate. What is encrypted in the end is for psql to say.
const BELIEVED: [(&str, Cases); 14] = [
    (
        "server",
        &[
            ("", "disable", "", ""),
            ("", "allow", "", ""),
            ("", "prefer", "", ""),
            ("", "require", "", ""),
            ("", "verify-ca", "", "none is given"),
            ("", "verify-full", "", "none is given"),
            ("ca", "disable", "", ""),
            ("ca", "allow", "", ""),
            ("ca", "prefer", "", ""),
            ("ca", "require", "", ""),
            ("ca", "verify-ca", "", ""),
            ("ca", "verify-full", "", ""),
            ("ca", "require", ADDRESS, ""),
            ("ca", "verify-ca", ADDRESS, ""),
            (
                "ca",
                "verify-full",
                ADDRESS,
                "another host than \"127.0.0.1\"",
            ),
            ("other", "disable", "", ""),
            ("other", "allow", "", ""),
            // Encryption failed, so it goes without, as libpq's manual warns.
            ("other", "prefer", "", ""),
            ("other", "require", "", "signed by nobody known"),
            ("other", "verify-ca", "", "signed by nobody known"),
            ("other", "verify-full", "", "signed by nobody known"),
            ("bundle", "verify-full", "", ""),
            // Not a root, though the very certificate that is shown.
            ("server", "verify-ca", "", "signed by nobody known"),
            ("nowhere", "verify-ca", "", "nowhere.crt"),
            ("empty", "verify-ca", "", "empty.crt"),
        ],
    ),
    (
        "expired",
        &[
            ("", "require", "", ""),
            ("ca", "prefer", "", ""),
            ("ca", "require", "", "has expired"),
            ("ca", "verify-ca", "", "has expired"),
        ],
    ),
    (
        "of_the_past",
        &[(
            "past",
            "verify-ca",
            "",
            "root certificate (sslrootcert) has expired",
        )],
    ),
    (
        "itself",
        &[
            ("itself", "verify-full", "", ""),
            ("itself", "verify-full", ADDRESS, "another host"),
            ("ca", "require", "", "signed by nobody known"),
        ],
    ),
    (
        "itself_expired",
        &[
            ("", "require", "", ""),
            ("itself_expired", "verify-ca", "", "has expired"),
        ],
    ),
    // As PostgreSQL's manual makes them.
    (
        "manual",
        &[
            ("", "prefer", "", ""),
            ("", "require", "", ""),
            ("ca", "verify-ca", "", ""),
            ("ca", "verify-full", "", ""),
            ("ca", "verify-full", ADDRESS, "another host"),
            ("other", "verify-ca", "", "signed by nobody known"),
            // An authority of the same name is not the same authority.
            ("impostor", "verify-ca", "", "nobody known"),
        ],
    ),
    (
        "manual_expired",
        &[
            ("", "require", "", ""),
            ("ca", "verify-ca", "", "has expired"),
        ],
    ),
    ("named", &[("ca", "verify-full", "", "")]),
    ("by_star", &[("ca", "verify-full", "", "another host")]),
    (
        "elsewhere",
        &[
            ("ca", "verify-ca", "", ""),
            ("ca", "verify-full", "", "another host than \"localhost\""),
        ],
    ),
    (
        "by_address",
        &[
            ("ca", "verify-full", ADDRESS, ""),
            ("ca", "verify-full", "", "another host"),
        ],
    ),
    (
        "by_address_as_name",
        &[
            ("ca", "verify-full", ADDRESS, ""),
            ("ca", "verify-full", "", "another host"),
        ],
    ),
    (
        "chain",
        &[
            ("ca", "verify-full", "", ""),
            ("other", "verify-ca", "", "signed by nobody known"),
            // OpenSSL wants the root.
            ("middle", "verify-ca", "", "signed by nobody known"),
        ],
    ),
    (
        "leaf",
        &[
            ("ca", "verify-ca", "", "signed by nobody known"),
            ("both", "verify-full", "", ""),
        ],
    ),
];

fn make(made: &Certificates) {
    made.by_itself("other", "another CA", &[]);
    made.by_itself("impostor", "howdah test CA", &[]);
    made.by_itself("itself", "localhost", &["subjectAltName=DNS:localhost"]);
    made.expired("expired", Some("ca"), "named");
    made.expired("manual_expired", Some("ca"), "");
    made.expired("itself_expired", None, "named");
    made.expired("past", None, "authority");
    made.signed(
        "of_the_past",
        "past",
        "localhost",
        "subjectAltName=DNS:localhost",
    );
    made.signed("manual", "ca", "localhost", "");
    made.signed("named", "ca", "localhost", "basicConstraints=CA:FALSE");
    made.signed("by_star", "ca", "*", "subjectAltName=DNS:*,DNS:*host");
    made.signed(
        "elsewhere",
        "ca",
        "localhost",
        "subjectAltName=DNS:db.example",
    );
    made.signed(
        "by_address",
        "ca",
        "localhost",
        "subjectAltName=IP:127.0.0.1,DNS:db.example",
    );
    made.signed(
        "by_address_as_name",
        "ca",
        "x",
        "subjectAltName=DNS:127.0.0.1",
    );
    made.signed(
        "middle",
        "ca",
        "middle",
        "basicConstraints=critical,CA:TRUE",
    );
    made.signed(
        "leaf",
        "middle",
        "localhost",
        "subjectAltName=DNS:localhost",
    );
    made.joined("chain", &["leaf", "middle"]);
    made.joined("both", &["ca", "middle"]);
    made.joined("bundle", &["other", "ca"]);
    fs::write(made.certificate("empty"), "").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_believed_as_libpq_believes_them() {
    let mut server = Server::start();
    make(&server.certificates);
    for (certificate, cases) in BELIEVED {
        server.becomes(Some(certificate), ANYBODY);
        for (root, mode, host, refusal) in cases {
            let mut text = format!("user=postgres sslmode={mode}");
            if !host.is_empty() {
                text += &format!(" host={host}");
            }
            if !root.is_empty() {
                text += &format!(" {}", server.file("sslrootcert", root));
            }
            let told = server.case(&text).await;
            let case = format!("{certificate}: {text}");
            match told {
                None => assert!(refusal.is_empty(), "{case} is let in"),
                Some(problem) => {
                    assert!(!refusal.is_empty(), "{case}: {problem}");
                    assert!(problem.to_string().contains(refusal), "{case}: {problem}");
                }
            }
        }
    }
}
