//! A frame as an SVG: the picture that the README shows.
//!
//! Letters are text, so that it can be read aloud, searched and copied; each run of them is pressed into its cells, whatever font
//! the reader has. Frames and bars are drawn, so that no font leaves gaps in them. One dark set of colours: an image does not learn
//! which colours the page around it has.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

const CELL_WIDTH: usize = 9;
const CELL_HEIGHT: usize = 19;
const MARGIN: usize = 14;
/// From the top of a cell to the line its letters stand on.
const BASELINE: usize = 14;

const BACKGROUND: &str = "#161b22";
const EDGE: &str = "#3d444d";
const FOREGROUND: &str = "#e6edf3";

fn paint(color: Color) -> &'static str {
    match color {
        Color::Cyan => "#56d4dd",
        Color::DarkGray => "#6e7681",
        Color::Green => "#56d364",
        Color::Yellow => "#e3b341",
        Color::Red => "#ff7b72",
        Color::Blue => "#79c0ff",
        Color::Magenta => "#d2a8ff",
        Color::Reset => FOREGROUND,
        other => panic!("no paint for {other}"),
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Look {
    fill: &'static str,
    is_bold: bool,
    is_dim: bool,
    is_reversed: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let has = |modifier| cell.modifier.contains(modifier);
        assert_eq!(cell.bg, Color::Reset, "no picture was made of a background");
        Self {
            fill: paint(cell.fg),
            is_bold: has(Modifier::BOLD),
            is_dim: has(Modifier::DIM),
            is_reversed: has(Modifier::REVERSED),
        }
    }

    /// The attributes by which it differs from plain text.
    fn attributes(self) -> String {
        let mut text = String::new();
        let fill = if self.is_reversed {
            BACKGROUND
        } else {
            self.fill
        };
        if fill != FOREGROUND {
            text.push_str(&format!(" fill=\"{fill}\""));
        }
        if self.is_bold {
            text.push_str(" font-weight=\"bold\"");
        }
        if self.is_dim {
            text.push_str(" opacity=\".65\"");
        }
        text
    }
}

pub(super) fn svg(buffer: &Buffer, title: &str) -> String {
    let columns = usize::from(buffer.area.width);
    let rows = usize::from(buffer.area.height);
    let width = columns * CELL_WIDTH + 2 * MARGIN;
    let height = rows * CELL_HEIGHT + 2 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>{}</title>\n\
         <rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"{BACKGROUND}\" stroke=\"{EDGE}\"/>\n\
         <g transform=\"translate({MARGIN} {MARGIN})\" fill=\"{FOREGROUND}\" font-size=\"15\" \
         font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace\">\n",
        escaped(title),
        width - 1,
        height - 1,
    );
    for (row, cells) in buffer.content().chunks(columns).enumerate() {
        draw_row(&mut out, row * CELL_HEIGHT, cells);
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Cell by cell what stands there; the second half of a wide character is not told.
fn symbols(cells: &[Cell]) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut found = Vec::new();
    while let Some(cell) = cells.get(at) {
        found.push((at, cell.symbol()));
        at += cell.symbol().width().max(1);
    }
    found
}

fn draw_row(out: &mut String, top: usize, cells: &[Cell]) {
    let mut start = 0;
    while start < cells.len() {
        let look = Look::of(&cells[start]);
        let length = cells[start..]
            .iter()
            .take_while(|cell| Look::of(cell) == look)
            .count();
        draw_run(out, top, start, &cells[start..start + length], look);
        start += length;
    }
}

