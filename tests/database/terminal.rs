//! A person at a terminal: the real program in a pseudo-terminal, keys in, screens out. Waits for what is to be seen, never for
//! a time.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Long enough for a slow machine; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _own: tempfile::TempDir,
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    is_closed: bool,
    /// Nothing is read for now: what the program writes piles up, as over a link that hangs.
    is_held: bool,
}

/// Every check has ended well, and keys are heard again.
pub(crate) fn is_checked(screen: &str) -> bool {
    let is_fine = ["╭ 18 fine ─", "+ 18 fine -"].map(|all| screen.contains(all));
    is_fine.contains(&true) && !screen.contains("Esc cancels")
}

impl Terminal {
    /// Starts howdah with these arguments.
    pub(crate) fn start(arguments: &[&str], width: u16, height: u16) -> Self {
        Self::start_at(arguments, None, width, height)
    }

    /// The same, at home in this directory.
    pub(crate) fn start_at(
        arguments: &[&str],
        home: Option<&Path>,
        width: u16,
        height: u16,
    ) -> Self {
        Self::start_with(arguments, home, &[], width, height)
    }

    /// The same, with these variables.
    pub(crate) fn start_with(
        arguments: &[&str],
        home: Option<&Path>,
        variables: &[(&str, &str)],
        width: u16,
        height: u16,
    ) -> Self {
        let size = PtySize {
            rows: height,
            cols: width,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_howdah"));
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        // What the wizard remembers is no business of the next test, nor of who runs it.
        let own = tempfile::tempdir().unwrap();
        command.env("XDG_STATE_HOME", own.path());
        if let Some(home) = home {
            command.cwd(home);
            for (name, value) in surroundings(home) {
                command.env(name, value);
            }
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(height, width, 0);
        let seen = Arc::new((
            Mutex::new(Seen {
                screen,
                raw: Vec::new(),
                is_closed: false,
                is_held: false,
            }),
            Condvar::new(),
        ));
        let writer = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let mut seen = writer.0.lock().unwrap();
                while seen.is_held {
                    seen = writer.1.wait(seen).unwrap();
                }
                drop(seen);
                let count = output.read(&mut buffer).unwrap_or(0);
                let mut seen = writer.0.lock().unwrap();
                seen.screen.process(&buffer[..count]);
                seen.raw.extend_from_slice(&buffer[..count]);
                seen.is_closed = count == 0;
                writer.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self {
            child,
            master: pair.master,
            keys,
            seen,
            _own: own,
        }
    }

    /// Stops reading what the program writes, or goes on.
    pub(crate) fn hold(&self, is_held: bool) {
        self.seen.0.lock().unwrap().is_held = is_held;
        self.seen.1.notify_all();
    }

    pub(crate) fn screen(&self) -> String {
        self.seen.0.lock().unwrap().screen.screen().contents()
    }

    /// Every byte the program ever wrote.
    pub(crate) fn everything(&self) -> String {
        String::from_utf8_lossy(&self.seen.0.lock().unwrap().raw).into_owned()
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn wait(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// All checks are fine, and they are over: a key before that is told to wait.
    #[track_caller]
    pub(crate) fn wait_until_checked(&self) {
        self.wait_until("the end of the checks", is_checked);
    }

    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            let screen = seen.screen.screen().contents();
            if (seen.is_closed || is_whole(&seen.raw)) && is_so(&screen) {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            if seen.is_closed || left.is_zero() {
                let how = if seen.is_closed {
                    "ended without showing"
                } else {
                    "never showed"
                };
                // Let go first: the reading thread still needs it.
                drop(seen);
                panic!("{how} {what}:\n{screen}");
            }
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&self, width: u16, height: u16) {
        let size = PtySize {
            rows: height,
            cols: width,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.seen
            .0
            .lock()
            .unwrap()
            .screen
            .screen_mut()
            .set_size(height, width);
        self.master.resize(size).unwrap();
    }

    /// Waits for the end; the terminal must be as it was found.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> u32 {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "does not end:\n{}", self.screen());
            std::thread::yield_now();
        };
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.is_closed {
            seen = self.seen.1.wait_timeout(seen, PATIENCE).unwrap().0;
        }
        let screen = seen.screen.screen();
        assert!(
            !screen.alternate_screen(),
            "the alternate screen was left on"
        );
        assert!(!screen.hide_cursor(), "the cursor was left hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste was left on");
        let mouse = screen.mouse_protocol_mode();
        assert_eq!(
            mouse,
            vt100::MouseProtocolMode::None,
            "the mouse was left on"
        );
        status.exit_code()
    }
}

/// Variables that make a program leave all its files in one directory, and say all it can.
pub(crate) fn surroundings(home: &Path) -> [(&'static str, PathBuf); 9] {
    [
        ("HOME", home.to_owned()),
        ("TMPDIR", home.to_owned()),
        ("XDG_CONFIG_HOME", home.join("config")),
        ("XDG_DATA_HOME", home.join("data")),
        ("XDG_STATE_HOME", home.join("state")),
        ("XDG_CACHE_HOME", home.join("cache")),
        ("XDG_RUNTIME_DIR", home.join("runtime")),
        ("RUST_LOG", "trace".into()),
        ("RUST_BACKTRACE", "full".into()),
    ]
}

impl Drop for Terminal {
    /// A failed test must leave no program behind.
    fn drop(&mut self) {
        self.hold(false);
        let _gone = self.child.kill();
    }
}

/// Not in the middle of a frame: its rows come one by one, and keys pressed at half of it may come too early. A frame ends with
/// the cursor hidden, or shown and moved; nothing to be seen may follow.
fn is_whole(raw: &[u8]) -> bool {
    const CURSOR: &[u8] = b"\x1b[?25";
    let Some(at) = raw.windows(CURSOR.len()).rposition(|bytes| bytes == CURSOR) else {
        return true;
    };
    let mut rest = raw[at..].iter();
    while let Some(byte) = rest.next() {
        match byte {
            0x1b => match rest.next() {
                Some(b'[') if rest.any(|byte| (0x40..0x7f).contains(byte)) => {}
                Some(b']') if rest.any(|byte| *byte == 0x07 || *byte == b'\\') => {}
                _ => return false,
            },
            0x20.. => return false,
            _ => {}
        }
    }
    true
}

#[test]
fn a_frame_is_whole_when_nothing_to_be_seen_follows_its_cursor() {
    for whole in [
        "before the first",
        "\x1b[2;3Htext\x1b[?25l",
        "a\x1b[?25h\x1b[7;9H",
        "a\x1b[?25l\x07\x1b]9;done\x1b\\",
    ] {
        assert!(is_whole(whole.as_bytes()), "{whole:?}");
    }
    for half in [
        "a\x1b[?25l\x1b[2;3Ht",
        "a\x1b[?25l\x1b[2;",
        "a\x1b[?25l\x1b",
        "a\x1b[?25",
    ] {
        assert!(!is_whole(half.as_bytes()), "{half:?}");
    }
}
