//! Looking for pieces of a secret, quickly.

use std::collections::HashSet;

/// Length of the pieces that are looked for: shorter ones could be there by chance.
pub(crate) const PIECE: usize = 16;

/// Every piece of some texts.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    pieces: HashSet<u128>,
    /// Which pairs of bytes some piece begins with: most places are ruled out by it.
    beginnings: Vec<bool>,
}

impl Default for Pieces {
    fn default() -> Self {
        Self {
            pieces: HashSet::new(),
            beginnings: vec![false; 1 << 16],
        }
    }
}

impl Pieces {
    /// The pieces of these texts.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut pieces = Self::default();
        for text in texts {
            pieces.add(text);
        }
        pieces
    }

    /// Takes the pieces of one more text.
    pub(crate) fn add(&mut self, text: &[u8]) {
        for window in text.windows(PIECE) {
            self.beginnings[beginning(window)] = true;
            self.pieces.extend(piece(window));
        }
    }

    /// Whether there is nothing to look for.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Where some piece stands.
    pub(crate) fn places<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let windows = bytes.windows(PIECE).enumerate();
        windows
            .filter(|(_, window)| self.beginnings[beginning(window)] && self.contains(window))
            .map(|(at, _)| at)
    }

    fn contains(&self, window: &[u8]) -> bool {
        piece(window).is_some_and(|piece| self.pieces.contains(&piece))
    }
}

fn piece(window: &[u8]) -> Option<u128> {
    window.try_into().ok().map(u128::from_ne_bytes)
}

fn beginning(window: &[u8]) -> usize {
    usize::from(window[0]) << 8 | usize::from(window[1])
}
