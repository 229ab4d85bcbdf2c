//! Zeroizing the stack.
//!
//! Freed memory is wiped by the allocator, but a function that returns leaves its locals where
//! they were until another one goes as deep. Digests and ciphers of others keep whole blocks of
//! what they work on there.

use std::hint::black_box;

use zeroize::Zeroize as _;

/// How deep the stack is wiped: many times what the libraries were found to use.
const DEPTH: usize = 128 * 1024;

/// Runs the work, wipes the part of the stack that it used, and returns its result.
pub fn wiped_after<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    wipe();
    done
}

/// Keeps the work's locals out of the caller's part of the stack.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe() {
    let mut stack = [0_u8; DEPTH];
    black_box(&mut stack).zeroize();
}
