//! What libpq would heed and howdah does not is told by the program itself.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::migrate::said;

#[test]
fn what_is_not_heeded_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let passfile = home.path().join("passwords");
    std::fs::write(&passfile, "*:*:*:*:secret\n").unwrap();
    std::fs::set_permissions(&passfile, std::fs::Permissions::from_mode(0o644)).unwrap();
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let ends = ["--source", nowhere, "--destination", nowhere];
    for (command, more) in [
        ("check", &[][..]),
        ("resume", &["--yes"]),
        ("run", &["--yes"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_howdah"))
            .arg(command)
            .args(ends)
            .args(more)
            .env("HOME", home.path())
            .env("PGPASSFILE", &passfile)
            .env("PGSSLCRL", "/etc/revoked")
            .output()
            .unwrap();
        let words = said(&output);
        assert_ne!(output.status.code(), Some(0), "{words}");
        for part in ["PGSSLCRL is set", "others may read it"] {
            assert_eq!(words.matches(part).count(), 1, "{command}: {words}");
        }
        assert!(!words.contains("secret"), "{words}");
    }
}
