//! Instruction counts of the hot paths, by valgrind: independent of the machine's load.

mod baseline;
mod callgrind;
mod paths;

use std::path::Path;

use crate::Failure;
use crate::growth::waiters::fan_out;

/// `instructions [--write] PATH`: counts and compares, or records the baseline. `instructions
/// fan-out N`: the path without a server, for valgrind to run.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments: Vec<_> = arguments.collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fan-out", waiters] => fan_out(waiters.parse()?).map(drop),
        ["--write", program] => {
            let program = Path::new(program);
            baseline::write(&paths::counts(program)?, program)
        }
        [program] => {
            let program = Path::new(program);
            baseline::compare(&paths::counts(program)?, program)
        }
        _ => Err("usage: instructions [--write] PATH-OF-BYOKEY".into()),
    }
}
