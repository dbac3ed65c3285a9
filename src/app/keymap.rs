//! The one table of keys: dispatch, footer and help overlay all read it.

use super::key::{Key, KeyCode};
use super::state::WizardStep;

/// What the user wants, whatever key said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    // Everywhere.
    Help,
    Quit,
    /// Wheel and clicks, or the terminal's own marking of text.
    Mouse,
    /// The shell's: it never gets here as a key.
    Suspend,
    Next,
    Back,
    // Lists and long texts.
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    HalfUp,
    HalfDown,
    First,
    Last,
    // Forms.
    NextField,
    PreviousField,
    Reveal,
    Pick,
    // Shared by several steps.
    Toggle,
    Copy,
    Options,
    Filter,
    Details,
    Method,
    MethodForAll,
    // Check.
    /// The check under the cursor.
    CheckAgain,
    RunAgain,
    /// Run what mends it.
    Mend,
    SourceAddress,
    Clean,
    TimeMethods,
    // Select.
    SwitchTab,
    All,
    None,
    Invert,
    StructureOnly,
    RowFilter,
    Consequences,
    Undo,
    Redo,
    CollapseAll,
    ExpandAll,
    Save,
    Load,
    Peek,
    Range,
    RangeUp,
    RangeDown,
    DetailsUp,
    DetailsDown,
    // Preview, Run, Report.
    NextHit,
    PreviousHit,
    Write,
    Rehearse,
    Stop,
    Pause,
    Retry,
    RetryAll,
    LeaveOut,
    Log,
    Follow,
    Levels,
}

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    Everywhere,
    /// Every step but Connect.
    Lists,
    In(WizardStep),
}

impl Context {
    fn holds(self, step: WizardStep) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Lists => step != WizardStep::Connect,
            Self::In(wanted) => wanted == step,
        }
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub context: Context,
    /// The first one is shown in the footer.
    pub keys: &'static [Key],
    pub action: Action,
    /// Footer text, where [`State::label`](super::State::label) has no other; empty: help overlay only.
    pub label: &'static str,
    /// Help text, a sentence without a full stop.
    pub help: &'static str,
    /// Footer order, the smallest first.
    pub importance: u8,
}

const fn binding(
    context: Context,
    keys: &'static [Key],
    action: Action,
    label: &'static str,
    help: &'static str,
    importance: u8,
) -> Binding {
    Binding {
        context,
        keys,
        action,
        label,
        help,
        importance,
    }
}

const fn shifted(code: KeyCode) -> Key {
    Key {
        shift: true,
        ..Key::plain(code)
    }
}

const fn c(c: char) -> Key {
    Key::char(c)
}

const fn k(code: KeyCode) -> Key {
    Key::plain(code)
}

const CONNECT: Context = Context::In(WizardStep::Connect);
const CHECK: Context = Context::In(WizardStep::Check);
const SELECT: Context = Context::In(WizardStep::Select);
const PREVIEW: Context = Context::In(WizardStep::Preview);
const RUN: Context = Context::In(WizardStep::Run);
const REPORT: Context = Context::In(WizardStep::Report);

