//! What howdah is built from: every crate's licence is one that lets everybody use, change and sell it, and every crate comes
//! from the one registry, with its checksum.

use std::path::Path;
use std::process::Command;

/// SPDX names. Each asks for no more than that its text is kept.
const ALLOWED: [&str; 11] = [
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "WTFPL",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// An SPDX expression allows what is allowed here. An exception (`WITH`) only takes conditions away; a slash is an old `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let allows = any_of(&words, &mut at);
    allows && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize) -> bool {
    let mut allows = all_of(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        allows |= all_of(words, at);
    }
    allows
}

fn all_of(words: &[&str], at: &mut usize) -> bool {
    let mut allows = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        allows &= one(words, at);
    }
    allows
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let allows = any_of(words, at);
        let is_closed = words.get(*at) == Some(&")");
        *at += 1;
        return allows && is_closed;
    }
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    ALLOWED.contains(word)
}

#[test]
fn an_expression_is_read_as_spdx_means_it() {
    for fine in [
        "MIT",
        "GPL-3.0-only OR MIT",
        "MIT/GPL-2.0",
        "(MIT OR GPL-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed(fine), "{fine}");
    }
    for bad in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-2.0",
        "(MIT OR GPL-2.0) AND AGPL-3.0",
        "MIT MIT",
        "(MIT",
        "MPL-2.0 OR MIT AND GPL-2.0",
    ] {
        assert!(!is_allowed(bad), "{bad}");
    }
}

/// Of all that is compiled here, for the program and for its tests. Without network: it was fetched to compile this.
#[test]
fn every_crate_may_be_used_by_everybody() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("rustc says for which platform it is");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "{} packages", packages.len());
    let refused: Vec<String> = packages
        .iter()
        .map(|package| {
            let licence = package["license"].as_str().unwrap_or_default();
            (package["name"].to_string(), licence.to_owned())
        })
        .filter(|(_, licence)| !is_allowed(licence))
        .map(|(name, licence)| format!("{name}: {licence:?}"))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Of all platforms: the lock file names them all.
#[test]
fn every_crate_comes_from_the_registry_with_its_checksum() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    let of_the_house: Vec<&str> = packages
        .iter()
        .filter(|one| {
            let source = one.get("source").and_then(toml::Value::as_str);
            source != Some(REGISTRY) || one.get("checksum").is_none()
        })
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(of_the_house, ["howdah"]);
    let of_c = ["openssl-sys", "native-tls", "libpq-sys", "pq-sys"];
    let is_there = |name: &&str| {
        packages
            .iter()
            .any(|one| one["name"].as_str() == Some(name))
    };
    let banned: Vec<&str> = of_c.into_iter().filter(is_there).collect();
    assert_eq!(
        banned,
        Vec::<&str>::new(),
        "TLS and protocol are done in Rust"
    );
}

/// What is run by hand has the same list.
#[test]
fn cargo_deny_allows_the_same() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join(".ci/deny.toml");
    let rules = std::fs::read_to_string(rules).unwrap();
    let (_, list) = rules.split_once("\nallow = [").unwrap();
    let (list, _) = list.split_once(']').unwrap();
    let named = list.split('"').skip(1).step_by(2);
    assert_eq!(named.collect::<Vec<_>>(), ALLOWED);
}
