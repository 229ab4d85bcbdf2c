//! Fast search for pieces of a secret.

use std::collections::HashSet;

/// Length of a piece: shorter ones could occur by chance.
pub(crate) const PIECE: usize = 16;

/// All pieces of some texts.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    pieces: HashSet<u128>,
    /// The pairs of bytes with which pieces begin: they rule out most places.
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
    /// Returns the pieces of these texts.
    pub(crate) fn of<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut pieces = Self::default();
        for text in texts {
            pieces.add(text);
        }
        pieces
    }

    /// Adds the pieces of another text.
    pub(crate) fn add(&mut self, text: &[u8]) {
        for window in text.windows(PIECE) {
            self.beginnings[beginning(window)] = true;
            self.pieces.extend(piece(window));
        }
    }

    /// Returns whether there is nothing to search for.
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Iterates over the places of pieces.
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
