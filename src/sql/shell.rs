//! A plan as a shell script that needs psql, pg_dump and pg_restore alone: the same statements in the same order, one step after
//! another. It keeps the journal too, so howdah can go on where it breaks off.

use crate::model::name::printable;
use crate::model::options::Keep;
use crate::model::plan::{
    Action, PASSWORD_MARKER, Phase, Plan, Rule, Session, Statement, Step, StepKind,
};
use crate::model::problem::Problem;

use super::{large_objects, lexer};

const PRELUDE: &str = include_str!("../../assets/script/prelude.bash");

/// The error says what a script cannot do.
pub fn script(plan: &Plan) -> Result<String, Problem> {
    if let Some(why) = objection(plan) {
        return Err(Problem::new("Could not write the script", why)
            .hint("Write a plan file instead, and run it with howdah run --plan."));
    }
    let mut script = Script {
        text: head(plan),
        batch: String::new(),
        counters: Vec::new(),
        count: plan.steps.len(),
    };
    script.file("source.sql", &ended(&plan.source_settings));
    script.file("destination.sql", &ended(&plan.destination_settings));
    let always = plan.steps.iter().filter(|step| step.rule == Rule::Always);
    let always: String = always.map(|step| statements(&step.statements)).collect();
    script.file("always.sql", &always);
    for step in &plan.steps {
        script.push(plan, step);
    }
    script.flush();
    script
        .text
        .push_str("\nis_whole=yes\necho 'Done. Compare both sides with: howdah verify'\n");
    Ok(script.text)
}

/// Why howdah itself is needed.
fn objection(plan: &Plan) -> Option<&'static str> {
    let has = |wanted: &[Action]| {
        let mut all = plan.steps.iter().flat_map(|step| &step.statements);
        all.any(|statement| wanted.contains(&statement.action))
    };
    let puts_back = |step: &Step| matches!(step.kind, StepKind::PutBack { .. });
    let carries_objects = |step: &Step| step.kind == StepKind::LargeObjects;
    if has(&[Action::KeepIfEqual, Action::SkipIfDone]) {
        Some("an interrupted run is resumed by proofs, which a script cannot evaluate")
    } else if has(&[Action::MeasureBefore]) || plan.steps.iter().any(puts_back) {
        Some(
            "a script that broke off would not put back what it has dropped or switched off on existing tables",
        )
    } else if !plan.options.role_map.is_empty() && plan.steps.iter().any(carries_objects) {
        Some("pg_restore cannot give large objects to other roles than the source's")
    } else {
        None
    }
}

fn head(plan: &Plan) -> String {
    let creates = plan.steps.iter().flat_map(|step| &step.statements);
    let creates = creates
        .into_iter()
        .any(|s| s.session == Session::Maintenance);
    let maintenance = if creates {
        "#   HOWDAH_MAINTENANCE            database postgres of the destination's server, from where the database is created\n"
    } else {
        ""
    };
    let needs = if creates {
        ": \"${HOWDAH_MAINTENANCE:?is not set: a connection string of database postgres of the destination server}\"\n"
    } else {
        ""
    };
    let (source, destination) = (printable(&plan.source), printable(&plan.destination));
    format!(
        "#!/usr/bin/env bash
# Copies  {source}
# to      {destination}
# with psql, pg_dump and pg_restore, which must be as new as the newer server. It needs, beside ~/.pgpass:
#   HOWDAH_SOURCE                 connection string of the source, as for psql, without a password
#   HOWDAH_DESTINATION            the same of the destination
{maintenance}#   HOWDAH_SOURCE_PASSWORD        if ~/.pgpass does not have them
#   HOWDAH_DESTINATION_PASSWORD
# Nothing is compared at the end; howdah verify does that.

{PRELUDE}{needs}"
    )
}

fn ended(statements: &[String]) -> String {
    statements.iter().flat_map(|sql| [sql, ";\n"]).collect()
}

struct Script {
    text: String,
    /// What psql is to do on the destination before anything else happens.
    batch: String,
    /// Readings of counters on the source, which the batch then sets.
    counters: Vec<String>,
    count: usize,
}

impl Script {
    fn push(&mut self, plan: &Plan, step: &Step) {
        let sessions = |wanted: Session| step.statements.iter().all(|s| s.session == wanted);
        let is_proof = matches!(
            step.kind,
            StepKind::VerifyTable { .. }
                | StepKind::VerifySequence { .. }
                | StepKind::VerifyLargeObjects { .. }
                | StepKind::VerifyDefinitions { .. }
                | StepKind::VerifyForeignKey
        );
        if step.statements.is_empty() || is_proof {
            return;
        }
        if step.kind == StepKind::Sequence {
            return self.counter(step);
        }
        if !self.counters.is_empty() {
            self.flush();
        }
        // Steps of the last transaction follow one another, in one batch.
        let is_last = sessions(Session::Last);
        if is_last || (sessions(Session::Destination) && step.fallbacks().is_empty()) {
            return self.batch(step);
        }
        self.flush();
        let title = shell_quoted(&self.title(step));
        self.text.push_str(&format!("\necho {title}\n"));
        if sessions(Session::Maintenance) {
            self.here("maintenance -f -", &statements(&step.statements));
        } else if step.kind == StepKind::LargeObjects {
            self.large_objects(plan, step);
        } else if step.statements.iter().any(|s| s.action == Action::CopyOut) {
            self.attempts(step, Self::copy);
        } else if sessions(Session::Destination) {
            self.attempts(step, |script, list| {
                script.file("step.sql", &statements(list));
                "destination -f \"$work/step.sql\"".to_owned()
            });
        } else {
            self.conversation(step);
        }
    }

