//! Certificates made for one test, by the openssl program: PostgreSQL's own packages bring it, and its certificates are those
//! that the PostgreSQL manual's recipes make.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

const EC_KEY: [&str; 6] = [
    "-nodes",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-sha256",
];

/// `openssl ca` is the one way to choose dates that every version knows.
const PAST: &str = "[ca]\ndefault_ca=past\n[past]\ndatabase=past.txt\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\n\
                    unique_subject=no\n[any]\ncommonName=supplied\n[named]\nsubjectAltName=DNS:localhost\n\
                    [authority]\nbasicConstraints=critical,CA:TRUE\n";

/// A directory of them. Each is `NAME.crt` and `NAME.key`.
pub(crate) struct Certificates {
    dir: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("past.cnf"), PAST).unwrap();
        fs::write(dir.path().join("past.txt"), "").unwrap();
        Self { dir }
    }

    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.crt"))
    }

    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.key"))
    }

    /// Signed by itself; `extensions` like `subjectAltName=DNS:localhost`.
    pub(crate) fn by_itself(&self, name: &str, common_name: &str, extensions: &[&str]) {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
        let subject = format!("/CN={common_name}");
        let mut arguments = vec!["req", "-new", "-x509", "-days", "2", "-subj", &subject];
        arguments.extend(EC_KEY);
        arguments.extend(["-keyout", &key, "-out", &certificate]);
        for extension in extensions {
            arguments.extend(["-addext", extension]);
        }
        self.openssl(&arguments);
    }

    /// Signed by `authority`. Without extensions it is as the manual's recipe makes it: with many an openssl of X.509 version 1.
    pub(crate) fn signed(&self, name: &str, authority: &str, common_name: &str, extensions: &str) {
        self.request(name, common_name);
        let files = [
            format!("{name}.csr"),
            format!("{authority}.crt"),
            format!("{authority}.key"),
            format!("{name}.crt"),
        ];
        let [request, signer, key, certificate] = files.each_ref();
        let mut arguments = vec![
            "x509", "-req", "-in", request, "-days", "2", "-CA", signer, "-CAkey", key,
        ];
        arguments.extend(["-CAcreateserial", "-sha256", "-out", certificate]);
        fs::write(self.dir.path().join("extensions"), extensions).unwrap();
        if !extensions.is_empty() {
            arguments.extend(["-extfile", "extensions"]);
        }
        self.openssl(&arguments);
    }

    /// Valid on one day long ago; `authority` none: signed by itself. `extensions` is a section of [`PAST`], or nothing.
    pub(crate) fn expired(&self, name: &str, authority: Option<&str>, extensions: &str) {
        self.request(name, "localhost");
        let (request, certificate) = (format!("{name}.csr"), format!("{name}.crt"));
        let key = format!("{}.key", authority.unwrap_or(name));
        let signer = authority.map(|authority| format!("{authority}.crt"));
        let mut arguments = vec!["ca", "-batch", "-notext", "-config", "past.cnf"];
        if !extensions.is_empty() {
            arguments.extend(["-extensions", extensions]);
        }
        arguments.extend(["-startdate", "200101000000Z", "-enddate", "200102000000Z"]);
        arguments.extend(["-in", &request, "-out", &certificate, "-keyfile", &key]);
        match &signer {
            Some(signer) => arguments.extend(["-cert", signer]),
            None => arguments.push("-selfsign"),
        }
        self.openssl(&arguments);
    }

    /// Several files one after the other as `NAME.crt`, as a server sends a chain; the first one's key.
    pub(crate) fn joined(&self, name: &str, parts: &[&str]) {
        let read = |part: &&str| fs::read_to_string(self.certificate(part)).unwrap();
        let text: String = parts.iter().map(read).collect();
        fs::write(self.certificate(name), text).unwrap();
        fs::copy(self.key(parts[0]), self.key(name)).unwrap();
    }

    /// The key of `name` again, now as `NEW.key` under a passphrase.
    pub(crate) fn encrypt_key(&self, name: &str, new: &str) {
        let (from, to) = (format!("{name}.key"), format!("{new}.key"));
        let arguments = [
            "pkey",
            "-in",
            &from,
            "-out",
            &to,
            "-aes-256-cbc",
            "-passout",
            "pass:secret",
        ];
        self.openssl(&arguments);
    }

    /// Lets the owner of that directory, a server's user, read the certificates, and this key as libpq allows it.
    pub(crate) fn open_to_servers(&self, key: &str, like: &Path) {
        chmod(self.dir.path(), 0o755);
        let (key, like) = (self.key(key), fs::metadata(like).unwrap());
        chmod(&key, 0o600);
        // A key of root's may be read by a group.
        if fs::metadata(&key).unwrap().uid() != like.uid() {
            chown(&key, None, Some(like.gid())).unwrap();
            chmod(&key, 0o640);
        }
    }

    fn request(&self, name: &str, common_name: &str) {
        let (key, request) = (format!("{name}.key"), format!("{name}.csr"));
        let subject = format!("/CN={common_name}");
        let mut arguments = vec!["req", "-new", "-subj", &subject];
        arguments.extend(EC_KEY);
        arguments.extend(["-keyout", &key, "-out", &request]);
        self.openssl(&arguments);
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.dir.path())
            .output()
            .unwrap_or_else(|error| panic!("openssl: {error}"));
        assert!(
            output.status.success(),
            "openssl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Changes who may read a file.
pub(crate) fn chmod(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
}
