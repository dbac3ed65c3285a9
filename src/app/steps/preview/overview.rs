//! What will happen, in words: the plan's first page.

use super::page::{Ink, Page, Writer};
use crate::app::format;
use crate::model::definition::kinds;
use crate::model::options::{Method, VerifyLevel};
use crate::model::plan::{Phase, Plan, Step, StepKind};

/// Columns of the words in front.
const HANG: usize = 8;

/// How rows travel, as the badge says it; none for steps without rows.
pub fn badge(step: &Step) -> Option<&'static str> {
    match step.kind {
        StepKind::CopyRows { is_binary: true } => Some("COPY binary"),
        StepKind::CopyRows { is_binary: false } => Some("COPY text"),
        StepKind::FdwRows { .. } => Some("FDW"),
        _ => None,
    }
}

/// `COPY binary · 1.2 MiB · about 1,000 rows · step 12 of 80`.
pub(super) fn facts(step: &Step, steps: usize) -> String {
    let mut parts: Vec<String> = badge(step).map(str::to_owned).into_iter().collect();
    if step.size_hint_bytes > 0 {
        parts.push(format::bytes_plain(step.size_hint_bytes));
    }
    if let Some(rows) = step.row_hint() {
        parts.push(format!("about {}", format::counted(rows, "row", "rows")));
    }
    parts.push(format!(
        "step {} of {}",
        format::count(u64::from(step.id.0) + 1),
        format::count(steps as u64)
    ));
    parts.join(" · ")
}

#[derive(Default)]
struct Totals {
    /// Tables that are looked at first, and only copied if they are not as on the source.
    maybe_kept: u64,
    by_copy: u64,
    by_fdw: u64,
    rows: u64,
    has_unknown_rows: bool,
    bytes: u64,
    sequences: u64,
    has_large_objects: bool,
    large_object_bytes: u64,
}

impl Totals {
    fn of(plan: &Plan) -> Self {
        let mut totals = Self::default();
        for step in &plan.steps {
            match step.kind {
                StepKind::CopyRows { .. } => totals.by_copy += 1,
                StepKind::FdwRows { .. } => totals.by_fdw += 1,
                StepKind::Sequence => totals.sequences += 1,
                StepKind::LargeObjects => {
                    totals.has_large_objects = true;
                    totals.large_object_bytes += step.size_hint_bytes;
                }
                _ => {}
            }
            if step.may_be_kept() {
                totals.maybe_kept += 1;
            } else if step.method().is_some() {
                totals.rows = totals.rows.saturating_add(step.row_hint().unwrap_or(0));
                totals.has_unknown_rows |= step.row_hint().is_none();
                totals.bytes = totals.bytes.saturating_add(step.size_hint_bytes);
            }
        }
        totals
    }
}

pub(super) fn page(plan: &Plan, columns: usize) -> Page {
    let totals = Totals::of(plan);
    let mut out = Writer::new(columns);
    out.hanging(&format!("From    {}", plan.source), HANG);
    out.hanging(&format!("To      {}", plan.destination), HANG);
    if !plan.progress.is_empty() {
        let progress = plan.progress.iter().cloned();
        list(&mut out, "What is done, and what is left", progress);
        out.blank();
    }
    out.hanging(&format!("Rows    {}", rows(&totals)), HANG);
    out.hanging(&format!("Method  {}", method(plan, &totals)), HANG);
    if let Some(also) = also(&totals) {
        out.hanging(&format!("Also    {also}"), HANG);
    }
    let proof = match plan.options.verify {
        VerifyLevel::Off => "rows are not compared",
        VerifyLevel::Counts => "the rows of each table are counted on both sides",
        VerifyLevel::Checksums => "counts and checksums of each table are compared",
    };
    out.hanging(&format!("Proof   {proof}{}", also_compared(plan)), HANG);
    let steps = format::counted(plan.steps.len() as u64, "step", "steps");
    let steps = format!("Steps   {steps}, listed in their order; each shows its exact SQL");
    out.hanging(&steps, HANG);
    out.blank();
    let words = if plan.goes_on() {
        "The source is only read. What is done stays; Enter resumes the run, after a question."
    } else {
        "The source is only read. Nothing is changed before the run; Enter starts it, after a question."
    };
    out.line(Ink::Prose, words);
    list(&mut out, "What to know", plan.notes.iter().cloned());
    let left = plan.left_out.iter();
    let left = left.map(|one| format!("{}: {}", one.object, one.because));
    list(&mut out, "What is left out", left);
    let counts = plan.object_counts.iter();
    let counts =
        counts.map(|(kind, count)| format!("{} {}", format::count(*count), kinds(kind, *count)));
    list(&mut out, "What is created", counts);
    Page {
        title: super::OVERVIEW.to_owned(),
        rows: out.into_rows(),
        foot: Vec::new(),
    }
}