    fn title(&self, step: &Step) -> String {
        let title = printable(&step.title);
        format!("[{}/{}] {title}", step.id.0 + 1, self.count)
    }

    fn batch(&mut self, step: &Step) {
        let is_optional = step.rule == Rule::Optional;
        if step.phase != Phase::Schema {
            let title = psql_quoted(&self.title(step));
            self.batch.push_str(&format!("\\echo {title}\n"));
        }
        if is_optional {
            // In a transaction psql then goes back to before the statement that was refused.
            self.batch
                .push_str("\\set ON_ERROR_STOP off\n\\set ON_ERROR_ROLLBACK on\n");
        }
        self.batch.push_str(&statements(&step.statements));
        if is_optional {
            self.batch
                .push_str("\\set ON_ERROR_ROLLBACK off\n\\set ON_ERROR_STOP on\n");
        }
    }

    /// Many counters are read by one psql, and set by another.
    fn counter(&mut self, step: &Step) {
        if self.counters.is_empty() {
            self.flush();
        }
        let number = self.counters.len();
        let reading = step.statements.iter();
        let reading = reading.filter(|s| s.action == Action::MeasureSource);
        self.counters.extend(reading.map(|s| s.sql().into_owned()));
        let title = psql_quoted(&self.title(step));
        self.batch.push_str(&format!("\\echo {title}\n"));
        for statement in &step.statements {
            match statement.action {
                Action::MeasureSource => {}
                Action::BindMeasured => self.batch.push_str(&format!(
                    "PREPARE counter (bigint, boolean) AS {};\nEXECUTE counter (:last_value_{number}, :'is_called_{number}');\nDEALLOCATE counter;\n",
                    statement.sql()
                )),
                _ => self.batch.push_str(&statements(std::slice::from_ref(statement))),
            }
        }
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let counters = std::mem::take(&mut self.counters);
        if batch.is_empty() {
            return;
        }
        self.text.push('\n');
        if counters.is_empty() {
            return self.here("destination -f -", &batch);
        }
        self.file("readings.sql", &ended(&counters));
        self.text.push_str(
            "source_now -f \"$work/readings.sql\" > \"$work/readings\"\n\
             awk -F'|' '{ printf \"\\\\set last_value_%d %s\\n\\\\set is_called_%d %s\\n\", NR - 1, $1, NR - 1, $2 }' \"$work/readings\" > \"$work/counters.sql\"\n",
        );
        self.here("destination -f \"$work/counters.sql\" -f -", &batch);
    }

    /// Statements on sessions that stay open from step to step: the one that holds the snapshot, those of postgres_fdw.
    fn conversation(&mut self, step: &Step) {
        let mut rest = &*step.statements;
        while let Some(first) = rest.first() {
            let of_session = rest.iter().take_while(|s| s.session == first.session);
            let length = of_session.count();
            let (these, others) = rest.split_at(length);
            rest = others;
            // What only serves the comparison.
            let wanted = these.iter().filter(|s| s.action != Action::MeasureSource);
            let sql: String = wanted
                .map(|s| statements(std::slice::from_ref(s)))
                .collect();
            if sql.is_empty() {
                continue;
            }
            let (session, program) = open_session(first.session);
            self.here(&format!("say {session} {program}"), &sql);
            if these.iter().any(|s| s.action == Action::ExportSnapshot) {
                self.text.push_str("snapshot=$answer\n");
            }
        }
        let over = match step.kind {
            StepKind::ReleaseSnapshot => Some(Session::Coordinator),
            StepKind::FdwBarrier => Some(Session::SourceNow),
            StepKind::FdwCommit { session } => Some(Session::Fdw(session)),
            _ => None,
        };
        if let Some(over) = over {
            let (session, _) = open_session(over);
            self.text.push_str(&format!("hang_up {session}\n"));
        }
    }

