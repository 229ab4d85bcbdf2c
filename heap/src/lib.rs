//! Where the program's memory comes from, below the allocator that zeroizes what is freed.
//!
//! The programs for Linux are linked to musl. Its allocator asks the system for nearly every page
//! by itself: that was an eighth of a start. Short blocks come from `dlmalloc` there, which puts them
//! side by side. It keeps what is freed, so long blocks stay with the system, which has their pages
//! back at once. Elsewhere all blocks come from the system's allocator.

use std::alloc::{GlobalAlloc, Layout, System};

#[cfg(target_os = "linux")]
use dlmalloc::GlobalDlmalloc as Short;
#[cfg(not(target_os = "linux"))]
use std::alloc::System as Short;

/// Length in bytes from which a block is long.
const LONG: usize = 64 * 1024;

/// The program's heap.
#[derive(Clone, Copy, Debug)]
pub struct Heap;

/// Returns whether a block is long.
const fn is_long(layout: Layout) -> bool {
    layout.size() >= LONG
}

#[expect(unsafe_code, reason = "the trait is unsafe to implement")]
// SAFETY: the layout alone decides between two allocators, each of which keeps the contract. A block
// is freed with the layout that it was allocated with, hence by the allocator that it came from.
// `realloc` is the default: it allocates and frees by the two methods here.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_long(layout) {
            // SAFETY: the caller's promise about the layout is passed on.
            unsafe { System.alloc(layout) }
        } else {
            // SAFETY: as above.
            unsafe { Short.alloc(layout) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_long(layout) {
            // SAFETY: the caller's promise about the layout is passed on.
            unsafe { System.alloc_zeroed(layout) }
        } else {
            // SAFETY: as above.
            unsafe { Short.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_long(layout) {
            // SAFETY: a block with this layout came from here.
            unsafe { System.dealloc(block, layout) }
        } else {
            // SAFETY: as above.
            unsafe { Short.dealloc(block, layout) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Heap, LONG};

    /// All blocks of these tests.
    #[global_allocator]
    static HEAP: Heap = Heap;

    #[test]
    fn a_block_keeps_its_bytes_while_it_grows_and_shrinks_over_the_limit() {
        let mut bytes = Vec::new();
        while bytes.len() < 3 * LONG {
            bytes.push(u8::try_from(bytes.len() % 251).unwrap_or_default());
        }
        let keeps = |bytes: &[u8]| {
            let mut pairs = bytes.iter().enumerate();
            pairs.all(|(at, byte)| usize::from(*byte) == at % 251)
        };
        assert!(keeps(&bytes));
        bytes.truncate(LONG - 1);
        bytes.shrink_to_fit();
        assert!(keeps(&bytes));
        assert!(vec![0_u8; LONG].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn threads_allocate_and_free_for_each_other() {
        let blocks: Vec<_> = (0..4_usize)
            .map(|thread| {
                std::thread::spawn(move || {
                    let length = |round: usize| (round * 7919 + thread) % (2 * LONG);
                    (0..200)
                        .map(|round| vec![1_u8; length(round)])
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let blocks = blocks.into_iter().filter_map(|thread| thread.join().ok());
        let lengths = blocks.flatten().map(|block: Vec<u8>| {
            assert!(block.iter().all(|byte| *byte == 1));
            block.len()
        });
        let total: usize = lengths.sum();
        assert!(total > LONG, "{total}");
    }
}
