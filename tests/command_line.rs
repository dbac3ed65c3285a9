//! The command line without any server: completions, manual pages, the file of defaults.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[expect(clippy::unwrap_used, reason = "what a test cannot start, fails it")]
fn howdah(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_howdah"))
        .args(arguments)
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("HOWDAH_CONFIG")
        .output()
        .unwrap()
}

#[track_caller]
fn told(output: &Output, code: i32) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

#[test]
fn bash_completes_commands_options_and_values() {
    let home = tempfile::tempdir().unwrap();
    let script = told(&howdah(home.path(), &["completions", "bash"]), 0);
    let file = home.path().join("howdah.bash");
    fs::write(&file, script).unwrap();
    let complete = |words: &str| {
        let ask = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _howdah howdah \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            file.display()
        );
        told(
            &Command::new("bash").args(["-c", &ask]).output().unwrap(),
            0,
        )
    };
    assert_eq!(complete("howdah res").trim(), "resume");
    assert_eq!(complete("howdah run --meth").trim(), "--method");
    assert_eq!(complete("howdah run --method fd").trim(), "fdw");
}

#[test]
fn other_shells_get_completions_too() {
    let home = tempfile::tempdir().unwrap();
    let zsh = told(&howdah(home.path(), &["completions", "zsh"]), 0);
    assert!(zsh.starts_with("#compdef howdah") && zsh.contains("--split-larger-than"));
    let fish = told(&howdah(home.path(), &["completions", "fish"]), 0);
    assert!(fish.contains("complete -c howdah") && fish.contains("split-larger-than"));
}

#[test]
fn every_command_has_a_manual_page() {
    let home = tempfile::tempdir().unwrap();
    let page = told(&howdah(home.path(), &["man"]), 0);
    assert!(page.contains(".TH howdah 1") && page.contains("Exit codes"));
    let commands = ["run", "plan", "check", "verify", "resume", "clean", "demo"];
    for command in commands {
        let page = told(&howdah(home.path(), &["man", command]), 0);
        assert!(page.contains(&format!(".TH howdah-{command} 1")), "{page}");
    }
    told(&howdah(home.path(), &["man", "nothing"]), 2);
}

#[test]
fn a_wrong_file_of_defaults_is_named_with_key_and_line() {
    let home = tempfile::tempdir().unwrap();
    let usual = home.path().join(".config/howdah/config.toml");
    fs::create_dir_all(usual.parent().unwrap()).unwrap();
    fs::write(&usual, "jobs = 2\nmetod = \"fdw\"\n").unwrap();
    let ends = ["check", "--source", "a", "--destination", "b"];
    let said = told(&howdah(home.path(), &ends), 2);
    for word in ["metod", "line 2", "config.toml"] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let missing = [&ends[..], &["--config", "/nowhere/howdah.toml"]].concat();
    let said = told(&howdah(home.path(), &missing), 2);
    assert!(said.contains("/nowhere/howdah.toml"), "{said}");
}

#[test]
fn a_plan_file_beside_choices_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for choice in [["--jobs", "2"], ["--include", "a.*"], ["--method", "fdw"]] {
        let words = [&["run", "--plan", "p.toml"], &choice[..]].concat();
        let said = told(&howdah(home.path(), &words), 2);
        assert!(said.contains("cannot be used with"), "{said}");
    }
}

#[test]
fn a_connection_string_in_the_wrong_place_is_told_without_its_password() {
    let home = tempfile::tempdir().unwrap();
    let uri = "postgres://u:geheim@h/d";
    for arguments in [
        &["run", uri][..],
        &["run", "--jobs", uri],
        &["run", "--method=host=h password = geheim"],
        &[uri],
    ] {
        let text = told(&howdah(home.path(), arguments), 2);
        assert!(
            text.contains("\u{2022}") && !text.contains("geheim"),
            "{text}"
        );
    }
}
