//! Connect: where from and where to.
//!
//! ```text
//! ╭ Source · read only ────────────────╮╭ Destination ───────────────────────╮
//! │> URI       postgres://app@old/shop ││  URI       postgres://app@new/shop │
//! │  Host      old                     ││  Host      new                     │
//! │  Port      5432                    ││  Port      5432                    │
//! │  Database  shop                    ││  Database  shop                    │
//! │                                    ││            [x] create if missing   │
//! │  User      app                     ││  User      app                     │
//! │  Password  ••••••  from ~/.pgpass  ││  Password  ••••••                  │
//! │  TLS       prefer ▾                ││  TLS       prefer ▾                │
//! │                                    ││                                    │
//! │ ✓ PostgreSQL 13.14 · TLS 1.3 · …   ││ ✗ The password is wrong            │
//! ╰────────────────────────────────────╯╰────────────────────────────────────╯
//!  What to do next, in a sentence.
//! ```
//!
//! With enough columns Port stands beside Host, and the tick beside Database. A problem stands below the field it is about.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::steps::connect::Test;
use crate::app::steps::connect_form::{ConnectForm, Item};
use crate::app::steps::connect_uri::masked;
use crate::app::{Now, State, format};
use crate::model::connection::{PasswordOrigin, ServerFacts, Side};
use crate::model::name::{printable, printable_lines};
use crate::model::problem::Problem;
use crate::ui::theme::Theme;
use crate::ui::widgets::{field, panel, text};

/// Columns of mark and label in front of a value.
const LABEL: usize = 12;

pub fn draw(state: &State, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let [panels, advice] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(2)]).areas(area);
    let [left, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(panels);
    side(state, Side::Source, now, frame, left, theme);
    side(state, Side::Destination, now, frame, right, theme);
    let sentence = theme.glyphs.words(&next_thing(state)).into_owned();
    let wrapped = text::wrap(&sentence, usize::from(advice.width).saturating_sub(2));
    for (row, line) in advice.rows().zip(wrapped) {
        frame.render_widget(Line::raw(format!(" {line}")), row);
    }
}

fn next_thing(state: &State) -> String {
    let connect = &state.connect;
    let has_failed = Side::BOTH
        .iter()
        .any(|side| matches!(connect.form(*side).test, Test::Failed(_)));
    let (side, item) = connect.focus;
    if item == Item::Tls && !connect.is_pending() && !has_failed {
        let form = connect.form(side);
        return format!(
            "TLS mode {}: {}. Space changes it, Ctrl-P shows all.",
            form.tls.mode.keyword(),
            tls_note(form)
        );
    }
    let sentence = if connect.is_pending() {
        "Connecting. Esc cancels."
    } else if connect.is_fine() {
        "Both connections work. Enter checks both databases; nothing is changed yet."
    } else if has_failed {
        "Correct what is marked, then press Enter to test again."
    } else if state.is_demo {
        "Demo: two throw-away servers are filled in. Press Enter to test both connections."
    } else if connect.has_known() {
        "Say where the database is and where it should go; paste a URI, or press Ctrl-P for connections you had before. Enter tests both."
    } else {
        "Say where the database is and where it should go; paste a URI or fill the fields. Enter tests both connections."
    };
    sentence.to_owned()
}

