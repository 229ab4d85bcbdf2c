//! Inputs made from others, by small mutations in a fixed random order.

use serde_json::Value;

use crate::json;

/// Longest input.
const LONGEST: usize = 8192;
/// Most mutations of one input.
const CHANGES: usize = 6;
/// Words that break parsers.
const WORDS: [&[u8]; 26] = [
    b"\0",
    b"\n",
    b"\r\n\r\n",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b"\\ud800",
    b"\\u0000",
    b"\"",
    b"{}",
    b"[[[[",
    b"null",
    b"-0",
    b"1e999",
    b"9223372036854775808",
    b"\"id\":1,",
    b"\"method\":\"account/read\"",
    b"Content-Length: 2\r\n\r\n{}",
    b"Content-Length: 99999999999999999999\r\n\r\n",
    b"Origin: null\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: localhost:4500\r\n",
    b"Sec-Fetch-Site: none\r\n",
    b"&state=",
    b"e30",
    b".",
];

/// Generates inputs.
pub(crate) struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    state: u64,
}

impl<'a> Mutator<'a> {
    /// Returns a generator; each start has its own order.
    pub(crate) fn of(seeds: &'a [Vec<u8>], start: u64) -> Self {
        let spread = 0x9E37_79B9_7F4A_7C15_u64;
        // From zero, only zeros would follow.
        let state = start.wrapping_add(1).wrapping_mul(spread).max(1);
        Self { seeds, state }
    }

    /// Returns a mutated seed: its bytes, or the JSON text in its last line.
    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        let line = input
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let json = serde_json::from_slice::<Value>(&input[line..]).ok();
        let json = json.filter(|_| self.below(4) > 0);
        let changes = self.below(CHANGES);
        if let Some(mut json) = json {
            (0..=changes).for_each(|_| json::change(&mut json, self));
            input.truncate(line);
            input.extend_from_slice(json.to_string().as_bytes());
        } else {
            (0..=changes).for_each(|_| self.change(&mut input));
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let from = self.below(input.len() + 1);
        let to = from + self.below((input.len() - from).min(64) + 1);
        match self.below(7) {
            // One bit, or one byte.
            0 if from < input.len() => input[from] ^= 1 << self.below(8),
            1 if from < input.len() => input[from] = u8::try_from(self.below(256)).unwrap(),
            2 => drop(input.drain(from..to)),
            3 => input.truncate(from),
            // A part repeated a few times.
            4 => {
                let again = input[from..to].repeat(1 + self.below(8));
                drop(input.splice(to..to, again));
            }
            // A word, or a part of another seed, in place of a part.
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(input.splice(from..to, word.iter().copied()));
            }
            _ => {
                let seed = self.seed();
                let begin = self.below(seed.len() + 1);
                drop(input.splice(from..to, seed[begin..].iter().copied()));
            }
        }
    }

    pub(crate) fn seed(&mut self) -> &'a [u8] {
        &self.seeds[self.below(self.seeds.len())]
    }

    /// Returns a number below the bound (xorshift64).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % bound as u64).unwrap()
    }
}
