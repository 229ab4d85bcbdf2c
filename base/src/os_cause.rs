//! The cause of a failed call of the system, without the text of a library.

use std::fmt;
use std::io;

/// Why a call of the system failed: its kind, and the number that the system returned (errno).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OsCause {
    /// The kind.
    pub kind: io::ErrorKind,
    code: Option<i32>,
}

impl From<&io::Error> for OsCause {
    fn from(error: &io::Error) -> Self {
        Self {
            kind: error.kind(),
            code: error.raw_os_error(),
        }
    }
}

impl fmt::Display for OsCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        match self.code {
            Some(code) => write!(f, ", os error {code}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::OsCause;

    #[test]
    fn the_number_is_named_and_no_text_of_a_library() {
        let missing = std::fs::File::open("/made-up/file").unwrap_err();
        let text = OsCause::from(&missing).to_string();
        let number = missing.raw_os_error().unwrap();
        assert!(text.ends_with(&format!(", os error {number}")), "{text}");
        let other = io::Error::other("made-up text");
        assert_eq!(OsCause::from(&other).to_string(), "other error");
    }
}