/// Draws one side's panel.
fn side(state: &State, side: Side, now: Now, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let title = match side {
        Side::Source => theme.glyphs.words("Source · read only"),
        Side::Destination => theme.glyphs.words("Destination"),
    };
    let is_focused = state.connect.focus.0 == side;
    let inner = panel::draw(frame, area, &title, is_focused, theme);
    let form = state.connect.form(side);
    let mut pen = Pen {
        state,
        side,
        theme,
        area: inner,
        row: 0,
        problem: problem(form, side, state),
    };
    let is_wide = inner.width >= 50;
    pen.field(frame, &[(Item::Uri, "URI")]);
    if is_wide {
        pen.field(frame, &[(Item::Host, "Host"), (Item::Port, "Port")]);
    } else {
        pen.field(frame, &[(Item::Host, "Host")]);
        pen.field(frame, &[(Item::Port, "Port")]);
    }
    match (side, is_wide) {
        (Side::Source, _) => pen.field(frame, &[(Item::Database, "Database")]),
        (Side::Destination, true) => {
            pen.field(frame, &[(Item::Database, "Database"), (Item::Create, "")]);
        }
        (Side::Destination, false) => {
            pen.field(frame, &[(Item::Database, "Database")]);
            pen.field(frame, &[(Item::Create, "")]);
        }
    }
    // Both sides' fields stand at the same height.
    if side == Side::Source && !is_wide {
        pen.row += 1;
    }
    pen.field(frame, &[(Item::User, "User")]);
    pen.field(frame, &[(Item::Password, "Password")]);
    pen.field(frame, &[(Item::Tls, "TLS")]);
    if inner.height > 12 {
        pen.row += 1;
    }
    draw_test(form, side, now, &mut pen, frame);
    for warning in &form.warnings {
        let words = format!("{} {}", theme.glyphs.warning, printable(warning));
        pen.text(frame, 1, &words, theme.warning());
    }
}

/// How the connection does, or did.
fn draw_test(form: &ConnectForm, side: Side, now: Now, pen: &mut Pen<'_>, frame: &mut Frame<'_>) {
    let theme = pen.theme;
    match &form.test {
        Test::Untested => {}
        Test::Pending(pending) => {
            let waited = now.since(pending.since);
            let words = format!(
                "{} Connecting to {}:{} {} {}{}",
                theme.glyphs.spinner_at(waited),
                printable(form.host.value()),
                printable(form.port.value()),
                theme.glyphs.dot,
                format::duration(waited),
                form.limit_secs()
                    .map_or_else(String::new, |limit| format!(" of {limit} s")),
            );
            pen.text(frame, 1, &words, theme.accent());
        }
        Test::Fine(facts) => {
            pen.parts(frame, &found(facts, side), theme.fine());
        }
        Test::Failed(_) => {
            if let Some((None, problem)) = pen.problem.take() {
                pen.problem_text(frame, 1, problem);
            }
        }
    }
}

/// What is wrong, with the field it is about. A URI being typed is not yet wrong.
fn problem<'a>(
    form: &'a ConnectForm,
    side: Side,
    state: &State,
) -> Option<(Option<Item>, &'a Problem)> {
    if let Test::Failed(problem) = &form.test {
        return Some((problem.field.and_then(Item::of), problem));
    }
    form.uri_problem
        .as_ref()
        .filter(|_| state.connect.focus != (side, Item::Uri))
        .map(|problem| (Some(Item::Uri), problem))
}

/// PostgreSQL 15.18, TLS 1.3, 4 ms, 18.3 GiB.
fn found(facts: &ServerFacts, side: Side) -> [String; 4] {
    let tls = match &facts.tls {
        Some(protocol) => printable(protocol).replace("TLSv", "TLS "),
        None => "no TLS".to_owned(),
    };
    let content = match (&facts.database, side) {
        (None, _) => "new database".to_owned(),
        (Some(database), Side::Source) => format::bytes_plain(database.size_bytes),
        (Some(database), Side::Destination) if database.relation_count == 0 => "empty".to_owned(),
        (Some(database), Side::Destination) => format!(
            "not empty: {}, {}",
            format::counted(database.relation_count, "relation", "relations"),
            format::bytes_plain(database.size_bytes)
        ),
    };
    [
        format!("PostgreSQL {}", printable(&facts.version)),
        tls,
        format::latency(facts.latency_micros),
        content,
    ]
}

/// Writes a panel from top to bottom.
struct Pen<'a> {
    state: &'a State,
    side: Side,
    theme: &'a Theme,
    area: Rect,
    row: u16,
    problem: Option<(Option<Item>, &'a Problem)>,
}

