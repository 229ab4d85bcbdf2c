//! Zeroizing the stack.
//!
//! The allocator wipes freed memory, but locals of a function that has returned stay on the stack
//! until another call overwrites them. Digests and ciphers of libraries leave whole blocks of their
//! input there.

use std::hint::black_box;

use zeroize::Zeroize as _;

/// How many bytes of stack are wiped: many times the measured depth of the libraries.
const DEPTH: usize = 128 * 1024;

/// Runs the work, wipes the stack that it used, and returns its result.
pub fn wiped_after<T>(work: impl FnOnce() -> T) -> T {
    let done = apart(work);
    wipe();
    done
}

/// Keeps the work's locals out of the caller's stack frame.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wipe() {
    let mut stack = [0_u8; DEPTH];
    black_box(&mut stack).zeroize();
}
