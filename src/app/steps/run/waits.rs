//! What a running step waits for, and how far an index build is, in words.

use crate::model::activity::{Activity, Build, Wait};
use crate::model::connection::Side;
use crate::model::name::printable;
use crate::model::plan::StepId;

/// Something to say of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub words: String,
    /// Nothing moves until another session lets go.
    pub is_stuck: bool,
}

/// Nothing, where the servers have told nothing of it.
pub fn of(activity: &[Activity], step: StepId) -> Option<Told> {
    let own = || activity.iter().filter(|one| one.step == step);
    let on = |side: Side| own().find(|one| one.side == side).map(|one| &one.wait);
    let told = |words: String| Told {
        words,
        is_stuck: false,
    };
    let locked = own().find_map(|one| match &one.wait {
        Wait::Lock(holders) => Some((one.side, holders)),
        _ => None,
    });
    if let Some((side, holders)) = locked {
        let who = if holders.is_empty() {
            "another session".to_owned()
        } else {
            let names: Vec<_> = holders.iter().map(|one| printable(one)).collect();
            names.join(", ")
        };
        return Some(Told {
            words: format!("waits for a lock on the {side}, held by {who}"),
            is_stuck: true,
        });
    }
    if let Some(build) = own().find_map(|one| one.build.as_ref()) {
        return Some(told(progress(build)));
    }
    let words = match (on(Side::Source), on(Side::Destination)) {
        // Both ends wait for what lies between them.
        (Some(Wait::ToSend), Some(Wait::ToReceive)) => "waits for the network",
        (Some(Wait::ToSend) | None, Some(Wait::Wal)) => "waits for the destination's WAL",
        (_, Some(Wait::OtherServer)) => "waits for the source's rows",
        (Some(Wait::Disk), _) => "waits for the source's disk",
        (_, Some(Wait::ToReceive)) => "waits for the source",
        (Some(Wait::ToSend), _) => "waits for the destination",
        (_, Some(Wait::Disk)) => "waits for the destination's disk",
        (_, Some(Wait::Other(event))) | (Some(Wait::Other(event)), None) => {
            return Some(told(format!(
                "waits inside the server: {}",
                printable(event)
            )));
        }
        (_, Some(Wait::None)) => "the destination is computing",
        (Some(Wait::None), None) => "the source is computing",
        _ => return None,
    };
    Some(told(words.to_owned()))
}

/// `scans the table, 45 %`; phases that howdah does not know are left in the server's words.
fn progress(build: &Build) -> String {
    let phase = match build.phase.as_str() {
        "initializing" => "begins",
        "building index: scanning table" => "reads the table",
        "building index: sorting live tuples" => "sorts",
        "building index: loading tuples in tree" => "writes the index",
        other => &printable(other),
    };
    match crate::app::rate::percent(build.done, build.total) {
        Some(percent) => format!("{phase}, {percent} %"),
        None => phase.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(waits: &[(Side, Wait)]) -> Option<String> {
        let activity: Vec<_> = waits
            .iter()
            .map(|(side, wait)| Activity {
                step: StepId(7),
                side: *side,
                wait: wait.clone(),
                build: None,
            })
            .collect();
        assert_eq!(of(&activity, StepId(8)), None);
        of(&activity, StepId(7)).map(|told| told.words)
    }

    #[test]
    fn who_is_waited_for() {
        use Side::{Destination, Source};
        let words = |waits: &[(Side, Wait)]| told(waits).unwrap();
        assert_eq!(told(&[]), None);
        assert_eq!(
            words(&[(Source, Wait::ToSend), (Destination, Wait::None)]),
            "waits for the destination"
        );
        assert_eq!(
            words(&[(Source, Wait::None), (Destination, Wait::ToReceive)]),
            "waits for the source"
        );
        assert_eq!(
            words(&[(Source, Wait::ToSend), (Destination, Wait::ToReceive)]),
            "waits for the network"
        );
        let holder = "psql as ann in process 4711\u{1b}[2J".to_owned();
        assert_eq!(
            words(&[
                (Source, Wait::ToSend),
                (Destination, Wait::Lock(vec![holder]))
            ]),
            "waits for a lock on the destination, held by psql as ann in process 4711\\u{1b}[2J"
        );
    }

    #[test]
    fn how_far_an_index_is() {
        let build = |phase: &str, done, total| {
            progress(&Build {
                phase: phase.to_owned(),
                done,
                total,
            })
        };
        assert_eq!(
            build("building index: scanning table", 45, 100),
            "reads the table, 45 %"
        );
        assert_eq!(build("building index: sorting live tuples", 0, 0), "sorts");
        assert_eq!(
            build("waiting for old snapshots", 0, 0),
            "waiting for old snapshots"
        );
    }
}
