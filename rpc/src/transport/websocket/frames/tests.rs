//! Frames in, messages and control frames out.

use std::io::Write as _;

use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::Control;

use super::{BufferBudget, CloseCode, Data, FrameHeader, Frames, OpCode, Piece, Share};

/// Returns a masked frame, as a client sends it.
fn masked(text: &[u8], opcode: OpCode, last: bool) -> Vec<u8> {
    let mut header = FrameHeader::default();
    (header.is_final, header.opcode, header.mask) = (last, opcode, Some([1, 2, 3, 4]));
    let frame = Frame::from_payload(header, text.to_vec().into());
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes
}

/// Feeds the input in pieces of `step` bytes; returns what it yields, and what goes back.
fn split(input: &[u8], step: usize, limit: usize) -> (Vec<String>, Vec<u8>) {
    let mut frames = Frames::new(limit, None);
    let mut pieces = Vec::new();
    for mut chunk in input.chunks(step) {
        while !chunk.is_empty() {
            let mut space = frames.space();
            let count = space.write(chunk).unwrap();
            frames.filled(count);
            chunk = &chunk[count..];
            while let Some(piece) = frames.next_piece() {
                match piece {
                    Piece::Text(text) => {
                        pieces.push(String::from_utf8(text.to_vec()).unwrap());
                    }
                    Piece::Binary(bytes) => pieces.push(format!("{:?}", &*bytes)),
                    Piece::Over(None) => pieces.push("closed".to_owned()),
                    Piece::Over(Some(code)) => {
                        pieces.push(format!("broken {}", u16::from(code)));
                        return (pieces, frames.replies.clone());
                    }
                }
            }
            frames.wipe_handled();
        }
    }
    assert_eq!(frames.buffer.len(), super::CHUNK);
    (pieces, frames.replies.clone())
}

const TEXT: OpCode = OpCode::Data(Data::Text);
const MORE: OpCode = OpCode::Data(Data::Continue);

#[test]
fn messages_come_out_whole_however_they_arrive() {
    let long = "x".repeat(40_000);
    let input = [
        masked(b"{1}", TEXT, true),
        masked(b"{2", TEXT, false),
        masked(b"ping", OpCode::Control(Control::Ping), true),
        masked(b",3}", MORE, true),
        masked(long.as_bytes(), TEXT, true),
        masked(b"", TEXT, true),
        masked(b"\x00\xff", OpCode::Data(Data::Binary), true),
        masked(b"{4}", TEXT, true),
    ]
    .concat();
    for step in [1, 2, 7, 1000, 100_000] {
        let (pieces, replies) = split(&input, step, 50_000);
        assert_eq!(
            pieces,
            ["{1}", "{2,3}", &long, "", "[0, 255]", "{4}"],
            "{step}"
        );
        assert_eq!(replies, b"\x8a\x04ping", "{step}");
    }
}

/// Passes the beginning of a message on.
fn begin(frames: &mut Frames, input: &[u8]) -> Option<Piece> {
    for mut chunk in input.chunks(1000) {
        let count = frames.space().write(chunk).unwrap();
        frames.filled(count);
        chunk = &chunk[count..];
        assert!(chunk.is_empty());
        let piece = frames.next_piece();
        if piece.is_some() {
            return piece;
        }
        frames.wipe_handled();
    }
    None
}

#[test]
fn a_message_without_room_in_the_budget_ends_the_connection() {
    let whole = [masked(&[b'x'; 300_000], TEXT, true)];
    let fragments = [200_000, 50_000].map(|length| masked(&vec![b'x'; length], MORE, false));
    let fragments = [&masked(b"x", TEXT, false)[..], &fragments.concat()].concat();
    for (input, kept) in [(whole.concat(), 300_000), (fragments, 250_000 + 200_000)] {
        for (most, is_refused) in [(kept + 10_000, false), (kept - 20_000, true)] {
            let budget = BufferBudget::sized(most, 0);
            let mut frames = Frames::new(1 << 20, Some(budget));
            let piece = begin(&mut frames, &input[..input.len() - 1]);
            let ended = matches!(piece, Some(Piece::Over(Some(CloseCode::Again))));
            assert_eq!(ended, is_refused, "{most}");
            assert_eq!(frames.share().is_held(), !is_refused, "{most}");
        }
    }
}

