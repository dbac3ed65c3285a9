//! The file of a person's own defaults. What the command line says wins over it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::options::{Keep, Method, Options, Split, ToastCompression, VerifyLevel};
use crate::model::problem::Problem;

/// Keys bear the names of the command line's options.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Draw with ASCII characters only.
    pub ascii: bool,
    /// Wheel and clicks are for the wizard.
    pub mouse: bool,
    /// False is what `--no-animation` is.
    pub animation: Option<bool>,
    /// False is what `NO_COLOR` is.
    pub color: Option<bool>,
    pub log: Option<PathBuf>,
    method: Option<Method>,
    jobs: Option<u16>,
    verify: Option<VerifyLevel>,
    owners: Option<Keep>,
    privileges: Option<Keep>,
    database_settings: Option<Keep>,
    toast_compression: Option<ToastCompression>,
    split_larger_than: Option<Split>,
}

impl Config {
    /// `named` must be there; the usual place need not.
    pub fn load(named: Option<&Path>, usual: Option<&Path>) -> Result<Self, Problem> {
        let Some(path) = named.or(usual) else {
            return Ok(Self::default());
        };
        let what = format!("Could not read {}", path.display());
        match std::fs::read_to_string(path) {
            Ok(text) => Self::read(&text).map_err(|problem| problem.doing(what)),
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self::default())
            }
            Err(error) => Err(Problem::new(what, error.to_string())),
        }
    }

    /// The error names the key and the line.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let wrong = |message: String| Problem::new("Could not read the configuration", message);
        let config: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        match config.jobs {
            Some(0 | 257..) => Err(wrong("jobs is not a number from 1 to 256".to_owned())),
            _ => Ok(config),
        }
    }

    /// The usual place, by what the variables say.
    pub fn usual_place(lookup: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
        let absolute = |name| lookup(name).filter(|dir| dir.is_absolute());
        let dir = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        Some(dir?.join("howdah").join("config.toml"))
    }

    pub fn options(&self) -> Options {
        let usual = Options::default();
        Options {
            method: self.method.unwrap_or(usual.method),
            jobs: self.jobs.map_or(usual.jobs, usize::from),
            verify: self.verify.unwrap_or(usual.verify),
            owners: self.owners.unwrap_or(usual.owners),
            privileges: self.privileges.unwrap_or(usual.privileges),
            database_settings: self.database_settings.unwrap_or(usual.database_settings),
            toast_compression: self.toast_compression.unwrap_or(usual.toast_compression),
            split: self.split_larger_than.unwrap_or(usual.split),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_command_line() {
        let config = Config::read(
            "method = 'fdw'\njobs = 3\nverify = 'checksums'\nsplit-larger-than = '2GB'\nascii = true",
        );
        let config = config.unwrap();
        let options = config.options();
        assert_eq!((options.method, options.jobs), (Method::Fdw, 3));
        assert_eq!(options.verify, VerifyLevel::Checksums);
        assert_eq!(options.split, Split::LargerThan(2 << 30));
        assert!(config.ascii);
    }

    #[test]
    fn an_unknown_key_or_value_is_named_with_its_line() {
        for (text, word) in [
            ("jobs = 3\nmethd = 'fdw'", "methd"),
            ("jobs = 3\nmethod = 'ftp'", "ftp"),
        ] {
            let message = Config::read(text).unwrap_err().message;
            assert!(
                message.contains("line 2") && message.contains(word),
                "{message}"
            );
        }
        assert!(Config::read("jobs = 0").is_err());
    }

    #[test]
    fn the_usual_place_is_that_of_xdg() {
        let place = |variables: &[(&str, &str)]| {
            Config::usual_place(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| PathBuf::from(value))
            })
        };
        let home = ("HOME", "/home/a");
        let at = |path: &str| Some(PathBuf::from(path));
        assert_eq!(place(&[home]), at("/home/a/.config/howdah/config.toml"));
        assert_eq!(
            place(&[home, ("XDG_CONFIG_HOME", "/x")]),
            at("/x/howdah/config.toml")
        );
        assert_eq!(place(&[("XDG_CONFIG_HOME", "relative")]), None);
    }

    #[test]
    fn a_named_file_must_be_there() {
        let missing = Path::new("/nowhere/config.toml");
        assert!(Config::load(Some(missing), None).is_err());
        assert_eq!(Config::load(None, Some(missing)), Ok(Config::default()));
    }
}