/// A step's own bindings stand before those that hold for several steps: the first match counts.
#[rustfmt::skip]
pub const BINDINGS: &[Binding] = &[
    binding(CONNECT, &[k(KeyCode::Enter)], Action::Next, "Test and continue", "Test both connections; when both work, continue to the checks", 0),
    binding(CONNECT, &[k(KeyCode::Tab), k(KeyCode::Down)], Action::NextField, "Next field", "Next field", 1),
    binding(CONNECT, &[k(KeyCode::BackTab), k(KeyCode::Up)], Action::PreviousField, "", "Previous field", 9),
    binding(CONNECT, &[c(' ')], Action::Toggle, "Change", "Change what is in focus: the TLS mode or the checkbox", 2),
    binding(CONNECT, &[k(KeyCode::Left)], Action::Left, "", "Previous TLS mode; in a text field, one character to the left", 9),
    binding(CONNECT, &[k(KeyCode::Right)], Action::Right, "", "Next TLS mode; in a text field, one character to the right", 9),
    binding(CONNECT, &[Key::ctrl('p')], Action::Pick, "Pick", "Pick from recent connections and service names; in the TLS field, from its modes", 2),
    binding(CONNECT, &[Key::ctrl('r')], Action::Reveal, "Password", "Show or hide the passwords", 3),
    binding(CONNECT, &[k(KeyCode::Esc)], Action::Back, "Quit", "Cancel a running test; otherwise ask whether to quit", 4),

    binding(CHECK, &[k(KeyCode::Enter)], Action::Next, "Continue", "Continue to the choice of tables", 0),
    binding(CHECK, &[c('r')], Action::CheckAgain, "Check again", "Run the selected check again: both databases are read again, the results of the other checks stay", 1),
    binding(CHECK, &[c('R')], Action::RunAgain, "", "Run all checks again", 9),
    binding(CHECK, &[c('x')], Action::Mend, "Run fix", "Run the SQL of the fix on the destination, after showing it; the source is never changed", 2),
    binding(CHECK, &[c('y')], Action::Copy, "Copy fix", "Copy the fix, SQL or advice, to the clipboard", 3),
    binding(CHECK, &[c('c')], Action::Clean, "Clean", "Remove what an earlier run of howdah left on the destination, after showing it", 3),
    binding(CHECK, &[c('o')], Action::Options, "Options", "Choose what to do with existing objects, owners, verification and more", 4),
    binding(CHECK, &[c('t')], Action::TimeMethods, "Measure", "Copy some rows by COPY and by FDW, roll them back, and show which method suits these servers; takes a few seconds, a minute at most", 5),
    binding(CHECK, &[c('f')], Action::SourceAddress, "Address", "Set the host and port at which the destination server reaches the source (method FDW)", 5),

    binding(SELECT, &[k(KeyCode::Enter)], Action::Next, "Continue", "Make the plan and continue to the preview", 0),
    binding(SELECT, &[c(' ')], Action::Toggle, "Tick", "Tick or untick the row; [-] is ticked in part", 1),
    binding(SELECT, &[c('/')], Action::Filter, "Filter", "Show only names that contain what you type; capital letters count only if you type one", 2),
    binding(SELECT, &[k(KeyCode::Tab), k(KeyCode::BackTab)], Action::SwitchTab, "Switch tab", "Switch between tables and sequences", 3),
    binding(SELECT, &[c('o')], Action::Options, "Options", "Choose method, verification, owners, existing objects and more", 4),
    binding(SELECT, &[c('m')], Action::Method, "Method", "Switch this table between COPY (through howdah) and FDW (the destination pulls)", 5),
    binding(SELECT, &[c('s')], Action::StructureOnly, "Structure only", "Create the table without its rows; [s] marks it", 6),
    binding(SELECT, &[c('w')], Action::RowFilter, "Where", "Copy only rows that satisfy a condition", 6),
    binding(SELECT, &[c('c')], Action::Consequences, "Left out too", "List what is left out too, because it needs something that is not ticked", 6),
    binding(SELECT, &[c('a')], Action::All, "All", "Tick everything shown", 7),
    binding(SELECT, &[c('n')], Action::None, "None", "Untick everything shown", 7),
    binding(SELECT, &[c('i')], Action::Invert, "Invert", "Swap ticked and unticked, of everything shown", 8),
    binding(SELECT, &[c('u')], Action::Undo, "Undo", "Undo the last change of the selection", 8),
    binding(SELECT, &[c('U')], Action::Redo, "", "Redo the change that was undone", 9),
    binding(SELECT, &[c('S')], Action::Save, "Save", "Save the selection to a file that you can edit, load here again or pass to howdah run --selection", 8),
    binding(SELECT, &[c('L')], Action::Load, "Load", "Load a selection from a file; u undoes it", 8),
    binding(SELECT, &[c('p')], Action::Peek, "Peek", "Show the first rows of the table as they are on the source", 6),
    binding(SELECT, &[c('v')], Action::Range, "Range", "Start or end a range of rows; Space, s and m then change all of them", 8),
    binding(SELECT, &[shifted(KeyCode::Up)], Action::RangeUp, "", "Make the range longer or shorter upwards", 9),
    binding(SELECT, &[shifted(KeyCode::Down)], Action::RangeDown, "", "Make the range longer or shorter downwards", 9),
    binding(SELECT, &[c('d')], Action::Details, "Details", "Show or hide columns, indexes and references of the table", 8),
    binding(SELECT, &[c('J')], Action::DetailsDown, "", "Scroll the details down", 9),
    binding(SELECT, &[c('K')], Action::DetailsUp, "", "Scroll the details up", 9),
    binding(SELECT, &[c('M')], Action::MethodForAll, "", "Switch all tables between COPY and FDW", 9),
    binding(SELECT, &[c('-')], Action::CollapseAll, "", "Collapse all schemas", 9),
    binding(SELECT, &[c('='), c('+')], Action::ExpandAll, "", "Expand all schemas, then all partitions", 9),
    binding(SELECT, &[k(KeyCode::Left), c('h')], Action::Left, "", "Collapse the schema or the partitions, or go to the parent", 9),
    binding(SELECT, &[k(KeyCode::Right), c('l')], Action::Right, "", "Expand the schema or the partitions", 9),

    binding(PREVIEW, &[k(KeyCode::Enter)], Action::Next, "Run", "Start the run, after a confirmation", 0),
    binding(PREVIEW, &[c('t')], Action::Rehearse, "Rehearse", "Try the run with a sample of the rows in a scratch database, and see how long it will take and what will fail", 1),
    binding(PREVIEW, &[k(KeyCode::Tab), k(KeyCode::BackTab)], Action::SwitchTab, "List or SQL", "Switch between the list of steps and the SQL, to scroll it", 1),
    binding(PREVIEW, &[c('m')], Action::Method, "Method", "Switch this table between COPY (through howdah) and FDW (the destination pulls)", 2),
    binding(PREVIEW, &[c('/')], Action::Filter, "Search", "Search titles and SQL; capital letters count only if you type one", 3),
    binding(PREVIEW, &[c('y')], Action::Copy, "Copy SQL", "Copy the step's SQL to the clipboard", 4),
    binding(PREVIEW, &[c('w')], Action::Write, "Write", "Write the plan to a file: a script, a plan file, or SQL", 5),
    binding(PREVIEW, &[c('n')], Action::NextHit, "", "Next match of the search", 9),
    binding(PREVIEW, &[c('N')], Action::PreviousHit, "", "Previous match of the search", 9),
    binding(PREVIEW, &[k(KeyCode::Left), c('h')], Action::Left, "", "Fold the phase", 9),
    binding(PREVIEW, &[k(KeyCode::Right), c('l')], Action::Right, "", "Unfold the phase", 9),
    binding(PREVIEW, &[c('-')], Action::CollapseAll, "Fold", "Fold all phases", 6),
    binding(PREVIEW, &[c('='), c('+')], Action::ExpandAll, "", "Unfold all phases", 9),
    binding(PREVIEW, &[c('M')], Action::MethodForAll, "", "Switch all tables between COPY and FDW", 9),
    binding(PREVIEW, &[c('r')], Action::RunAgain, "", "Make the plan again", 1),

    binding(RUN, &[k(KeyCode::Enter)], Action::Next, "Report", "Continue to the report once the run has ended", 0),
    binding(RUN, &[c('x')], Action::Stop, "Stop", "Ask how to stop the run: after the current tables, or now", 1),
    binding(RUN, &[c('p')], Action::Pause, "Pause", "Start nothing new until you press p again; what is running is finished", 2),
    binding(RUN, &[c('r')], Action::Retry, "Retry", "Retry the selected failed step; after the run has ended: resume the run", 3),
    binding(RUN, &[c('s')], Action::LeaveOut, "Leave out", "Leave out the selected failed step and all that needs it; the report names them", 4),
    binding(RUN, &[c('d')], Action::Details, "Problem", "Show or hide the selected problem in full", 5),
    binding(RUN, &[c('l')], Action::Log, "Log", "Show the log at full height, or small again", 6),
    binding(RUN, &[c('f')], Action::Follow, "Follow", "Keep the newest line of the log in sight, or stay where you are", 7),
    binding(RUN, &[c('v')], Action::Levels, "Levels", "Show all lines of the log, only warnings and errors, or only errors", 8),
    binding(RUN, &[c('R')], Action::RetryAll, "", "Retry all failed steps", 9),
    binding(RUN, &[k(KeyCode::Tab), k(KeyCode::BackTab)], Action::SwitchTab, "", "Switch between problems and log", 9),
    binding(RUN, &[c('y')], Action::Copy, "", "Copy the selected problem to the clipboard", 9),

    binding(REPORT, &[c('q'), k(KeyCode::Enter)], Action::Quit, "Quit", "Leave howdah; a summary is printed to the terminal", 0),
    binding(REPORT, &[k(KeyCode::Tab), k(KeyCode::Right), c('l')], Action::Right, "Next page", "Next page: summary, tables, sequences, problems, objects", 1),
    binding(REPORT, &[c('w')], Action::Write, "Write", "Write the report as Markdown and as JSON into the working directory", 2),
    binding(REPORT, &[c('y')], Action::Copy, "Copy", "Copy the summary to the clipboard", 3),
    binding(REPORT, &[c('r')], Action::Retry, "Resume", "Resume the run: what is done stays, the rest is done", 4),
    binding(REPORT, &[k(KeyCode::BackTab), k(KeyCode::Left), c('h')], Action::Left, "", "Previous page", 9),

    binding(Context::Lists, &[k(KeyCode::Up), c('k')], Action::Up, "", "One line up", 10),
    binding(Context::Lists, &[k(KeyCode::Down), c('j')], Action::Down, "", "One line down", 10),
    binding(Context::Lists, &[k(KeyCode::PageUp)], Action::PageUp, "", "One page up", 10),
    binding(Context::Lists, &[k(KeyCode::PageDown)], Action::PageDown, "", "One page down", 10),
    binding(Context::Lists, &[Key::ctrl('u')], Action::HalfUp, "", "Half a page up", 10),
    binding(Context::Lists, &[Key::ctrl('d')], Action::HalfDown, "", "Half a page down", 10),
    binding(Context::Lists, &[k(KeyCode::Home), c('g')], Action::First, "", "To the first line", 10),
    binding(Context::Lists, &[k(KeyCode::End), c('G')], Action::Last, "", "To the last line", 10),
    binding(Context::Lists, &[k(KeyCode::Esc)], Action::Back, "Back", "Cancel what you are waiting for; otherwise go back one step", 5),

    binding(Context::Everywhere, &[k(KeyCode::F(2))], Action::Mouse, "", "Turn the mouse on or off: the wheel scrolls, a click chooses. While it is on, most terminals mark text only with Shift held", 12),
    binding(Context::Everywhere, &[c('q')], Action::Quit, "", "Quit; in a text field q types a letter", 11),
    binding(Context::Everywhere, &[Key::ctrl('c')], Action::Quit, "", "Ask whether to quit, or how to stop a run; again: stop the run now; again: leave at once", 11),
    binding(Context::Everywhere, &[Key::ctrl('z')], Action::Suspend, "", "Back to the shell, where everything stands still: bg lets a run continue, fg returns here", 11),
    binding(Context::Everywhere, &[c('?'), k(KeyCode::F(1))], Action::Help, "", "Show or hide this help (in a text field only F1)", 11),
];

