//! What a panic does: on the thread that draws, it gives the terminal back and is printed; on any other, it must not touch the
//! screen, which lives on. There it is kept, and whoever waited for the task gets it as a [`Problem`].

use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::model::problem::Problem;

use super::terminal;

/// The last panic beside the drawing thread. Global because the panic hook is.
static LAST: Kept = Kept(Mutex::new(None));

struct Kept(Mutex<Option<String>>);

impl Kept {
    fn put(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// Each panic is told once.
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// To be called once, by the thread that draws.
pub(super) fn install_hook() {
    let drawing_thread = thread::current().id();
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == drawing_thread {
            terminal::give_back();
            print(info);
        } else {
            tracing::error!("{info}");
            LAST.put(info.to_string());
        }
    }));
}

/// A task ended without an answer: by its panic, if one was kept.
pub(super) fn problem(what: &str) -> Problem {
    let told = LAST.take();
    Problem::new(
        what,
        told.unwrap_or_else(|| "the task ended without an answer".to_owned()),
    )
    .hint("This is a bug in howdah, not in the database; report it with the text above.")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The hook itself is left alone: it would swallow what other failing tests print.
    #[test]
    fn a_panic_is_told_once() {
        let kept = Kept(Mutex::new(None));
        kept.put("lost a row".to_owned());
        assert_eq!(kept.take().as_deref(), Some("lost a row"));
        assert_eq!(kept.take(), None);
    }
}
