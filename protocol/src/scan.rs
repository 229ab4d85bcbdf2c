//! Searching for one or two bytes, without asking the processor for its features unless that pays.
//!
//! `memchr` asks at its first call, so that it may search 32 bytes at a time. In a virtual machine
//! each question goes to the hypervisor: seven of them took 25 µs, a twentieth of a start, and every
//! x86-64 processor can search 16 bytes at a time.

/// So many bytes are searched without knowing the processor.
const SHORT: usize = 1024;

/// Returns where the byte occurs first.
#[must_use]
pub fn find_byte(byte: u8, bytes: &[u8]) -> Option<usize> {
    let (short, long) = bytes.split_at(bytes.len().min(SHORT));
    let found = short::find(byte, short);
    if found.is_some() || long.is_empty() {
        return found;
    }
    Some(SHORT + memchr::memchr(byte, long)?)
}

/// Returns where the first of two bytes occurs first.
#[must_use]
pub fn find_either(one: u8, other: u8, bytes: &[u8]) -> Option<usize> {
    let (short, long) = bytes.split_at(bytes.len().min(SHORT));
    let found = short::find_either(one, other, short);
    if found.is_some() || long.is_empty() {
        return found;
    }
    Some(SHORT + memchr::memchr2(one, other, long)?)
}

#[cfg(target_arch = "x86_64")]
mod short {
    use memchr::arch::x86_64::sse2::memchr::{One, Two};

    pub(super) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
        // All of these processors have it, so there is always one.
        One::new(byte).and_then(|one| one.find(bytes))
    }

    pub(super) fn find_either(one: u8, other: u8, bytes: &[u8]) -> Option<usize> {
        Two::new(one, other).and_then(|two| two.find(bytes))
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod short {
    pub(super) use memchr::{memchr as find, memchr2 as find_either};
}

#[cfg(test)]
mod tests {
    use super::{SHORT, find_byte, find_either};

    #[test]
    fn the_first_of_them_is_found_at_any_place_and_length() {
        for length in (0..80).chain(SHORT - 2..SHORT + 40) {
            for at in 0..length {
                let mut bytes = vec![b'x'; length];
                bytes[at] = b'\n';
                bytes[length - 1] = b'\n';
                assert_eq!(find_byte(b'\n', &bytes), Some(at));
                assert_eq!(find_either(b'"', b'\n', &bytes), Some(at));
                assert_eq!(find_either(b'\n', b'"', &bytes), Some(at));
            }
            let bytes = vec![b'x'; length];
            assert_eq!(find_byte(b'\n', &bytes), None);
            assert_eq!(find_either(b'"', b'\\', &bytes), None);
        }
    }
}
