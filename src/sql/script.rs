//! A plan as text to read: every statement in order, with what it is for and where it runs.

use crate::model::name::printable_lines;
use crate::model::plan::{Action, Fallback, Plan, Session, Statement, Step};

/// Where a statement runs, in words.
pub fn place(session: Session) -> String {
    match session {
        Session::Coordinator => "on the source (the session that holds the snapshot)".to_owned(),
        Session::Source => "on the source".to_owned(),
        Session::SourceNow => "on the source (outside of the snapshot)".to_owned(),
        Session::Destination => "on the destination".to_owned(),
        Session::Fdw(number) => format!("on the destination (FDW session {})", number + 1),
        Session::Last => "on the destination (the last transaction)".to_owned(),
        Session::Maintenance => "on the destination, database postgres".to_owned(),
    }
}

/// What `$1` and `$2` stand for; none for statements without them.
pub fn parameters(action: Action) -> Option<&'static str> {
    match action {
        Action::BindMeasured => Some("$1 and $2 are the source's last_value and is_called"),
        Action::Journal => Some("$1 and $2 are the rows and bytes carried"),
        Action::Stream => Some("once per large object and piece"),
        Action::SkipIfDone => Some("if it is true, the step ends here"),
        Action::KeepIfEqual => Some("only if both sides are equal: then the step ends here"),
        Action::RunWithPassword => Some("the password is put in on the way to the server"),
        _ => None,
    }
}

/// The whole plan, comments included.
pub fn text(plan: &Plan) -> String {
    let mut out = format!(
        "-- howdah plan\n-- source:      {}\n-- destination: {}\n-- {} steps; COPY statements are two ends of one stream.\n",
        plan.source,
        plan.destination,
        plan.steps.len()
    );
    for note in plan.progress.iter().chain(&plan.notes) {
        out.push_str(&format!("-- note: {note}\n"));
    }
    for left in &plan.left_out {
        out.push_str(&format!("-- left out: {}: {}\n", left.object, left.because));
    }
    for (side, settings) in [
        ("source", &plan.source_settings),
        ("destination", &plan.destination_settings),
    ] {
        out.push_str(&format!("\n-- every session on the {side} begins with\n"));
        for setting in settings {
            out.push_str(&format!("{setting};\n"));
        }
    }
    for step in &plan.steps {
        let title = printable_lines(&step.title).replace('\n', " ");
        out.push_str(&format!(
            "\n-- [{}/{}] {} · {title}\n-- {}\n",
            step.id.0 + 1,
            plan.steps.len(),
            step.phase.title(),
            step.why
        ));
        push_statements(&mut out, step);
    }
    out
}

/// A step's statements, and those of its fallback.
pub fn push_statements(out: &mut String, step: &Step) {
    push_each(out, &step.statements);
    for fallback in step.fallbacks() {
        out.push_str(&format!("-- {}\n", instead(fallback)));
        push_each(out, &fallback.statements);
    }
}

/// When the other way is taken, in words.
pub fn instead(fallback: &Fallback) -> String {
    format!(
        "only if that is refused with SQLSTATE {}: {}",
        fallback.after.join(" or "),
        fallback.why
    )
}

fn push_each(out: &mut String, statements: &[Statement]) {
    let mut last = None;
    for statement in statements {
        if last != Some(statement.session) {
            out.push_str(&format!("-- {}\n", place(statement.session)));
            last = Some(statement.session);
        }
        push_statement(out, statement);
    }
}

fn push_statement(out: &mut String, statement: &Statement) {
    if let Some(about) = parameters(statement.action) {
        out.push_str(&format!("-- {about}\n"));
    }
    let sql = statement.sql();
    let sql = sql.trim_end();
    out.push_str(sql);
    if !sql.ends_with(';') && super::lexer::has_statement(sql) {
        out.push(';');
    }
    out.push('\n');
}
