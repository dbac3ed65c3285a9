//! What stands beside the list: a step's SQL, or prose, laid out in rows for the width at hand.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::name::{printable, printable_lines};
use crate::model::plan::{Plan, Session, Statement, Step};
use crate::model::problem::Problem;
use crate::report_text::closed_for_show;
use crate::sql::lexer::{self, TokenKind};
use crate::sql::script;

/// How a piece of text is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Prose,
    Heading,
    Note,
    Good,
    Warning,
    Bad,
    Sql,
    Keyword,
    Literal,
    Number,
    Comment,
}

impl Ink {
    /// SQL that is drawn alike is of one ink: a row then is of few pieces, however many names it lists.
    fn of(kind: TokenKind) -> Self {
        match kind {
            TokenKind::Keyword => Self::Keyword,
            TokenKind::String => Self::Literal,
            TokenKind::Number | TokenKind::Parameter => Self::Number,
            TokenKind::Comment => Self::Comment,
            TokenKind::Identifier
            | TokenKind::QuotedIdentifier
            | TokenKind::Operator
            | TokenKind::Punctuation
            | TokenKind::Whitespace => Self::Sql,
        }
    }

    pub fn is_sql(self) -> bool {
        match self {
            Self::Prose | Self::Heading | Self::Note | Self::Good | Self::Warning | Self::Bad => {
                false
            }
            Self::Sql | Self::Keyword | Self::Literal | Self::Number | Self::Comment => true,
        }
    }
}

pub type Row = Vec<(Ink, String)>;

/// Rows ready to be drawn; only those in sight are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub title: String,
    pub rows: Vec<Row>,
    /// Stands below the rows and does not scroll: what the step is for.
    pub foot: Vec<Row>,
}

impl Page {
    /// Rows left for scrolling in a box with `height` rows inside; the foot takes a rule besides its own.
    pub fn scroll_height(&self, height: usize) -> usize {
        let foot = self.foot.len() + usize::from(!self.foot.is_empty());
        height.saturating_sub(foot).max(1)
    }
}

/// Lays out text in rows of at most `columns`.
#[derive(Debug)]
pub(in crate::app) struct Writer {
    columns: usize,
    rows: Vec<Row>,
}

impl Writer {
    pub(in crate::app) fn new(columns: usize) -> Self {
        Self {
            columns: columns.max(1),
            rows: Vec::new(),
        }
    }

    pub(in crate::app) fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    pub(in crate::app) fn blank(&mut self) {
        if !self.rows.is_empty() {
            self.rows.push(Row::new());
        }
    }

    pub(in crate::app) fn line(&mut self, ink: Ink, text: &str) {
        let text = printable_lines(text);
        for line in text.split('\n') {
            self.wrap(&[(ink, line)], 0);
        }
    }

    /// What does not fit on the first row goes on below with `hang` columns in front.
    pub(in crate::app) fn hanging(&mut self, text: &str, hang: usize) {
        self.wrap(&[(Ink::Prose, &printable(text))], hang);
    }

    /// SQL in colours, a semicolon behind it if there is none.
    pub(in crate::app) fn sql(&mut self, sql: &str) {
        self.colored(&closed_for_show(sql), None);
    }

    /// `caret` is the line, and the column in it, below which a caret stands.
    fn colored(&mut self, text: &str, caret: Option<(usize, usize)>) {
        let mut line = Vec::new();
        let mut number = 0;
        for (ink, piece) in pieces(text) {
            for (part_number, part) in piece.split('\n').enumerate() {
                if part_number > 0 {
                    self.wrap(&line, 2);
                    line.clear();
                    self.caret(caret.filter(|(at, _)| *at == number));
                    number += 1;
                }
                if !part.is_empty() {
                    line.push((ink, part));
                }
            }
        }
        self.wrap(&line, 2);
        self.caret(caret.filter(|(at, _)| *at == number));
    }

    /// Left out where the line above had to be broken: it would point to something else.
    fn caret(&mut self, caret: Option<(usize, usize)>) {
        if let Some((_, column)) = caret.filter(|(_, column)| *column < self.columns) {
            let row = format!("{}^", " ".repeat(column));
            self.rows.push(vec![(Ink::Bad, row)]);
        }
    }

    /// The whole of an error: words, then the statement with a caret below the place in question.
    pub(in crate::app) fn problem(&mut self, problem: &Problem) {
        let text = problem.to_string();
        for (number, line) in text.split('\n').enumerate() {
            let ink = if number == 0 { Ink::Bad } else { Ink::Prose };
            self.line(ink, line);
        }
        let Some(statement) = &problem.statement else {
            return;
        };
        self.blank();
        self.line(Ink::Note, "-- the statement");
        self.colored(&closed_for_show(statement), caret(problem));
    }

