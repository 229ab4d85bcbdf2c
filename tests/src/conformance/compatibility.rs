//! The list of differences in `docs/compatibility.md`, as referenced by the rules.

use std::collections::BTreeSet;
use std::path::PathBuf;

/// The content of the page.
#[derive(Clone, Debug)]
pub struct Compatibility {
    /// Numbers of the rows of "Different on purpose".
    pub rows: BTreeSet<u32>,
    /// Text of "Not there".
    pub not_there: String,
}

impl Compatibility {
    /// Reads the page.
    ///
    /// # Panics
    ///
    /// When it is missing or has another form.
    #[must_use]
    pub fn read() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md");
        let page = std::fs::read_to_string(path).expect("docs/compatibility.md");
        let (table, not_there) = page
            .split_once("## Not there")
            .expect("a section Not there");
        let rows = table
            .lines()
            .filter_map(|line| {
                line.strip_prefix('|')?
                    .split('|')
                    .next()?
                    .trim()
                    .parse()
                    .ok()
            })
            .collect();
        Self {
            rows,
            not_there: not_there.to_owned(),
        }
    }
}
