//! Large tables in parts: ranges of pages, each read and written by a step of its own, side by side.
//!
//! A part is never told by the number of its rows or by a key's values: pages need no index, and no look at the rows. Rows that
//! come in parts cannot be frozen on the way, so this is worth it only where one stream would be what all else waits for.

use crate::model::feature::Feature;
use crate::model::journal::Journal;
use crate::model::name::ObjectName;
use crate::model::options::Split;
use crate::model::plan::{Action, Part, Phase, Repeat, Session, StepKind};
use crate::sql::measure;
use crate::sql::{pages, statements};

use super::Context;
use super::builder::{Draft, journal_key};
use super::route::Route;
use super::rows::Carried;

/// Pages of a table from `from` up to, and without, `to`. The last range of a table is open: no row is left out, whatever is
/// written before the snapshot is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pages {
    pub(super) from: u64,
    pub(super) to: Option<u64>,
}

/// What a table must have at least to be split by itself; and at most so many parts of one.
const WORTH_PARTS: u64 = 1 << 30;
const MOST_PARTS: u64 = 256;

impl Pages {
    pub(super) fn condition(self) -> String {
        pages::within(self.from, self.to)
    }

    /// The journal's key: another plan may cut the table elsewhere.
    pub(super) fn key(self, table: &ObjectName) -> String {
        let to = self.to.map_or_else(String::new, |to| to.to_string());
        format!("{}{}-{to}", prefix(table), self.from)
    }

    fn read(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        Some(Self {
            from: from.parse().ok()?,
            to: if to.is_empty() {
                None
            } else {
                Some(to.parse().ok()?)
            },
        })
    }
}

fn prefix(table: &ObjectName) -> String {
    format!("{}/pages ", journal_key("data", table))
}

/// The parts of a table that an interrupted run has brought.
pub(super) fn done(context: &Context<'_>, table: &ObjectName) -> Vec<Pages> {
    let journal = context.inspection.journal.as_ref();
    journal.map_or_else(Vec::new, |journal| done_in(journal, table))
}

pub(super) fn done_in(journal: &Journal, table: &ObjectName) -> Vec<Pages> {
    let prefix = prefix(table);
    let keys = journal.done.iter();
    let mut done: Vec<Pages> = keys
        .filter_map(|key| Pages::read(key.strip_prefix(&prefix)?))
        .collect();
    done.sort_unstable();
    done
}

/// The parts a table is carried in; none when it goes as a whole.
pub(super) fn of(context: &Context<'_>, at: usize) -> Vec<Pages> {
    let table = &context.inspection.catalog.tables[at];
    if context.sample.is_some() || context.is_done(&journal_key("data", &table.name)) {
        return Vec::new();
    }
    let done = done(context, &table.name);
    if !done.is_empty() {
        return around(&done, table.page_count);
    }
    let count = count(context, at).min(table.page_count).min(MOST_PARTS);
    if count < 2 {
        return Vec::new();
    }
    fill(0, None, table.page_count.div_ceil(count), table.page_count)
}

/// In how many parts the table should go.
fn count(context: &Context<'_>, at: usize) -> u64 {
    let inspection = context.inspection;
    let table = &inspection.catalog.tables[at];
    let is_whole_heap = table.is_heap
        && table.extension_config.is_none()
        && !table.has_reading_check
        && context.selection.filter(at).is_none();
    // Before 14 each part would read the whole table; rows that others may have written are not ours to empty later.
    if !Feature::TidRangeScans.is_in(inspection.source.version_num)
        || !context.is_made_here(at)
        || context.rehashed_by(at).is_some()
        || !is_whole_heap
    {
        return 1;
    }
    match context.options.split {
        Split::Never => 1,
        Split::LargerThan(size) => table.table_bytes.div_ceil(size.max(1)),
        Split::Auto => {
            let jobs = context.options.jobs as u64;
            let all = || -> u64 {
                let tables = inspection.catalog.tables.iter();
                tables.map(|table| table.table_bytes).sum()
            };
            // Two cores are busy with one stream, which both servers work at.
            let has_room = inspection.destination.cores.is_none_or(|cores| cores > 2);
            let is_large = has_room && table.table_bytes >= WORTH_PARTS;
            if is_large && table.table_bytes.saturating_mul(jobs) > all() {
                jobs
            } else {
                1
            }
        }
    }
}

/// Ranges of `width` pages of a table of `page_count`; the last reaches to `to`.
fn fill(from: u64, to: Option<u64>, width: u64, page_count: u64) -> Vec<Pages> {
    let end = to.unwrap_or(page_count);
    let width = width.max(1);
    let mut ranges = Vec::new();
    let mut at = from;
    while at.saturating_add(width) < end {
        let next = at + width;
        let to = Some(next);
        ranges.push(Pages { from: at, to });
        at = next;
    }
    ranges.push(Pages { from: at, to });
    ranges
}