    /// Statements as the script has them: a comment where the session changes or a parameter needs words.
    fn statements(&mut self, statements: &[Statement]) {
        let mut last: Option<Session> = None;
        for statement in statements {
            if last != Some(statement.session) {
                self.blank();
                let place = format!("-- {}", script::place(statement.session));
                self.line(Ink::Note, &place);
                last = Some(statement.session);
            }
            if let Some(about) = script::parameters(statement.action) {
                self.line(Ink::Note, &format!("-- {about}"));
            }
            self.sql(&statement.sql());
        }
    }

    /// One line, broken at spaces where there are any; the rows below are indented by `hang` more than the line.
    fn wrap(&mut self, pieces: &[(Ink, &str)], hang: usize) {
        let first = pieces.first().map_or("", |(_, text)| *text);
        let own = first.len() - first.trim_start_matches(' ').len();
        let indent = (own + hang).min(self.columns / 2);
        let mut row = Row::new();
        let mut used = 0;
        let parts = words(pieces);
        for word in parts.split_inclusive(|(_, text)| text.ends_with(' ')) {
            let wanted: usize = word.iter().map(|(_, text)| text.width()).sum();
            let last = word.last().map_or("", |(_, text)| *text);
            let trailing = last.len() - last.trim_end_matches(' ').len();
            if used > indent && used + wanted - trailing > self.columns {
                self.rows.push(std::mem::take(&mut row));
                row.push((Ink::Prose, " ".repeat(indent)));
                used = indent;
            }
            // What a screen makes of other characters in a row is not always what they take one by one.
            let is_plain = word.iter().all(|(_, text)| text.is_ascii());
            if is_plain && used + wanted <= self.columns {
                for (ink, text) in word {
                    push(&mut row, *ink, text, self.columns - used);
                }
                used += wanted;
                continue;
            }
            for (ink, text) in word {
                for c in text.chars() {
                    let width = c.width().unwrap_or(0);
                    if used + width > self.columns {
                        if c == ' ' {
                            continue;
                        }
                        self.rows.push(std::mem::take(&mut row));
                        used = 0;
                    }
                    used += width;
                    push(&mut row, *ink, c.encode_utf8(&mut [0; 4]), width);
                }
            }
        }
        self.rows.push(row);
    }
}

/// Line and column, from 0, of the place the server complains about, as it is shown.
fn caret(problem: &Problem) -> Option<(usize, usize)> {
    let characters = usize::try_from(problem.position?.checked_sub(1)?).ok()?;
    let before: String = problem
        .statement
        .as_ref()?
        .chars()
        .take(characters)
        .collect();
    let shown = printable_lines(&before);
    let column = shown.rsplit('\n').next().unwrap_or_default().width();
    Some((shown.matches('\n').count(), column))
}

/// `room` is how many bytes a new piece may well come to.
fn push(row: &mut Row, ink: Ink, text: &str, room: usize) {
    match row.last_mut() {
        Some((same, whole)) if *same == ink => whole.push_str(text),
        _ => {
            let mut whole = String::with_capacity(room.max(text.len()));
            whole.push_str(text);
            row.push((ink, whole));
        }
    }
}

/// Stretches of SQL that are drawn alike.
fn pieces(sql: &str) -> Vec<(Ink, &str)> {
    let mut pieces = Vec::new();
    let (mut from, mut to) = (0, 0);
    let mut last = None;
    for token in lexer::tokens(sql) {
        let ink = Ink::of(token.kind);
        if last.is_some_and(|last| last != ink) {
            pieces.extend(last.zip(sql.get(from..to)));
            from = to;
        }
        last = Some(ink);
        to += token.text.len();
    }
    pieces.extend(last.zip(sql.get(from..)));
    pieces
}

/// Pieces cut behind each space: a word ends where one of them ends with a space.
fn words<'a>(pieces: &[(Ink, &'a str)]) -> Vec<(Ink, &'a str)> {
    let parts = |(ink, text): &(Ink, &'a str)| {
        let ink = *ink;
        text.split_inclusive(' ').map(move |part| (ink, part))
    };
    pieces.iter().flat_map(parts).collect()
}

