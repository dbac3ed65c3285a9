//! The wizard's heartbeat: keys, answers, signals and ticks in; frames and effects out.
//!
//! Messages are taken in batches and drawn together, so that a burst of events costs a few frames. While nothing happens
//! nothing is drawn, and nothing wakes up.

use std::io;
use std::time::{Duration, Instant};

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use crate::app::pointer::Gesture;
use crate::app::{Effect, Key, Msg, Now, State};
use crate::model::event::Stop;
use crate::model::problem::Problem;
use crate::settings::Environment;
use crate::signals::Signals;
use crate::ui::{self, theme::Theme};

use super::effects::Effects;
use super::interrupts::Interrupts;
use super::pace::Pace;
use super::terminal::Screen;
use super::{clipboard, crash, input, notify};

const TICK: Duration = Duration::from_millis(100);
/// The same where nothing on the screen is to turn.
const STILL_TICK: Duration = Duration::from_secs(1);

/// How often a program in the background looks whether the terminal is its own again.
const AWAY: Duration = Duration::from_millis(300);

/// Answers that may wait for the loop before tasks wait for it.
const ANSWER_QUEUE: usize = 1024;
const BATCH: usize = 256;

/// How long a run may clean up when the terminal is gone.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// How the wizard was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The wizard itself asked to be left.
    Quit,
    /// Three interrupts in a row: nothing was waited for.
    Hard,
}

/// Takes the terminal over until the wizard is left. To be called on the main thread: a panic there gives the terminal
/// back, one elsewhere becomes a message.
pub async fn run(
    state: &mut State,
    theme: &Theme,
    environment: Environment,
) -> Result<Leaving, Problem> {
    crash::install_hook();
    let screen = Screen::take().map_err(|error| {
        Problem::new("Could not open the wizard", error.to_string()).hint(
            "The wizard needs a terminal; without one, use howdah check, howdah plan and howdah run.",
        )
    })?;
    let (answers_in, mut answers) = mpsc::channel(ANSWER_QUEUE);
    let mut shell = Shell {
        state,
        theme,
        screen,
        effects: Effects::new(answers_in, environment),
        pace: Pace::new(),
        interrupts: Interrupts::default(),
        started: Instant::now(),
        has_wheeled: false,
    };
    match shell.run(&mut answers).await {
        Ok(leaving) => Ok(leaving),
        Err(error) => {
            shell.end_run(&mut answers).await;
            Err(Problem::new("The terminal is gone", error.to_string()))
        }
    }
}

struct Shell<'a> {
    state: &'a mut State,
    theme: &'a Theme,
    screen: Screen,
    effects: Effects,
    pace: Pace,
    interrupts: Interrupts,
    started: Instant,
    /// The wheel was turned since the last frame.
    has_wheeled: bool,
}

