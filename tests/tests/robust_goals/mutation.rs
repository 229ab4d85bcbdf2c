//! Endless bad lines: the rows of bad input, and mutations of them.

/// A small random number generator (xorshift64), for reproducible failures.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Seeds: bad lines, and good ones to be spoilt. None of them logs out or changes the response to
/// the following valid request.
const SEEDS: &[&[u8]] = &[
    b"garbage",
    b"{\"id\":1,\"method\":\"account/re",
    b"\xff\xfe",
    b"{\"id\":1,\"method\":\"\0\"}",
    b"{\"id\":1,\"method\":\"\\ud800\"}",
    b"[]",
    b"[{\"id\":1,\"method\":\"account/read\"}]",
    b"null",
    b"{\"id\":null,\"method\":\"account/read\"}",
    b"{\"id\":1.5,\"method\":\"account/read\"}",
    b"{\"id\":9223372036854775808,\"method\":\"account/read\"}",
    b"{\"id\":1,\"id\":2,\"method\":\"account/read\"}",
    b"{\"id\":1,\"method\":5}",
    b"{\"id\":1,\"method\":\"no/such/method\",\"params\":[1,2,{\"a\":\"b\"}]}",
    b"{\"id\":\"x\",\"method\":\"account/login/start\",\"params\":{\"type\":\"apiKey\"}}",
    b"{\"id\":3,\"method\":\"turn/start\",\"params\":{\"threadId\":\"t\",\"input\":[]}}",
    b"{\"id\":77,\"result\":{\"accessToken\":\"a.b.c\"}}",
    b"{\"id\":77,\"error\":{\"code\":1,\"message\":\"m\"}}",
    b"{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{\"id\":1}}",
    b"{\"id\":4,\"method\":\"account/read\",\"params\":{\"refreshToken\":1e999}}",
    b"{\"id\":5,\"method\":\"initialize\",\"params\":{}}",
];

/// Returns the next bad line: one of the rows, mutated up to four times.
pub(crate) fn bad_line(random: &mut Random) -> Vec<u8> {
    let mut line = random.pick(SEEDS).to_vec();
    for _ in 0..random.below(5) {
        if line.is_empty() {
            break;
        }
        let at = random.below(line.len());
        match random.below(5) {
            0 => line.truncate(at),
            1 => line[at] = u8::try_from(random.below(256)).unwrap(),
            2 => drop(line.remove(at)),
            3 => line.insert(at, *random.pick(b"{}[]\",:\\0eu\xc3\x80")),
            _ => {
                let other = random.pick(SEEDS);
                line.extend_from_slice(&other[random.below(other.len())..]);
            }
        }
    }
    line.retain(|byte| *byte != b'\n');
    line
}
