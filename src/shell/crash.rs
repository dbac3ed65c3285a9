//! What a panic does: on the thread that draws, it gives the terminal back and is printed; on any other, it must not touch the
//! screen, which lives on. There it is kept, and whoever waited for the task gets it as a [`Problem`].

use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::model::problem::Problem;

use super::terminal;

/// Text of the last panic beside the drawing thread. Global because the panic hook is.
static LAST: Mutex<Option<String>> = Mutex::new(None);

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
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(info.to_string());
        }
    }));
}

/// A task ended without an answer: by its panic, if one was kept.
pub(super) fn problem(what: &str) -> Problem {
    let told = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
    Problem::new(
        what,
        told.unwrap_or_else(|| "the task ended without an answer".to_owned()),
    )
    .hint("This is a mistake in howdah, not in the database; report it with the text above.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_elsewhere_is_kept_and_told_once() {
        install_hook();
        let ended = thread::spawn(|| panic!("lost a row")).join();
        assert!(ended.is_err());
        let problem = problem("Could not make the plan");
        assert!(problem.message.contains("lost a row"), "{problem}");
        assert!(
            super::problem("again")
                .message
                .contains("without an answer")
        );
    }
}