impl Shell<'_> {
    async fn run(&mut self, answers: &mut Receiver<Msg>) -> io::Result<Leaving> {
        // None while the terminal is another program's.
        let mut keys = Some(EventStream::new());
        let mut signals = Signals::listen();
        let mut resumed = resumed()?;
        let mut ticks = interval(if self.theme.is_still() {
            STILL_TICK
        } else {
            TICK
        });
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = interval(AWAY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);

        self.screen.capture_mouse(self.state.has_mouse)?;
        let (width, height) = self.screen.size()?;
        let mut leaving = self.tell(Msg::Resize { width, height })?;
        while leaving.is_none() {
            let due = match keys {
                Some(_) => self.draw_if_due()?,
                None => None,
            };
            leaving = tokio::select! {
                event = next_event(&mut keys) => match event {
                    Some(event) => {
                        let event = event?;
                        if is_suspend(&event) {
                            // Who types at the shell meanwhile must not be listened to.
                            keys = None;
                            if self.suspend(&mut resumed).await? {
                                keys = Some(EventStream::new());
                            }
                            None
                        } else {
                            self.input(event)?
                        }
                    }
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
                _ = answers.recv_many(&mut batch, BATCH) => {
                    let mut leaving = None;
                    for msg in batch.drain(..) {
                        leaving = leaving.or(self.tell(msg)?);
                    }
                    leaving
                }
                () = signals.next() => self.interrupt()?,
                _ = resumed.recv() => {
                    if self.come_back()? && keys.is_none() {
                        keys = Some(EventStream::new());
                    }
                    None
                }
                // A shell that brings back what already runs sends no signal.
                _ = looks.tick(), if keys.is_none() => {
                    if self.come_back()? {
                        keys = Some(EventStream::new());
                    }
                    None
                }
                _ = ticks.tick(), if self.state.wants_ticks() => {
                    let samples = self.effects.samples();
                    self.tell(Msg::Tick { samples })?
                }
                () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => None,
            };
        }
        Ok(leaving.unwrap_or(Leaving::Quit))
    }

    /// Draws now, or says when to; none when the screen shows everything.
    fn draw_if_due(&mut self) -> io::Result<Option<Instant>> {
        let instant = Instant::now();
        match self.pace.due(instant) {
            Some(due) if due <= instant => {
                let now = self.now();
                let (state, theme) = (&*self.state, self.theme);
                self.screen
                    .draw(|frame| ui::draw(state, now, frame, theme))?;
                self.pace.drawn(instant);
                self.has_wheeled = false;
                Ok(None)
            }
            later => Ok(later),
        }
    }

    fn now(&self) -> Now {
        Now(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn input(&mut self, event: Event) -> io::Result<Option<Leaving>> {
        if let Some((gesture, place)) = input::pointed(&event) {
            return self.point(gesture, place);
        }
        let Some(msg) = input::message(event) else {
            return Ok(None);
        };
        if let Msg::Key(key) = msg {
            if key != Key::ctrl('c') {
                self.interrupts.reset();
            } else if self.interrupts.another(Instant::now()) {
                return Ok(Some(Leaving::Hard));
            }
        }
        self.tell(msg)
    }

    /// A wheel that is turned fast, or a link that is slow, brings many events at once: one per frame counts.
    fn point(&mut self, gesture: Gesture, place: (u16, u16)) -> io::Result<Option<Leaving>> {
        let is_wheel = gesture != Gesture::Click;
        if is_wheel && std::mem::replace(&mut self.has_wheeled, true) {
            return Ok(None);
        }
        match ui::hit::target(self.state, place, self.theme) {
            Some(target) => self.tell(Msg::Pointer { gesture, target }),
            None => Ok(None),
        }
    }

    fn interrupt(&mut self) -> io::Result<Option<Leaving>> {
        if self.interrupts.another(Instant::now()) {
            return Ok(Some(Leaving::Hard));
        }
        self.tell(Msg::Interrupt { is_final: false })
    }

    /// Lets the wizard hear a message and does what it asks for.
    fn tell(&mut self, msg: Msg) -> io::Result<Option<Leaving>> {
        self.effects.heard(&msg);
        self.pace.changed();
        let now = self.now();
        let mut effects = self.state.update(msg, now);
        let mut leaving = None;
        while let Some(effect) = (!effects.is_empty()).then(|| effects.remove(0)) {
            match effect {
                Effect::Quit => leaving = Some(Leaving::Quit),
                Effect::CaptureMouse(is_on) => self.screen.capture_mouse(is_on)?,
                Effect::Bell => self.screen.bell()?,
                // A terminal of few abilities might print it.
                Effect::Notify(text) if self.theme.is_rich() => {
                    self.screen.send(&notify::osc9(&text))?;
                }
                Effect::CopyText { what, text } => {
                    self.screen.send(&clipboard::osc52(&text))?;
                    effects.extend(self.state.update(Msg::Copied { what }, now));
                }
                effect => self.effects.start(effect),
            }
        }
        Ok(leaving)
    }

    /// Stops the whole process group, as a terminal does for other programs: `cargo run` must stop too, or the user's shell
    /// would not notice. A run stands still while all stands still; the shell's `bg` lets it go on without the screen, and `fg`
    /// brings that back. False: the terminal is not ours yet.
    async fn suspend(&mut self, resumed: &mut Resumed) -> io::Result<bool> {
        use nix::sys::signal::{Signal, kill};
        use nix::unistd::Pid;
        self.screen.give_back();
        kill(Pid::from_raw(0), Signal::SIGTSTP)?;
        // The signal takes a moment to stop us; where nobody could wake us again, the system ignores it.
        let _or_ignored = timeout(Duration::from_millis(300), resumed.recv()).await;
        self.come_back()
    }

    /// Takes the terminal again, if it is ours: in the background a program that touches it is stopped.
    fn come_back(&mut self) -> io::Result<bool> {
        let is_ours = nix::unistd::tcgetpgrp(io::stdin())? == nix::unistd::getpgrp();
        if is_ours {
            self.screen.take_again()?;
            self.pace.changed();
        }
        Ok(is_ours)
    }

    /// The terminal is gone, so no one can be asked: a run is cancelled and may clean up.
    async fn end_run(&mut self, answers: &mut Receiver<Msg>) {
        self.effects.stop_run(Stop::Now);
        let finish = async {
            while self.effects.is_running() {
                match answers.recv().await {
                    Some(msg) => self.effects.heard(&msg),
                    None => break,
                }
            }
        };
        let _in_time = timeout(LAST_WORDS, finish).await;
    }
}

type Resumed = tokio::signal::unix::Signal;

/// SIGCONT: after a suspension by Ctrl-Z, or by another process, the screen is someone else's.
fn resumed() -> io::Result<Resumed> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::from_raw(nix::libc::SIGCONT))
}

/// Never comes while the terminal is another program's.
async fn next_event(keys: &mut Option<EventStream>) -> Option<io::Result<Event>> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

fn is_suspend(event: &Event) -> bool {
    matches!(input::message(event.clone()), Some(Msg::Key(key)) if key == Key::ctrl('z'))
}