/// A step's statements, with its reason and what is known of it below.
pub(super) fn of_step(step: &Step, facts: &str, columns: usize) -> Page {
    let mut sql = Writer::new(columns);
    sql.statements(&step.statements);
    for fallback in step.fallbacks() {
        sql.blank();
        sql.line(Ink::Note, &format!("-- {}", script::instead(fallback)));
        sql.statements(&fallback.statements);
    }
    let mut foot = Writer::new(columns);
    foot.line(Ink::Prose, &step.why);
    foot.line(Ink::Note, facts);
    Page {
        title: printable(&step.title).into_owned(),
        rows: sql.into_rows(),
        foot: foot.into_rows(),
    }
}

/// What every session begins with.
pub(super) fn of_settings(plan: &Plan, columns: usize) -> Page {
    let mut out = Writer::new(columns);
    for (side, settings) in settings(plan) {
        out.blank();
        out.line(Ink::Note, &format!("-- every session on the {side}"));
        for setting in settings {
            out.sql(setting);
        }
    }
    let mut foot = Writer::new(columns);
    foot.line(
        Ink::Prose,
        "Both sides read and write text the same way, no row is hidden, and the source cannot be written to.",
    );
    Page {
        title: super::SETTINGS.to_owned(),
        rows: out.into_rows(),
        foot: foot.into_rows(),
    }
}

fn settings(plan: &Plan) -> [(&'static str, &[String]); 2] {
    [
        ("source", &plan.source_settings),
        ("destination", &plan.destination_settings),
    ]
}

pub(super) fn of_problem(problem: &Problem, columns: usize) -> Page {
    let mut out = Writer::new(columns);
    out.problem(problem);
    out.blank();
    out.line(
        Ink::Prose,
        "Making a plan changes nothing. Esc goes back to the choice of tables, r tries again.",
    );
    Page {
        title: "No plan could be made".to_owned(),
        rows: out.into_rows(),
        foot: Vec::new(),
    }
}

/// The statements as they are, for the clipboard.
pub(super) fn script_of(step: &Step) -> String {
    let mut out = String::new();
    script::push_statements(&mut out, step);
    out
}

pub(super) fn script_of_settings(plan: &Plan) -> String {
    let mut out = String::new();
    for (side, settings) in settings(plan) {
        out.push_str(&format!("-- every session on the {side}\n"));
        out.extend(settings.iter().map(|setting| closed(setting)));
    }
    out
}

fn closed(sql: &str) -> String {
    let sql = sql.trim_end();
    let end = if sql.ends_with(';') { "\n" } else { ";\n" };
    format!("{sql}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rows: &[Row]) -> Vec<String> {
        let text = |row: &Row| row.iter().map(|(_, text)| text.as_str()).collect();
        rows.iter().map(text).collect()
    }

    #[test]
    fn breaks_at_spaces_and_through_long_words() {
        let mut out = Writer::new(12);
        out.sql("SELECT a, b FROM x\n  WHERE c");
        assert_eq!(plain(&out.rows), ["SELECT a, b ", "  FROM x", "  WHERE c;"]);
        let mut out = Writer::new(4);
        out.line(Ink::Prose, "表表表");
        assert_eq!(plain(&out.rows), ["表表", "表"]);
    }

    /// Two of its letters are one where a font draws them so; a terminal's cells know nothing of that.
    #[test]
    fn letters_that_may_be_drawn_as_one_have_room_each() {
        let text = "الإعلانات";
        let cells = |text: &str| text.chars().filter_map(char::width).sum::<usize>();
        assert!(text.width() < cells(text));
        for columns in text.width()..=cells(text) {
            let mut out = Writer::new(columns);
            out.line(Ink::Prose, text);
            let rows = plain(&out.rows);
            assert!(rows.iter().all(|row| cells(row) <= columns), "{rows:?}");
            assert_eq!(rows.concat(), text);
        }
    }

    #[test]
    fn a_list_of_names_is_one_piece_and_nothing_is_lost() {
        let sql = "LOCK TABLE ONLY a.b, \"C d\".e, f.g IN SHARE MODE -- 1\n'x' || $1";
        let pieces = pieces(sql);
        let whole: String = pieces.iter().map(|(_, text)| *text).collect();
        assert_eq!(whole, sql);
        assert!(pieces.contains(&(Ink::Sql, " a.b, \"C d\".e, f.g ")));
        assert!(pieces.windows(2).all(|two| two[0].0 != two[1].0));
    }

    #[test]
    fn a_token_of_several_lines_keeps_its_colour() {
        let mut out = Writer::new(20);
        out.sql("DO $$\nSELECT 1;\n$$");
        assert_eq!(out.rows[1], [(Ink::Literal, "SELECT 1;".to_owned())]);
        assert_eq!(plain(&out.rows), ["DO $$", "SELECT 1;", "$$;"]);
    }
}
