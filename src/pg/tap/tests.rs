//! The tap over a stream in memory: nothing is lost, doubled or misplaced, however the bytes come.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap();
    [&[tag], &length.to_be_bytes()[..], body].concat()
}

fn on_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the sizes of rows and of what arrives at a time: the frames leave in order, all else reaches the driver.
    #[test]
    fn frames_leave_and_the_rest_stays(
        rows in prop::collection::vec(0_usize..700_000, 0..12),
        small in 0_usize..400,
        pipe_size in 1_usize..300_000,
    ) {
        let sizes = rows.into_iter().chain((0..small).map(|n| n % 97));
        let frames: Vec<u8> = sizes
            .enumerate()
            .flat_map(|(n, size)| message(b'd', &vec![u8::try_from(n % 251).unwrap(); size]))
            .collect();
        let before = message(b'H', &[0, 0, 0]);
        let after = [message(b'c', &[]), message(b'C', b"COPY 42\0"), message(b'Z', b"I")].concat();
        let (left, driver, passed) = on_runtime(async {
            let (mut server, client) = duplex(pipe_size);
            let tap = Tap::default();
            let mut session = Tapped::new(client, tap.clone());
            let (sender, mut receiver) = channel();
            let passed = Arc::new(Passed::default());
            tap.divert(sender, Arc::clone(&passed));
            let sent = [before.as_slice(), &frames, &after].concat();
            let serving = async move { server.write_all(&sent).await.unwrap() };
            let mut driver = Vec::new();
            let driving = session.read_to_end(&mut driver);
            let mut left = Vec::new();
            let taking = async {
                while let Some(stretch) = receiver.recv().await {
                    left.extend_from_slice(&stretch.bytes);
                }
            };
            let ((), read, ()) = tokio::join!(serving, driving, taking);
            read.unwrap();
            (left, driver, passed)
        });
        prop_assert!(left == frames);
        prop_assert_eq!(driver, [before, after].concat());
        prop_assert_eq!(passed.rows.load(Ordering::Relaxed), 42);
    }

    /// A server's refusal is heard however its messages are cut to pieces.
    #[test]
    fn a_refusal_is_heard(notices in 0_usize..4, cut in 1_usize..9, refuses in any::<bool>()) {
        let mut said: Vec<u8> = (0..notices).flat_map(|n| message(b'N', &vec![b'E'; n * 7])).collect();
        if refuses {
            said.extend(message(b'E', b"SERROR\0"));
        }
        let mut answer = Answer::default();
        let heard = said.chunks(cut).fold(false, |heard, piece| answer.has_error(piece) | heard);
        prop_assert_eq!(heard, refuses);
    }
}

/// What a COPY shows of its rows before the server has told their number.
fn rows_shown(format: u8, frames: &[&[u8]]) -> u64 {
    let answer = message(b'H', &[format, 0, 1, 0, format]);
    let data = frames.iter().flat_map(|frame| message(b'd', frame));
    let sent: Vec<u8> = answer.into_iter().chain(data).collect();
    on_runtime(async {
        // The answer comes in two pieces.
        let (mut server, client) = duplex(7);
        let tap = Tap::default();
        let mut session = Tapped::new(client, tap.clone());
        let (sender, mut receiver) = channel();
        let passed = Arc::new(Passed::default());
        tap.divert(sender, Arc::clone(&passed));
        let serving = async move {
            server.write_all(&sent).await.unwrap();
        };
        let mut driver = Vec::new();
        let taking = async { while receiver.recv().await.is_some() {} };
        let ((), read, ()) = tokio::join!(serving, session.read_to_end(&mut driver), taking);
        read.unwrap();
        passed.rows_so_far()
    })
}

#[test]
fn the_binary_trailer_is_no_row() {
    const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    const ROW: &[u8] = b"\0\x01\0\0\0\x01x";
    const TRAILER: &[u8] = b"\xff\xff";
    let first = [HEADER, ROW].concat();
    assert_eq!(rows_shown(1, &[&first, ROW, ROW, TRAILER]), 3);
    // Without rows both stand in one frame.
    assert_eq!(rows_shown(1, &[&[HEADER, TRAILER].concat()]), 0);
    assert_eq!(rows_shown(0, &[b"x\n", b"y\n"]), 2);
}

/// After a frame that is not whole nothing else may be said: the server would take it for the row's rest.
#[test]
fn a_row_that_was_cut_off_breaks_the_session() {
    on_runtime(async {
        let (mut server, client) = duplex(1024);
        let tap = Tap::default();
        let mut session = Tapped::new(client, tap.clone());
        let (sender, receiver) = channel();
        let whether_all = tap.inject(receiver);
        let half = Stretch {
            bytes: Bytes::from_static(b"d\0\0\0\x64half"),
            is_whole: false,
        };
        sender.send(half).await.unwrap();
        drop(sender);
        let mut got = [0; 9];
        let mut nothing = [0; 1];
        let (read, _) = tokio::join!(server.read_exact(&mut got), async {
            tokio::time::timeout(
                std::time::Duration::from_secs(5),
                session.read(&mut nothing),
            )
            .await
        });
        read.unwrap();
        assert!(!whether_all.await.unwrap());
        assert!(session.write_all(b"f").await.is_err());
    });
}

/// It has taken all that came so far, the next row is yet to come, and the server is gone: who waits must not wait for ever.
#[test]
fn a_server_that_goes_away_between_two_rows_is_told_to_both_ends() {
    on_runtime(async {
        let (server, client) = duplex(1024);
        let tap = Tap::default();
        let mut session = Tapped::new(client, tap.clone());
        let (sender, receiver) = channel();
        let whether_all = tap.inject(receiver);
        drop(server);
        let mut heard = Vec::new();
        // The driver sees the end, as ever.
        assert_eq!(session.read_to_end(&mut heard).await.unwrap_or(0), 0);
        let soon = std::time::Duration::from_secs(5);
        let all = tokio::time::timeout(soon, whether_all).await;
        assert!(!all.expect("the end is not told").unwrap_or(false));
        assert!(sender.is_closed(), "rows would still be taken");
    });
}

/// The session may be over before the COPY's data are taken off it: its driver has gone, and nobody else would ever answer.
#[test]
fn a_session_that_is_over_takes_and_gives_no_rows() {
    on_runtime(async {
        let soon = std::time::Duration::from_secs(5);
        let (_server, client) = duplex(1024);
        let tap = Tap::default();
        drop(Tapped::new(client, tap.clone()));

        let (sender, receiver) = channel();
        let whether_all = tap.inject(receiver);
        let all = tokio::time::timeout(soon, whether_all).await;
        assert!(!all.expect("the end is not told").unwrap_or(false));
        assert!(sender.is_closed(), "rows would still be taken");

        let (sender, mut receiver) = channel();
        tap.divert(sender, Arc::default());
        let rows = tokio::time::timeout(soon, receiver.recv()).await;
        assert!(rows.expect("the end is not told").is_none());
    });
}

/// The same when it ends while rows are on their way.
#[test]
fn a_session_that_ends_lets_go_of_the_rows() {
    on_runtime(async {
        let soon = std::time::Duration::from_secs(5);
        let (_server, client) = duplex(1024);
        let tap = Tap::default();
        let session = Tapped::new(client, tap.clone());
        let (sender, receiver) = channel();
        let whether_all = tap.inject(receiver);
        drop(session);
        let all = tokio::time::timeout(soon, whether_all).await;
        assert!(!all.expect("the end is not told").unwrap_or(false));
        assert!(sender.is_closed(), "rows would still be taken");
    });
}