#[test]
fn a_message_that_is_evicted_ends_the_connection() {
    for input in [
        masked(&[b'x'; 300_000], TEXT, true)[..200_000].to_vec(),
        masked(&[b'x'; 100_000], TEXT, false),
    ] {
        let budget = BufferBudget::sized(350_000, 0);
        let mut frames = Frames::new(1 << 20, Some(budget.clone()));
        assert!(begin(&mut frames, &input).is_none());
        let mut other = Share::evictable(Some(budget), Default::default());
        assert!(other.resize(199_000), "the message holds more");
        let piece = frames.next_piece();
        assert!(matches!(piece, Some(Piece::Over(Some(CloseCode::Again)))));
        assert!(!frames.share().is_held());
    }
}

#[test]
fn a_handled_message_gives_up_its_room() {
    let mut frames = Frames::new(1 << 20, Some(BufferBudget::sized(250_000, 0)));
    let ping = masked(&[b'x'; 100], OpCode::Control(Control::Ping), true);
    for _ in 0..3 {
        let message = masked(&[b'x'; 200_000], TEXT, true);
        assert!(matches!(begin(&mut frames, &message), Some(Piece::Text(_))));
        frames.wipe_handled();
        assert!(!frames.share().is_held());
    }
    // Pings between two frames are no part of it.
    assert!(begin(&mut frames, &masked(b"{", TEXT, false)).is_none());
    for _ in 0..3000 {
        assert!(begin(&mut frames, &ping).is_none());
    }
}

#[test]
fn pongs_that_nothing_reads_do_not_pile_up() {
    let ping = |text: &[u8]| masked(text, OpCode::Control(Control::Ping), true);
    let input: Vec<u8> = (0..10_000).flat_map(|_| ping(&[b'x'; 125])).collect();
    let input = [input, ping(b"ping"), masked(b"{1}", TEXT, true)].concat();
    let (pieces, replies) = split(&input, 1000, 1000);
    assert_eq!(pieces, ["{1}"]);
    assert!(replies.len() <= super::MAX_PONGS + 2 * 127);
    assert!(replies.ends_with(b"\x8a\x04ping"));
}

#[test]
fn what_breaks_the_protocol_ends_it_with_the_right_code() {
    let unmasked = b"\x81\x02{}".to_vec();
    for (input, code) in [
        (unmasked, "broken 1002"),
        (b"\xc1\x80abcd".to_vec(), "broken 1002"),
        (b"\x83\x80abcd".to_vec(), "broken 1002"),
        (masked(b"{}", MORE, true), "broken 1002"),
        (masked(b"\xff\xfe", TEXT, true), "broken 1007"),
        (masked(&[b'x'; 101], TEXT, true), "broken 1009"),
        (
            [
                masked(&[b'x'; 60], TEXT, false),
                masked(&[b'x'; 60], MORE, true),
            ]
            .concat(),
            "broken 1009",
        ),
        (
            b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xffabcd".to_vec(),
            "broken 1009",
        ),
    ] {
        assert_eq!(split(&input, 3, 100).0, [code], "{input:?}");
    }
}

#[test]
fn a_closing_is_answered() {
    let bye = masked(
        &1000_u16.to_be_bytes(),
        OpCode::Control(Control::Close),
        true,
    );
    let (pieces, replies) = split(&bye, 100, 100);
    assert_eq!(pieces, ["closed"]);
    assert_eq!(replies, b"\x88\x02\x03\xe8");
}

#[test]
fn nothing_of_a_message_stays() {
    let mut frames = Frames::new(1000, None);
    let input = [masked(b"{secret}", TEXT, true), masked(b"{ne", TEXT, false)].concat();
    frames.space()[..input.len()].copy_from_slice(&input);
    frames.filled(input.len());
    let Some(Piece::Text(message)) = frames.next_piece() else {
        panic!("a message");
    };
    assert!(message.0.is_unique(), "nobody else holds its memory");
    assert!(frames.next_piece().is_none());
    frames.wipe_handled();
    assert!(frames.buffer.iter().all(|byte| *byte == 0));
}