/// What else is compared, in words.
fn also_compared(plan: &Plan) -> String {
    let has = |is_it: fn(&StepKind) -> bool| plan.steps.iter().any(|step| is_it(&step.kind));
    let others = [
        (
            "sequences",
            has(|kind| matches!(kind, StepKind::VerifySequence { .. })),
        ),
        (
            "large objects",
            has(|kind| matches!(kind, StepKind::VerifyLargeObjects { .. })),
        ),
        (
            "definitions",
            has(|kind| matches!(kind, StepKind::VerifyDefinitions { .. })),
        ),
    ];
    let others: Vec<&str> = others
        .iter()
        .filter(|(_, is)| *is)
        .map(|(what, _)| *what)
        .collect();
    match others.as_slice() {
        [] => String::new(),
        others => format!("; compared: {}", others.join(", ")),
    }
}

/// A phase whose steps are folded away.
pub(super) fn of_phase(plan: &Plan, phase: Phase, columns: usize) -> Page {
    let mut out = Writer::new(columns);
    out.line(Ink::Prose, about(phase));
    let compares = |step: &Step| {
        step.phase == phase && matches!(step.kind, StepKind::VerifyDefinitions { .. })
    };
    if phase == Phase::CleanUp && plan.steps.iter().any(compares) {
        out.line(
            Ink::Prose,
            "The definitions of all objects are compared last.",
        );
    }
    out.blank();
    let steps = plan.steps.iter().filter(|step| step.phase == phase);
    let (mut count, mut bytes) = (0, 0_u64);
    for step in steps {
        count += 1;
        bytes = bytes.saturating_add(step.size_hint_bytes);
    }
    let mut facts = format::counted(count, "step", "steps");
    if bytes > 0 {
        facts.push_str(&format!(", about {}", format::bytes_plain(bytes)));
    }
    out.line(Ink::Prose, &format!("{facts}. \u{2192} unfolds them."));
    Page {
        title: phase.title().to_owned(),
        rows: out.into_rows(),
        foot: Vec::new(),
    }
}

/// What a phase is for, in a sentence for a first-time user.
fn about(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => {
            "Prepares the destination database and howdah's journal in it, and takes a snapshot of the source: everything is read as it was at that moment, however long the copy takes."
        }
        Phase::Schema => {
            "Creates the tables, types, functions and views, as pg_dump writes them, still without rows and indexes."
        }
        Phase::Data => {
            "Copies the rows, several tables at once, what takes longest first. Indexes come later, because filling a table without them is faster."
        }
        Phase::Indexes => {
            "Builds indexes and constraints, each as soon as its table has its rows. Foreign keys come last, when both of their tables have their rows."
        }
        Phase::Sequences => {
            "Sets the values of sequences, so that the next number given out follows the last one on the source."
        }
        Phase::Finish => {
            "What must come after the rows: triggers, materialized views, grants, and the statistics from which the server chooses fast query plans."
        }
        Phase::Verify => {
            "Compares both sides, table by table and sequence by sequence. The report says what was compared and what was not."
        }
        Phase::CleanUp => {
            "Removes everything that howdah created for itself on the destination: nothing stays that the source does not have."
        }
    }
}

fn list(out: &mut Writer, heading: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_none() {
        return;
    }
    out.blank();
    out.line(Ink::Heading, heading);
    for item in items {
        out.hanging(&format!("• {item}"), 2);
    }
}

fn also(totals: &Totals) -> Option<String> {
    let sequences =
        (totals.sequences > 0).then(|| format::counted(totals.sequences, "sequence", "sequences"));
    let large = totals.has_large_objects.then(|| {
        let bytes = format::bytes_plain(totals.large_object_bytes);
        format!("the large objects, {bytes}")
    });
    let parts: Vec<_> = sequences.into_iter().chain(large).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn rows(totals: &Totals) -> String {
    let tables = (totals.by_copy + totals.by_fdw).saturating_sub(totals.maybe_kept);
    let tables = format::counted(tables, "table", "tables");
    let number = format::count_short(totals.rows);
    let rows = match (totals.rows, totals.has_unknown_rows) {
        (0, true) => "their number of rows unknown".to_owned(),
        (_, true) => format!("about {number} rows or more"),
        (_, false) => format!("about {number} rows"),
    };
    let size = format::bytes_plain(totals.bytes);
    match totals.maybe_kept {
        0 => format!("{tables}, {rows}, {size}"),
        1 => format!("{tables}, {rows}, {size}; 1 more only if it has changed"),
        kept => format!("{tables}, {rows}, {size}; {kept} more only if they have changed"),
    }
}

fn method(plan: &Plan, totals: &Totals) -> String {
    let jobs = format!("up to {} at once", format::count(plan.options.jobs as u64));
    let copy = Method::Copy.label();
    let fdw = Method::Fdw.label();
    match (totals.by_copy, totals.by_fdw) {
        (0, 0) => "no rows are copied".to_owned(),
        (_, 0) => format!("{copy}, streamed through howdah, {jobs}"),
        (0, _) => format!("{fdw}, the destination pulls, {jobs}"),
        (by_copy, by_fdw) => format!(
            "{} by {copy} (through howdah), {} by {fdw} (the destination pulls), {jobs}",
            format::counted(by_copy, "table", "tables"),
            format::counted(by_fdw, "table", "tables")
        ),
    }
}