    /// A way, and the other ways that are taken when it is refused.
    fn attempts(&mut self, step: &Step, way: fn(&mut Self, &[Statement]) -> String) {
        let command = way(self, &step.statements);
        let otherwise = if step.rule == Rule::Optional {
            "pass_over"
        } else {
            "give_up"
        };
        self.text
            .push_str(&format!("try {command}\ncase $refused in\n'') ;;\n"));
        for fallback in step.fallbacks() {
            self.text.push_str(&format!(
                "{})\nnote {}\n",
                fallback.after.join("|"),
                shell_quoted(&printable(&fallback.why))
            ));
            let command = way(self, &fallback.statements);
            self.text.push_str(&format!(
                "try {command}\n[ -z \"$refused\" ] || {otherwise}\n"
            ));
            if let Some(finish) = &fallback.to_finish {
                let finish = format!("when the rows are corrected: {finish}");
                self.text
                    .push_str(&format!("note {}\n", shell_quoted(&printable(&finish))));
            }
            self.text.push_str(";;\n");
        }
        self.text.push_str(&format!("*) {otherwise} ;;\nesac\n"));
    }

    fn copy(&mut self, list: &[Statement]) -> String {
        let find = |wanted: Action| list.iter().position(|s| s.action == wanted);
        let (Some(out), Some(into)) = (find(Action::CopyOut), find(Action::CopyIn)) else {
            // The other way needs no COPY.
            self.file("step.sql", &statements(list));
            return "destination -f \"$work/step.sql\"".to_owned();
        };
        let (before, after) = (&list[..out], &list[into + 1..]);
        let of_destination = |list: &[Statement]| -> String {
            let wanted = list.iter().filter(|s| s.session == Session::Destination);
            wanted
                .map(|s| statements(std::slice::from_ref(s)))
                .collect()
        };
        self.file("before.sql", &of_destination(before));
        self.file("out.sql", &statements(&list[out..=out]));
        self.file("in.sql", &statements(&list[into..=into]));
        self.file("after.sql", &of_destination(after));
        let from = match list[out].session {
            Session::SourceNow => "source_now",
            _ => "in_snapshot",
        };
        format!("carry {from}")
    }

    /// As pg_dump does it. Without the tables, large objects are all it has.
    fn large_objects(&mut self, plan: &Plan, step: &Step) {
        // For what a grantee has granted on, it would take a superuser to be that grantee.
        let mut restore =
            "pg_restore --exit-on-error --single-transaction --no-privileges".to_owned();
        if plan.options.owners == Keep::Skip {
            restore.push_str(" --no-owner");
        }
        self.text.push_str(&format!(
            "with_source_password pg_dump -d \"$HOWDAH_SOURCE\" --snapshot=\"$snapshot\" --format=custom --data-only -b -T '*.*' --file=\"$work/objects\"\n\
             with_destination_password {restore} -d \"$HOWDAH_DESTINATION\" \"$work/objects\"\n"
        ));
        if plan.options.privileges == Keep::Keep {
            let grants = large_objects::grants_of_source(&plan.options);
            self.file("grants_of_source.sql", &format!("{grants}\n"));
            self.text.push_str(
                "in_snapshot -f \"$work/grants_of_source.sql\" > \"$work/grants.sql\"\n\
                 destination -c BEGIN -f \"$work/grants.sql\" -c COMMIT\n",
            );
        }
        let journal = step.statements.iter();
        let journal = journal.filter(|s| s.action == Action::Journal);
        self.batch
            .extend(journal.map(|s| statements(std::slice::from_ref(s))));
    }

    fn file(&mut self, name: &str, text: &str) {
        self.here(&format!("cat > \"$work/{name}\""), text);
    }

    /// A command with this text as its standard input.
    fn here(&mut self, command: &str, text: &str) {
        let mut end = "END_OF_SQL".to_owned();
        while text.lines().any(|line| line == end) {
            end.push('_');
        }
        self.text
            .push_str(&format!("{command} <<'{end}'\n{text}{end}\n"));
    }
}

fn open_session(session: Session) -> (String, &'static str) {
    match session {
        Session::Fdw(number) => (format!("fdw_{}", number + 1), "pulling"),
        Session::SourceNow => ("now".to_owned(), "source_now"),
        _ => ("holder".to_owned(), "source_now"),
    }
}

/// Each as psql reads it. Rows and bytes of the journal are howdah's to count.
fn statements(list: &[Statement]) -> String {
    let mut text = String::new();
    for statement in list {
        let sql = statement.sql();
        let sql = sql.trim_end();
        match statement.action {
            Action::CountViolations => continue,
            Action::Journal => {
                text.push_str(&format!(
                    "PREPARE journal (bigint, bigint) AS {sql};\nEXECUTE journal (NULL, NULL);\nDEALLOCATE journal;\n"
                ));
                continue;
            }
            Action::RunWithPassword => {
                text.push_str(&sql.replace(PASSWORD_MARKER, ":'source_password'"));
            }
            _ => text.push_str(sql),
        }
        if !sql.ends_with(';') && lexer::has_statement(sql) {
            text.push(';');
        }
        text.push('\n');
    }
    text
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// An argument of `\echo`.
fn psql_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