/// Cells of one look: what is drawn as lines and boxes, then words.
fn draw_run(out: &mut String, top: usize, first: usize, cells: &[Cell], look: Look) {
    if look.is_reversed {
        let (x, width) = (first * CELL_WIDTH, cells.len() * CELL_WIDTH);
        let fill = look.fill;
        writeln!(
            out,
            "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{CELL_HEIGHT}\" fill=\"{fill}\"/>"
        )
        .unwrap();
    }
    let mut lines = String::new();
    let mut boxes: Vec<(usize, usize, usize, &str)> = Vec::new();
    let mut words: Vec<(usize, usize, String)> = Vec::new();
    for (at, symbol) in symbols(cells) {
        let column = first + at;
        if symbol.trim().is_empty() {
            continue;
        }
        if let Some(path) = line(symbol, column * CELL_WIDTH, top) {
            lines.push_str(&path);
        } else if let Some((height, opacity)) = block(symbol) {
            match boxes.last_mut() {
                Some((from, count, high, see))
                    if *from + *count == column && *high == height && *see == opacity =>
                {
                    *count += 1;
                }
                _ => boxes.push((column, 1, height, opacity)),
            }
        } else {
            let width = symbol.width();
            match words.last_mut() {
                // One space belongs to the words around it; wide characters keep to their own cells.
                Some((from, count, text))
                    if column - (*from + *count) <= 1
                        && width == 1
                        && text.width() == text.chars().count() =>
                {
                    if column > *from + *count {
                        text.push(' ');
                    }
                    text.push_str(symbol);
                    *count = column + 1 - *from;
                }
                _ => words.push((column, width, symbol.to_owned())),
            }
        }
    }
    if !lines.is_empty() {
        let dim = if look.is_dim { " opacity=\".65\"" } else { "" };
        writeln!(
            out,
            "<path d=\"{lines}\" fill=\"none\" stroke=\"{}\"{dim}/>",
            look.fill
        )
        .unwrap();
    }
    for (column, count, height, opacity) in boxes {
        let (x, width) = (column * CELL_WIDTH, count * CELL_WIDTH);
        let y = top + CELL_HEIGHT - 1 - height;
        writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{}{opacity}/>",
            look.attributes()
        )
        .unwrap();
    }
    for (column, count, text) in words {
        let (x, y) = (column * CELL_WIDTH, top + BASELINE);
        // A single character has nothing to be pressed.
        let length = match count {
            1 => String::new(),
            _ => format!(
                " textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"",
                count * CELL_WIDTH
            ),
        };
        writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\"{length}{}>{}</text>",
            look.attributes(),
            escaped(&text)
        )
        .unwrap();
    }
}

/// The frames of panels, as lines through the middle of their cells.
fn line(symbol: &str, x: usize, y: usize) -> Option<String> {
    let (right, bottom) = (x + CELL_WIDTH, y + CELL_HEIGHT);
    // On half a pixel a line of one pixel is sharp.
    let (middle, half) = (format!("{}.5", x + 4), format!("{}.5", y + 9));
    Some(match symbol {
        "─" => format!("M{x} {half}H{right}"),
        "│" => format!("M{middle} {y}V{bottom}"),
        "╭" => format!("M{middle} {bottom}Q{middle} {half} {right} {half}"),
        "╮" => format!("M{x} {half}Q{middle} {half} {middle} {bottom}"),
        "╰" => format!("M{middle} {y}Q{middle} {half} {right} {half}"),
        "╯" => format!("M{x} {half}Q{middle} {half} {middle} {y}"),
        _ => return None,
    })
}

/// Height of a bar's column, and how much it lets through.
fn block(symbol: &str) -> Option<(usize, &'static str)> {
    const EIGHTHS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const FULL: usize = CELL_HEIGHT - 4;
    if symbol == "░" {
        return Some((FULL, " fill-opacity=\".22\""));
    }
    let level = EIGHTHS.iter().position(|eighth| *eighth == symbol)?;
    Some((FULL * (level + 1) / 8, ""))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[test]
fn each_run_keeps_to_its_cells() {
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    let mut buffer = Buffer::empty(Rect::new(0, 0, 16, 1));
    buffer.set_string(0, 0, "a <b>  顧客 x│", Style::new());
    buffer.set_string(14, 0, "█░", Style::new().fg(Color::Red));
    let picture = svg(&buffer, "A & B");
    for expected in [
        "<title>A &amp; B</title>",
        "<text x=\"0\" y=\"14\" textLength=\"45\" lengthAdjust=\"spacingAndGlyphs\">a &lt;b&gt;</text>",
        "<text x=\"63\" y=\"14\" textLength=\"18\" lengthAdjust=\"spacingAndGlyphs\">顧</text>",
        "<text x=\"81\" y=\"14\" textLength=\"18\" lengthAdjust=\"spacingAndGlyphs\">客</text>",
        "<text x=\"108\" y=\"14\">x</text>",
        "<path d=\"M121.5 0V19\"",
        "<rect x=\"126\" y=\"3\" width=\"9\" height=\"15\" fill=\"#ff7b72\"/>",
        "fill=\"#ff7b72\" fill-opacity=\".22\"/>",
    ] {
        assert!(picture.contains(expected), "{expected} in {picture}");
    }
}

#[test]
fn modifiers_are_seen() {
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 1));
    buffer.set_string(0, 0, "one", Style::new().add_modifier(Modifier::BOLD));
    buffer.set_string(3, 0, "two", Style::new().add_modifier(Modifier::DIM));
    buffer.set_string(6, 0, "six", Style::new().add_modifier(Modifier::REVERSED));
    let picture = svg(&buffer, "");
    assert!(picture.contains("font-weight=\"bold\">one<"), "{picture}");
    assert!(picture.contains("opacity=\".65\">two<"), "{picture}");
    let reversed = format!("width=\"27\" height=\"19\" fill=\"{FOREGROUND}\"/>");
    assert!(picture.contains(&reversed), "{picture}");
    assert!(
        picture.contains(&format!("fill=\"{BACKGROUND}\">six<")),
        "{picture}"
    );
}
