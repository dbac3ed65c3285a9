//! Shell completions and manual pages, both made from the command line's own description.

use std::io::Write;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::Cli;

pub fn completions(shell: Shell, out: &mut impl Write) {
    clap_complete::generate(shell, &mut Cli::command(), "howdah", out);
}

/// The page of howdah, or of one of its commands; none when there is no such command.
pub fn page(command: Option<&str>) -> Option<Result<Vec<u8>, std::io::Error>> {
    let mut all = Cli::command();
    all.build();
    let shown: Command = match command {
        None => all,
        Some(name) => all.find_subcommand(name)?.clone(),
    };
    let mut page = Vec::new();
    let made = clap_mangen::Man::new(shown)
        .source(concat!("howdah ", env!("CARGO_PKG_VERSION")))
        .render(&mut page);
    Some(made.map(|()| page))
}
