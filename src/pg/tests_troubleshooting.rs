//! The README's table of troubles says what the program says.

use super::connection_hints::TROUBLES;
use super::problem::RECOVERY_CONFLICT;
use super::sqlstate::{ADVICE, Advice};
use crate::kept;
use crate::model::problem::Retry;

/// `57P01, 57P02`, and a class as `08…`.
fn codes(line: &Advice) -> String {
    let named = line.codes.iter().map(|code| match code.len() {
        2 => format!("`{code}…`"),
        _ => format!("`{code}`"),
    });
    named.collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[test]
fn the_troubleshooting_table_is_up_to_date() {
    let mut table = "\nWhile connecting:\n\n| what you see | what to do |\n|---|---|\n".to_owned();
    for trouble in TROUBLES {
        table.push_str(&format!(
            "| {} | {} |\n",
            cell(trouble.seen),
            cell(trouble.hint)
        ));
    }
    table.push_str("\nLater, by SQLSTATE (two characters and `…` are any other code of that class):\n\n| SQLSTATE | what it is | may pass by itself | what to do |\n|---|---|---|---|\n");
    for line in ADVICE {
        let passes = match line.retry {
            Retry::MayPass => "yes",
            Retry::AfterFix | Retry::Never => "",
        };
        table.push_str(&format!(
            "| {} | {} | {passes} | {} |\n",
            codes(line),
            cell(line.meaning),
            cell(line.hint)
        ));
    }
    table.push_str(&format!(
        "| any, \"conflict with recovery\" | A standby ended a read | yes | {} |\n\n",
        cell(RECOVERY_CONFLICT)
    ));
    kept::part("README.md", "troubleshooting", &table);
}