/// Ranges that are done, and others in the gaps between them, as wide as those.
fn around(done: &[Pages], page_count: u64) -> Vec<Pages> {
    let widths = done.iter().filter_map(|pages| Some(pages.to? - pages.from));
    let width = widths.max().unwrap_or(page_count);
    let mut ranges = Vec::new();
    let mut at = Some(0);
    for pages in done {
        if let Some(start) = at.filter(|start| *start < pages.from) {
            ranges.extend(fill(start, Some(pages.from), width, page_count));
        }
        ranges.push(*pages);
        at = pages.to;
    }
    if let Some(start) = at {
        ranges.extend(fill(start, None, width, page_count));
    }
    ranges
}

/// Parts that came before a run was interrupted stay together or not at all: nothing tells on the destination which row belongs
/// to which. The steps of the parts ask the journal then whether they are still done.
pub(super) fn proof(context: &Context<'_>, carried: &Carried) -> Option<Draft> {
    let table = &context.inspection.catalog.tables[carried.table];
    let done = done(context, &table.name);
    if done.is_empty() {
        return None;
    }
    let route = Route::of(context, carried.table);
    let there = pages::within_any(done.iter().map(|pages| (pages.from, pages.to)));
    let measure = measure::measure_source(table, &route.compared, context.checksum(), Some(&there));
    let keys: Vec<String> = done.iter().map(|pages| pages.key(&table.name)).collect();
    let draft = Draft::new(
        Phase::Data,
        format_args!("Prove the copied parts of {}", table.name),
        "They were copied before the run was interrupted. They stay if they are the same as the source's rows on those pages now; otherwise all parts are copied again.",
    )
    .kind(StepKind::CopyRows {
        is_binary: carried.is_binary,
    })
    .object(&table.name)
    .part(Part {
        number: 0,
        of: u32::try_from(carried.parts.len()).unwrap_or(u32::MAX),
    })
    .key(format!("{}proof", prefix(&table.name)))
    .repeat(Repeat::Freely)
    .needs(context.table_step(carried.table))
    .run(Session::Destination, statements::BEGIN)
    .keep_if_equal(
        context,
        carried,
        Session::Destination,
        (Session::Source, measure),
        statements::COMMIT,
    )
    .run(
        Session::Destination,
        statements::forget_steps(keys.iter().map(String::as_str)),
    )
    .run(Session::Destination, statements::COMMIT);
    Some(draft)
}

impl Draft {
    /// The step is over before it begins if the proof has left its journal row.
    pub(super) fn skip_if_done(self, key: &str) -> Self {
        self.statement(
            Session::Destination,
            Action::SkipIfDone,
            statements::is_step_done(key),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_whole(ranges: &[Pages]) -> bool {
        let is_first = ranges.first().is_some_and(|pages| pages.from == 0);
        let is_last = ranges.last().is_some_and(|pages| pages.to.is_none());
        let joined =
            |pair: &[Pages]| matches!(pair, [a, b] if a.to == Some(b.from) && a.from < b.from);
        is_first && is_last && ranges.windows(2).all(joined)
    }

    #[test]
    fn pages_are_cut_evenly_and_the_last_range_is_open() {
        let ranges = fill(0, None, 100u64.div_ceil(3), 100);
        let told: Vec<_> = ranges.iter().map(|pages| (pages.from, pages.to)).collect();
        assert_eq!(told, [(0, Some(34)), (34, Some(68)), (68, None)]);
    }

    proptest! {
        /// Whatever was done by then, and however the table has grown or shrunk: every page is in one range.
        #[test]
        fn each_page_is_in_one_range(
            pages in 1u64..2000, count in 1u64..40, now in 0u64..4000, kept in prop::collection::vec(any::<bool>(), 40)
        ) {
            let all = fill(0, None, pages.div_ceil(count), pages);
            prop_assert!(is_whole(&all), "{all:?}");
            let done: Vec<Pages> = all
                .iter()
                .zip(kept)
                .filter_map(|(range, is_done)| is_done.then_some(*range))
                .collect();
            if !done.is_empty() {
                let again = around(&done, now);
                prop_assert!(is_whole(&again), "{done:?} {again:?}");
                prop_assert!(done.iter().all(|range| again.contains(range)), "{again:?}");
            }
        }

        #[test]
        fn a_key_tells_its_pages(from in any::<u64>(), to in any::<Option<u64>>()) {
            let pages = Pages { from, to };
            let table = ObjectName::new("public", "film/pages 3-4");
            let key = pages.key(&table);
            prop_assert_eq!(key.strip_prefix(&prefix(&table)).and_then(Pages::read), Some(pages));
        }
    }
}
