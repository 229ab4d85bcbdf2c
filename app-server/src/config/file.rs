//! Reads a TOML file of the user: bounded, non-blocking, in any encoding with a mark.

use std::fmt;
use std::path::{Path, PathBuf};

use byokey_base::owner_only::{FileFailure, read_bounded_regular};
use byokey_protocol::warning::{TextPosition, TextRange};
use toml::Table;

/// Longest configuration file. codex adds a table for each project, so files of several hundred
/// kilobytes exist.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// An unusable file.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) path: PathBuf,
    pub(super) range: Option<TextRange>,
    problem: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(TextRange { start, .. }) = &self.range {
            write!(f, ":{}:{}", start.line, start.column)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The content of a file.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) table: Table,
    /// Whether codex cannot read the file, because it only reads UTF-8.
    pub(super) is_utf16: bool,
}

/// Returns the content of the file; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Content>, Unusable> {
    let unusable = |range, problem| Unusable {
        path: path.to_owned(),
        range,
        problem,
    };
    let bytes = match read_bounded_regular(path, MAX_LENGTH) {
        Ok(bytes) => bytes,
        Err(FileFailure::NotFound) => return Ok(None),
        Err(failure) => {
            let problem = format!("the file cannot be read: {failure}");
            return Err(unusable(None, problem));
        }
    };
    let text = match decode(&bytes) {
        Ok(text) => text,
        Err(at) => {
            let known = bytes.get(..at).unwrap_or_default();
            let start = position(&String::from_utf8_lossy(known), usize::MAX);
            let range = TextRange { start, end: start };
            let problem = "the text is not UTF-8 (or UTF-16 with a byte-order mark); save the \
                           file as UTF-8";
            return Err(unusable(Some(range), problem.to_owned()));
        }
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let range = error.span().map(|span| TextRange {
            start: position(&text, span.start),
            end: position(&text, span.end),
        });
        // The message alone: the full text would quote the file, which may contain a key.
        let mut problem = error.message().to_owned();
        let line = range.and_then(|range| text.lines().nth(range.start.line - 1));
        if line.is_some_and(|line| line.contains('\\')) {
            problem.push_str(" (in \"…\" a backslash begins an escape; write a path in '…')");
        }
        unusable(range, problem)
    })?;
    Ok(Some(Content {
        table,
        is_utf16: matches!(&bytes[..], [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]),
    }))
}

/// Decodes the text; or returns the offset of the first invalid byte.
fn decode(bytes: &[u8]) -> Result<String, usize> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest).map_err(|at| at + 3),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, usize> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to())?;
    Ok(text.to_owned())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, usize> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.ok().filter(|_| rest.is_empty()).ok_or(0)
}

fn position(text: &str, offset: usize) -> TextPosition {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    TextPosition {
        line: before.matches('\n').count() + 1,
        column: before
            .get(line_start..)
            .map_or(0, |line| line.chars().count())
            + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{decode, position, read};

    #[test]
    fn positions_count_from_one() {
        let place = position("ab\ncd", 4);
        assert_eq!((place.line, place.column), (2, 2));
    }

    #[test]
    fn an_encoding_that_says_its_name_is_understood() {
        let text = "model = \"é😀\"\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
        assert_eq!(decode(text.as_bytes()).as_deref(), Ok(text));
        let bom = marked(&[0xEF, 0xBB, 0xBF], text.as_bytes());
        assert_eq!(decode(&bom).as_deref(), Ok(text));
        assert_eq!(decode(&marked(&[0xFF, 0xFE], &little)).as_deref(), Ok(text));
        assert_eq!(decode(&marked(&[0xFE, 0xFF], &big)).as_deref(), Ok(text));
        // A truncated character, a lone surrogate, Latin-1.
        let mut odd = marked(&[0xFF, 0xFE], &little);
        odd.pop();
        assert_eq!(decode(&odd), Err(0));
        assert_eq!(decode(&[0xFF, 0xFE, 0x00, 0xD8]), Err(0));
        assert_eq!(decode(b"a = \"\xE9\""), Err(5));
        assert_eq!(decode(b"\xEF\xBB\xBFa\xE9"), Err(4));
    }

    #[test]
    fn no_file_is_no_problem_and_a_folder_is_one() {
        assert!(
            read(Path::new("/nonexistent/config.toml"))
                .unwrap()
                .is_none()
        );
        let folder = tempfile::tempdir().unwrap();
        let refused = read(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("the file cannot be read"), "{refused}");
    }
}
