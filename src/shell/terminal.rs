//! Taking the terminal over and giving it back as it was, whatever happens in between.
//!
//! `Terminal::clear` is never called: it asks the terminal where the cursor is, and one that does not answer costs two seconds.

use std::io::{self, IsTerminal as _, Stdout, Write as _, stdin, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// Whether the terminal is ours now. Global because there is one terminal, and the panic hook must know.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the terminal tells us of the mouse; global for the same reason.
static HAS_MOUSE: AtomicBool = AtomicBool::new(false);

/// Buttons and wheel with columns beyond 223, but no movement: that would be a flood over a slow link.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1000l";

/// The whole terminal, until dropped.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    wants_mouse: bool,
}

impl Screen {
    /// Fails where there is no terminal.
    pub fn take() -> io::Result<Self> {
        if !stdin().is_terminal() || !stdout().is_terminal() {
            return Err(io::Error::other(
                "standard input and output are not a terminal",
            ));
        }
        take()?;
        Ok(Self {
            terminal: Terminal::new(CrosstermBackend::new(stdout()))
                .inspect_err(|_| give_back())?,
            wants_mouse: false,
        })
    }

    /// Takes it again after [`Screen::give_back`], or after another program drew on it.
    pub fn take_again(&mut self) -> io::Result<()> {
        take()?;
        // A new one knows that the screen is empty and paints everything.
        self.terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        self.capture_mouse(self.wants_mouse)
    }

    /// Wheel and clicks become events, or are the terminal's own again.
    pub fn capture_mouse(&mut self, is_on: bool) -> io::Result<()> {
        self.wants_mouse = is_on;
        if is_on == HAS_MOUSE.swap(is_on, Ordering::SeqCst) {
            return Ok(());
        }
        self.send(if is_on { MOUSE_ON } else { MOUSE_OFF })
    }

    pub fn give_back(&mut self) {
        give_back();
    }

    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(view).map(|_| ())
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    pub fn bell(&mut self) -> io::Result<()> {
        self.send(b"\x07")
    }

    /// Bytes for the terminal itself that put nothing on the screen.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = stdout();
        out.write_all(bytes)?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()
        .and_then(|()| {
            execute!(
                stdout(),
                EnterAlternateScreen,
                Clear(ClearType::All),
                EnableBracketedPaste
            )
        })
        .inspect_err(|_| give_back())
}

/// Undoes everything [`take`] and drawing did; does nothing when it is undone already.
pub(super) fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // Nobody is left to hear of a failure, and each step is worth trying alone.
        if HAS_MOUSE.swap(false, Ordering::SeqCst) {
            let _mouse = stdout().write_all(MOUSE_OFF);
        }
        let _raw_mode = disable_raw_mode();
        let _screen = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    }
}