impl Pen<'_> {
    /// One line with one or two fields, and below it what is wrong with them.
    fn field(&mut self, frame: &mut Frame<'_>, items: &[(Item, &str)]) {
        let mut rest = self.line();
        for (position, (item, label)) in items.iter().enumerate() {
            let width = match (items.len() - position, item) {
                (_, Item::Create) | (1, _) => rest.width,
                // The second of two: `> Port      5432` or `[x] create it if missing`.
                _ => rest
                    .width
                    .saturating_sub(if items[1].0 == Item::Port { 19 } else { 27 }),
            };
            let place = Rect { width, ..rest };
            self.item(frame, place, *item, label);
            rest.x += width;
            rest.width -= width;
        }
        self.row += 1;
        let is_here =
            |item: Option<Item>| item.is_some_and(|i| items.iter().any(|(one, _)| *one == i));
        if let Some((item, problem)) = self.problem
            && is_here(item)
        {
            self.problem = None;
            self.problem_text(frame, 2, problem);
        }
    }

    fn item(&self, frame: &mut Frame<'_>, place: Rect, item: Item, label: &str) {
        let theme = self.theme;
        let is_focused = self.state.connect.focus == (self.side, item);
        let mark = if is_focused { "> " } else { "  " };
        let form = self.state.connect.form(self.side);
        let label_width = if item == Item::Create { 2 } else { LABEL };
        let label_style = if is_focused {
            theme.title()
        } else {
            theme.text()
        };
        let head = text::fit(
            &format!("{mark}{label}"),
            label_width,
            theme.glyphs.ellipsis,
        );
        let room = usize::from(place.width).saturating_sub(label_width + 1);
        let mut spans = vec![Span::styled(head, label_style)];
        if let Some(content) = form.field(item) {
            let value = self.shown(item, content.value());
            let cursor = if is_focused { content.cursor() } else { 0 };
            let (value, column) = field::window(&value, cursor, room, theme.glyphs.ellipsis);
            let note = password_note(item, form);
            let has_room = text::width(&value) + text::width(&note) + 2 <= room;
            let style = if is_focused {
                theme.strong()
            } else {
                theme.text()
            };
            spans.push(Span::styled(value, style));
            if !note.is_empty() && has_room {
                spans.push(Span::styled(format!("  {note}"), theme.dim()));
            }
            let x = place.x + u16::try_from(label_width + column).unwrap_or(0);
            let is_seen = x < place.right() && place.height > 0 && self.state.overlay.is_none();
            if is_focused && is_seen {
                frame.set_cursor_position(Position::new(x, place.y));
            }
        } else {
            let (words, note) = self.choice(item, form);
            let style = if is_focused {
                theme.selected()
            } else {
                theme.text()
            };
            let room = room.saturating_sub(text::width(&words) + 2);
            spans.push(Span::styled(words, style));
            if text::width(&note) <= room {
                spans.push(Span::styled(format!("  {note}"), theme.dim()));
            }
        }
        frame.render_widget(Line::from(spans), place);
    }

    fn shown(&self, item: Item, value: &str) -> String {
        let dot = if self.theme.glyphs.is_ascii {
            "*"
        } else {
            "•"
        };
        match item {
            Item::Password if !self.state.connect.is_revealed => dot.repeat(value.chars().count()),
            Item::Uri => printable(&masked(value)).replace('•', dot),
            _ => printable(value).into_owned(),
        }
    }

    /// A field without text, and what its value means.
    fn choice(&self, item: Item, form: &ConnectForm) -> (String, String) {
        if item == Item::Tls {
            let words = format!("{} {}", form.tls.mode.keyword(), self.theme.glyphs.choice);
            return (words, tls_note(form));
        }
        let tick = if self.state.options.create_database {
            'x'
        } else {
            ' '
        };
        (format!("[{tick}] create it if missing"), String::new())
    }

    fn problem_text(&mut self, frame: &mut Frame<'_>, indent: u16, problem: &Problem) {
        let sign = self.theme.glyphs.blocking;
        let words = format!("{sign} {}", printable_lines(&sentence(&problem.message)));
        self.text(frame, indent, &words, self.theme.bad());
        let extras = [&problem.detail, &problem.server_hint, &problem.our_hint];
        for extra in extras.into_iter().flatten() {
            let words = printable_lines(extra);
            self.text(frame, indent + 2, &words, self.theme.text());
        }
    }

    /// `✓ one · two · three`, broken between the parts only.
    fn parts(&mut self, frame: &mut Frame<'_>, parts: &[String], style: Style) {
        let room = usize::from(self.area.width).saturating_sub(5);
        let mut lines: Vec<String> = Vec::new();
        for part in parts {
            match lines.last_mut() {
                Some(line) if text::width(line) + 3 + text::width(part) <= room => {
                    line.push_str(&format!(" {} {part}", self.theme.glyphs.dot));
                }
                _ => lines.push(part.clone()),
            }
        }
        for (position, line) in lines.iter().enumerate() {
            let sign = if position == 0 {
                self.theme.glyphs.fine
            } else {
                " "
            };
            self.text(frame, 1, &format!("{sign} {line}"), style);
        }
    }

    /// Wrapped text that may take several lines; those after the first stand below the words behind the sign.
    fn text(&mut self, frame: &mut Frame<'_>, indent: u16, words: &str, style: Style) {
        let room = usize::from(self.area.width.saturating_sub(indent + 1));
        // A sign of one column in front stands alone in its column.
        let (sign, words) = match words.split_once(' ') {
            Some((sign, rest)) if text::width(sign) == 1 => (sign, rest),
            Some(("", rest)) => (" ", rest.trim_start()),
            _ => ("", words),
        };
        let hang = if sign.is_empty() { 0 } else { 2 };
        for (position, line) in text::wrap(words, room.saturating_sub(hang))
            .into_iter()
            .enumerate()
        {
            let sign = if position == 0 { sign } else { "" };
            let line = format!("{sign:<hang$}{line}");
            let place = self.line();
            let x = (place.x + indent).min(place.right());
            let width = place.right() - x;
            frame.render_widget(Line::styled(line, style), Rect { x, width, ..place });
            if place.height == 0 {
                self.mark_more(frame);
            }
            self.row += 1;
        }
    }

    /// Not everything has room in the panel.
    fn mark_more(&self, frame: &mut Frame<'_>) {
        let sign = self.theme.glyphs.ellipsis;
        let width = u16::try_from(text::width(sign)).unwrap_or(1);
        let place = Rect {
            x: self.area.right().saturating_sub(width),
            y: self.area.bottom().saturating_sub(1),
            width,
            height: 1,
        };
        let place = place.intersection(self.area);
        frame.render_widget(Line::raw(sign), place);
    }

    /// The present row; empty below the panel's end.
    fn line(&self) -> Rect {
        Rect {
            y: (self.area.y + self.row).min(self.area.bottom()),
            height: u16::from(self.row < self.area.height),
            ..self.area
        }
    }
}

/// Where the password came from.
fn password_note(item: Item, form: &ConnectForm) -> String {
    if item != Item::Password {
        return String::new();
    }
    match &form.password_origin {
        PasswordOrigin::None | PasswordOrigin::Typed => String::new(),
        PasswordOrigin::Uri => "from the URI".to_owned(),
        PasswordOrigin::Environment => "from PGPASSWORD".to_owned(),
        PasswordOrigin::Passfile(path) => {
            format!("found in {}", printable(&path.display().to_string()))
        }
        PasswordOrigin::Service(name) => format!("service {}", printable(name)),
    }
}

/// What the chosen mode means.
fn tls_note(form: &ConnectForm) -> String {
    let note = form.tls.mode.meaning();
    match &form.tls.root_cert {
        Some(path) => format!("{note}; root CA {}", printable(&path.display().to_string())),
        None => note.to_owned(),
    }
}

/// Starts with a capital letter.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
