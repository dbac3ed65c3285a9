//! A rule that cannot fail proves nothing: each one on bad snippets, and on good ones that look alike.

use crate::rules::{arrows, built_sql, clocks, headers, length, names};
use crate::source::Source;

fn fails(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> bool {
    !rule(&Source::new(path, text)).is_empty()
}

#[test]
fn arrows_up_and_aside() {
    let bad = [
        ("engine/run.rs", "use crate::app::State;"),
        ("engine/run.rs", "use crate::{model::plan::Plan, ui};"),
        (
            "engine/run.rs",
            "use crate::{\n    model::plan::{Plan, Step},\n    shell::run,\n};",
        ),
        ("engine/run.rs", "fn f() { crate :: headless::g() }"),
        ("engine/run.rs", "use super::super::checks::run;"),
        ("engine/mod.rs", "use super::checks::run;"),
        ("model/plan.rs", "use crate::sql::quote;"),
        ("sql/quote.rs", "use crate::settings::x;"),
        ("planner/mod.rs", "use crate::pg::connect;"),
        ("ui/mod.rs", "use crate::engine::run;"),
        ("ui/mod.rs", "use tokio::time;"),
        ("app/mod.rs", "use ratatui::Frame;"),
        ("app/mod.rs", "fn f(x: crossterm::event::Event) {}"),
        ("app/mod.rs", "use crate::pg;"),
        ("app/mod.rs", "use crate::checks::Check;"),
        ("headless.rs", "use crate::app::State;"),
        ("shell/mod.rs", "use crate::demo::Demo;"),
        ("demo/mod.rs", "use crate::engine::run;"),
        ("settings/resolve.rs", "use std::net::TcpStream;"),
        (
            "settings/uri.rs",
            "let text = std::fs::read_to_string(path);",
        ),
        ("planner/mod.rs", "use tokio_postgres::Client;"),
    ];
    for (path, text) in bad {
        assert!(fails(arrows, path, text), "{path}: {text}");
    }
    let good = [
        ("main.rs", "use howdah::demo::Demo; use howdah::cli;"),
        ("cli.rs", "use crate::demo::Demo;"),
        ("shell/mod.rs", "use crate::{app, engine::run, ui};"),
        (
            "engine/run.rs",
            "use super::schedule; use crate::pg::connect; // not crate::app",
        ),
        (
            "engine/run.rs",
            "let text = \"use crate::app\"; let c = '\"'; fn f<'a>() {}",
        ),
        (
            "ui/screens/run.rs",
            "use super::super::widgets::gauge; use crate::app::State;",
        ),
        (
            "settings/resolve.rs",
            "use std::fs; use crate::model::connection::Endpoint;",
        ),
        ("demo/load.rs", "use crate::pg::connect;"),
        ("settings/uri.rs", "use std::net::Ipv6Addr;"),
    ];
    for (path, text) in good {
        assert!(!fails(arrows, path, text), "{path}: {text}");
    }
}

#[test]
fn names_headers_and_length() {
    assert!(fails(names, "pg/utils.rs", ""));
    assert!(fails(names, "common/mod.rs", ""));
    assert!(!fails(names, "pg/commons.rs", ""));
    assert!(fails(headers, "pg/x.rs", "use std::fs;\n//! late"));
    assert!(!fails(headers, "pg/x.rs", "//! why"));
    assert!(fails(length, "pg/x.rs", &"\n".repeat(601)));
    assert!(!fails(length, "pg/x.rs", &"\n".repeat(600)));
}

#[test]
fn clocks_in_the_pure_rooms() {
    assert!(fails(
        clocks,
        "app/mod.rs",
        "let t = std::time::Instant :: now();"
    ));
    assert!(fails(clocks, "ui/mod.rs", "SystemTime::now()"));
    assert!(!fails(clocks, "engine/mod.rs", "Instant::now()"));
    assert!(!fails(clocks, "app/tests.rs", "Instant::now()"));
    assert!(!fails(
        clocks,
        "app/mod.rs",
        "#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }"
    ));
    assert!(!fails(clocks, "app/mod.rs", "// never Instant::now()"));
}

#[test]
fn sql_built_outside_of_its_room() {
    let bad = [
        "let s = format!(\"DROP SCHEMA {name} CASCADE\");",
        "let s = format!(\n    \"select * from {name}\"\n);",
        "s.push_str(\"INSERT INTO \");",
        "format!(r#\"COPY \"{name}\" TO STDOUT\"#)",
        "format!(\"\\\n    create table {name} (a int)\")",
        "format!(\"TRUNCATE {name}\")",
        "format!(\"ALTER TABLE {name} x\")",
    ];
    for text in bad {
        assert!(fails(built_sql, "engine/run.rs", text), "{text}");
    }
    let good = [
        "const Q: &str = \"SELECT 1\";",
        "format!(\"Select the tables of {name}\")",
        "format!(\"copy {rows} rows\")",
        "format!(\"drop {name} there\")",
        "// format!(\"DROP SCHEMA {name}\")",
        "#[cfg(test)]\nmod tests { fn f() { format!(\"DROP SCHEMA {name}\"); } }",
    ];
    for text in good {
        assert!(!fails(built_sql, "engine/run.rs", text), "{text}");
    }
    assert!(!fails(built_sql, "sql/x.rs", bad[0]));
    let after = "#[cfg(test)]\nmod tests { }\nfn f() { format!(\"DROP SCHEMA {name}\"); }";
    assert!(fails(built_sql, "engine/run.rs", after));
}