/// The bindings that hold on `step`, without those shadowed by an earlier one for the same action.
pub fn bindings(step: WizardStep) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |b| b.context.holds(step))
}

/// What a key means on `step`. While text is typed, plain characters mean themselves.
pub fn find(step: WizardStep, is_typing: bool, key: Key) -> Option<Action> {
    let is_text = matches!(key.code, KeyCode::Char(_)) && !key.ctrl && !key.alt;
    if is_typing && is_text {
        return None;
    }
    // In a field they delete.
    if is_typing && (key == Key::ctrl('u') || key == Key::ctrl('d')) {
        return None;
    }
    let bound = |key: Key| bindings(step).find(|b| b.keys.contains(&key));
    // Most keys mean the same with Shift.
    let plain = Key {
        shift: false,
        ..key
    };
    bound(key).or_else(|| bound(plain)).map(|b| b.action)
}

/// The bindings on `step`, most important first.
pub fn footer(step: WizardStep) -> Vec<&'static Binding> {
    let mut shown: Vec<_> = bindings(step).collect();
    shown.sort_by_key(|b| b.importance);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_bound_twice_in_one_context() {
        for (i, one) in BINDINGS.iter().enumerate() {
            for other in &BINDINGS[i + 1..] {
                let clash = one.context == other.context
                    && one.keys.iter().any(|key| other.keys.contains(key));
                assert!(
                    !clash,
                    "{:?} and {:?} share a key",
                    one.action, other.action
                );
            }
        }
    }

    #[test]
    fn characters_type_while_typing() {
        assert_eq!(find(WizardStep::Connect, true, c('q')), None);
        assert_eq!(find(WizardStep::Connect, true, c('?')), None);
        assert_eq!(
            find(WizardStep::Connect, true, k(KeyCode::F(1))),
            Some(Action::Help)
        );
        assert_eq!(find(WizardStep::Select, false, c('?')), Some(Action::Help));
        assert_eq!(
            find(WizardStep::Report, false, k(KeyCode::Enter)),
            Some(Action::Quit)
        );
    }
}
