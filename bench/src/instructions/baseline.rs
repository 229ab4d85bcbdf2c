//! The baseline of the instruction counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::paths::Counts;
use crate::{Failure, say};

const BASELINE: &str = "bench/instructions.txt";
/// Tolerated growth of a count. Hash seeds and the sizes of reads change it by less than a third of
/// that.
const TOLERANCE: f64 = 0.05;
/// The same for another compiler, C library or processor than the baseline's: they choose other
/// instructions for the same work.
const TOLERANCE_ELSEWHERE: f64 = 0.25;

/// Returns the other factors of instruction counts.
fn surroundings(program: &Path) -> String {
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        let output = output.map(|output| output.stdout).unwrap_or_default();
        let text = String::from_utf8_lossy(&output);
        text.lines().next().unwrap_or_default().to_owned()
    };
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let vectors = if processor.split_whitespace().any(|flag| flag == "avx2") {
        "AVX2"
    } else {
        "no AVX2"
    };
    let compiler = said("rustc", "--version");
    // A static program does not depend on this machine's C library.
    let library = match has_dynamic_linker(program) {
        true => said("getconf", "GNU_LIBC_VERSION"),
        false => "static".to_owned(),
    };
    format!("{compiler}; {library}; {vectors}")
}

/// Returns the part of [`surroundings`] that names the C library.
fn library_of(surroundings: &str) -> Option<&str> {
    surroundings.split("; ").nth(1)
}

fn has_dynamic_linker(program: &Path) -> bool {
    let name = b"/ld-linux-";
    std::fs::read(program).is_ok_and(|file| file.windows(name.len()).any(|part| part == name))
}

/// Fails when a path of the program exceeds the baseline.
pub(super) fn compare(counts: &Counts, program: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(BASELINE)?;
    let baseline = read(&text)?;
    let (here, there) = (
        surroundings(program),
        text.lines().nth(1).unwrap_or_default(),
    );
    if library_of(&here) != library_of(there) {
        // Its allocator and its copying are a large part of every path.
        for (name, count) in counts {
            say(&format!("{name:>15} {count:>9.0} instructions"));
        }
        say(&format!(
            "skipped: the comparison with {BASELINE}, whose program had another C library ({there}, \
             here {here}); bench/instructions.sh --write renews it"
        ));
        return Ok(());
    }
    let tolerance = if there == format!("# {here}") {
        TOLERANCE
    } else {
        say(&format!(
            "the counts in {BASELINE} are from somewhere else ({}, here {here}), so they are \
             compared loosely",
            there.trim_start_matches("# ")
        ));
        TOLERANCE_ELSEWHERE
    };
    let mut grown = Vec::new();
    for (name, count) in counts {
        let Some(before) = baseline.get(name) else {
            return Err(format!("{BASELINE} lacks {name}; see bench/instructions.sh").into());
        };
        let change = (count / before - 1.0) * 100.0;
        say(&format!(
            "{name:>15} {count:>9.0} instructions, {change:+.1} %"
        ));
        if *count > before * (1.0 + tolerance) {
            grown.push(*name);
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    let (grown, tolerated) = (grown.join(", "), tolerance * 100.0);
    Err(format!(
        "more than {tolerated} % dearer than {BASELINE} says: {grown}. Make it cheaper, or renew \
         the counts with `bench/instructions.sh --write` and say why in the commit"
    )
    .into())
}

fn read(text: &str) -> Result<BTreeMap<&str, f64>, Failure> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(name, count)| Ok((name, count.trim().parse()?)))
        .collect()
}

/// Records these as the new baseline.
#[expect(clippy::disallowed_methods, reason = "writing this file was asked for")]
pub(super) fn write(counts: &Counts, program: &Path) -> Result<(), Failure> {
    let mut text = format!(
        "# Instructions of each hot path, once; see bench/instructions.sh.\n# {}\n",
        surroundings(program)
    );
    for (name, count) in counts {
        writeln!(text, "{name} {count:.0}")?;
    }
    say(&text);
    Ok(std::fs::write(BASELINE, text)?)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn counts_are_read_and_comments_are_not() {
        let read = read("# about\n# here\nrequest 1234\nlogin 5\n").unwrap();
        assert_eq!(read.get("request"), Some(&1234.0));
        assert_eq!(read.len(), 2);
    }
}
