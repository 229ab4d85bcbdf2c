//! The memory of a running program, read from outside and searched for traces of a secret.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::process::{Pid, Signal, kill_process};

use crate::fragments::Pieces;
use crate::{MadeUp, huffman};

/// A copy of all readable memory of a process.
#[derive(Debug)]
pub struct Memory {
    regions: Vec<Region>,
}

/// Readable memory without a gap.
#[derive(Debug)]
struct Region {
    start: u64,
    bytes: Vec<u8>,
}

/// The traces of a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Whole copies.
    pub full: usize,
    /// Occurrences of 16 bytes of it: of the secret, of the content of its claims, or of its form
    /// in HTTP/2 headers.
    pub windows: usize,
}

impl Traces {
    /// No traces.
    pub const NONE: Self = Self {
        full: 0,
        windows: 0,
    };
}

impl Memory {
    /// Reads a process, which is stopped meanwhile.
    ///
    /// # Errors
    ///
    /// When the system refuses: the process is gone, or protected.
    pub fn of(pid: u32) -> io::Result<Self> {
        let stopped = Stopped::new(pid)?;
        let memory = File::open(format!("/proc/{pid}/mem"))?;
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"))?;
        let mut regions: Vec<Region> = Vec::new();
        let mut previous_end = 0;
        for (start, end) in maps.lines().filter_map(readable_range) {
            let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
            // Special regions of the kernel are listed as readable, but are not.
            if memory.read_exact_at(&mut bytes, start).is_err() {
                continue;
            }
            match regions.last_mut() {
                Some(last) if previous_end == start => last.bytes.append(&mut bytes),
                _ => regions.push(Region { start, bytes }),
            }
            previous_end = end;
        }
        drop(stopped);
        Ok(Self { regions })
    }

    /// Returns how many bytes were read.
    #[must_use]
    pub fn size(&self) -> usize {
        self.regions.iter().map(|region| region.bytes.len()).sum()
    }

    /// Returns whether it contains this text.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        !self.places(text).is_empty()
    }

    /// Returns the addresses of this text.
    #[must_use]
    pub fn places(&self, text: &str) -> Vec<u64> {
        let pieces = Pieces::of([text.as_bytes()]);
        let in_region = |region: &Region| {
            let places = pieces.places(&region.bytes);
            let whole = places.filter(|at| region.bytes[*at..].starts_with(text.as_bytes()));
            whole.map(|at| region.start + at as u64).collect::<Vec<_>>()
        };
        self.regions.iter().flat_map(in_region).collect()
    }

    /// Returns a text of this many letters, digits, `-` and `_` for which the predicate holds.
    #[must_use]
    pub fn find_word(&self, length: usize, is_it: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let is_end = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"-_".contains(byte));
        let words = self.regions.iter();
        let words = words.flat_map(|region| region.bytes.split(is_end));
        let mut found = words.flat_map(|word| word.windows(length));
        found.find(|text| is_it(text)).map(<[u8]>::to_vec)
    }

    /// Returns the traces of a secret.
    #[must_use]
    pub fn traces(&self, secret: &MadeUp) -> Traces {
        self.traces_of_all(std::slice::from_ref(secret))
    }

    /// Returns the sum of the traces of some secrets.
    #[must_use]
    pub fn traces_of_all(&self, secrets: &[MadeUp]) -> Traces {
        let mut pieces = Pieces::default();
        for secret in secrets {
            let [begin, end] = secret.own_parts();
            let header = huffman::encode(format!("Bearer {begin}").as_bytes());
            // The beginning and the end of the encoded header do not depend on the secret.
            pieces.add(header.get(6..header.len() - 1).unwrap_or_default());
            pieces.add(begin.as_bytes());
            pieces.add(end.as_bytes());
            pieces.add(secret.claimed.as_deref().unwrap_or_default().as_bytes());
        }
        let whole: Vec<_> = secrets
            .iter()
            .map(|secret| secret.text.as_bytes())
            .collect();
        let mut traces = Traces::default();
        for region in &self.regions {
            let found = search(&region.bytes, &pieces, &whole);
            traces.full += found.full;
            traces.windows += found.windows;
        }
        traces
    }
}

/// Returns start and end of a readable line of `/proc/PID/maps` or `smaps`.
pub(crate) fn readable_range(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    if !rest.starts_with('r') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    Some((address(start)?, address(end)?))
}

/// Counts pieces, and whole copies among them.
fn search(region: &[u8], pieces: &Pieces, whole: &[&[u8]]) -> Traces {
    let mut traces = Traces::default();
    for place in pieces.places(region) {
        traces.windows += 1;
        let is_full = whole.iter().any(|whole| region[place..].starts_with(whole));
        traces.full += usize::from(is_full);
    }
    traces
}

/// A stopped process. It continues on drop.
struct Stopped(Pid);

impl Stopped {
    fn new(pid: u32) -> io::Result<Self> {
        let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let id = id.ok_or(io::ErrorKind::NotFound)?;
        kill_process(id, Signal::STOP)?;
        let stopped = Self(id);
        // The signal takes a moment on another processor.
        while !std::fs::read_to_string(format!("/proc/{pid}/stat"))?.contains(") T ") {
            std::thread::yield_now();
        }
        Ok(stopped)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been killed in between.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Region, Traces};
    use crate::fragments::PIECE as WINDOW;
    use crate::{MadeUp, huffman};

    /// Returns memory with these regions, a million bytes apart.
    fn memory(regions: impl IntoIterator<Item = Vec<u8>>) -> Memory {
        let starts = (1..).map(|number| number * 1_000_000);
        let regions = starts.zip(regions);
        Memory {
            regions: regions
                .map(|(start, bytes)| Region { start, bytes })
                .collect(),
        }
    }

    #[test]
    fn whole_copies_and_pieces_are_counted() {
        let secret = MadeUp::jwt("memory-unit", 100);
        let text = secret.text.as_bytes();
        let mut region = vec![0; 64];
        region.extend_from_slice(text);
        region.push(0);
        region.extend_from_slice(&text[10..10 + WINDOW]);
        region.push(0);
        region.extend_from_slice(&text[10..9 + WINDOW]);
        let memory = memory([region, text.to_vec()]);
        assert_eq!(memory.places(&secret.text), [1_000_064, 2_000_000]);
        let found = memory.traces(&secret);
        assert_eq!(found.full, 2);
        assert_eq!(found.windows, 2 * (100 - WINDOW + 1) + 1);
        assert_eq!(
            memory.traces(&MadeUp::jwt("another", 100)),
            Traces::NONE,
            "tokens share no piece"
        );
    }

    #[test]
    fn decoded_claims_and_coded_headers_are_traces() {
        let secret = MadeUp::jwt("memory-unit", 400);
        let claims = format!("{{{}}}", secret.claimed.clone().unwrap()).into_bytes();
        let header = huffman::encode(format!("Bearer {}", secret.text).as_bytes());
        for region in [claims, header] {
            let found = memory([region]).traces(&secret);
            assert!(found.full == 0 && found.windows > 100, "{found:?}");
        }
    }

    #[test]
    fn a_text_is_found_whole_or_not_at_all() {
        let holds = |region: &[u8]| memory([region.to_vec()]).holds("0123456789abcdefg");
        assert!(holds(b"..0123456789abcdefg.."));
        assert!(!holds(b"..0123456789abcdef.."));
    }
}
