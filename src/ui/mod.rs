//! Drawing only: everything on screen is made from the [`State`] and the time. Nothing here changes state, reads a
//! clock, or knows the engine.
//!
//! ```text
//!  1 Connect › 2 Check › 3 Select › 4 Preview › 5 Run › 6 Report      step bar
//! ╭ … ─────────────────────────────────────────────────────────────╮
//! │ the step on screen                                              │  body
//! ╰─────────────────────────────────────────────────────────────────╯
//!  toast: what just happened, or why a key did nothing
//!  Enter Go on  Space Tick  …                                ? help   footer
//! ```

pub mod glyphs;
pub mod hit;
pub mod screens;
pub mod theme;
pub mod widgets;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::{Now, State, ToastKind, WizardStep};
use theme::Theme;
use widgets::{footer, overlay, step_bar, text};

/// The smallest terminal the screens are made for.
pub const MINIMUM: (u16, u16) = (60, 16);

pub fn draw(state: &State, now: Now, frame: &mut Frame<'_>, theme: &Theme) {
    let area = frame.area();
    if is_too_small(area) {
        too_small(frame, area);
        return;
    }
    let [bar, body, toast, keys] = areas(area);
    step_bar::draw(state, frame, bar, theme);
    match state.step {
        WizardStep::Connect => screens::connect::draw(state, now, frame, body, theme),
        WizardStep::Check => screens::check::draw(state, now, frame, body, theme),
        WizardStep::Select => screens::select::draw(state, now, frame, body, theme),
        WizardStep::Preview => screens::preview::draw(state, now, frame, body, theme),
        WizardStep::Run => screens::run::draw(state, now, frame, body, theme),
        WizardStep::Report => screens::report::draw(state, now, frame, body, theme),
    }
    draw_toast(state, frame, toast, theme);
    footer::draw(state, frame, keys, theme);
    if let Some(open) = &state.overlay {
        overlay::draw(state, open, now, frame, body, theme);
    }
}

fn is_too_small(area: Rect) -> bool {
    area.width < MINIMUM.0 || area.height < MINIMUM.1
}

/// Step bar, body, toast, footer.
fn areas(area: Rect) -> [Rect; 4] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area)
}

fn draw_toast(state: &State, frame: &mut Frame<'_>, area: Rect, theme: &Theme) {
    let Some(toast) = &state.toast else {
        return;
    };
    let style = match toast.kind {
        ToastKind::Info => theme.fine(),
        ToastKind::Warning => theme.warning(),
    };
    let words = crate::model::name::printable(&toast.text);
    let line = text::truncate(
        &format!(" {}", theme.glyphs.words(&words)),
        usize::from(area.width),
        theme.glyphs.ellipsis,
    );
    frame.render_widget(Line::styled(line, style), area);
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let text = format!(
        "Terminal too small: need {}x{}, have {}x{}",
        MINIMUM.0, MINIMUM.1, area.width, area.height
    );
    let columns = usize::from(area.width);
    let lines: Vec<_> = text::wrap(&text, columns)
        .into_iter()
        .map(Line::raw)
        .collect();
    frame.render_widget(Paragraph::new(lines).alignment(Alignment::Left), area);
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_check;
#[cfg(test)]
mod tests_control;
#[cfg(test)]
mod tests_everywhere;
#[cfg(test)]
mod tests_hit;
#[cfg(test)]
mod tests_matrix;
#[cfg(test)]
mod tests_pictures;
#[cfg(test)]
mod tests_preview;
#[cfg(test)]
mod tests_rehearsal;
#[cfg(test)]
mod tests_run;
#[cfg(test)]
mod tests_sample;
#[cfg(test)]
mod tests_select;
#[cfg(test)]
mod tests_svg;
