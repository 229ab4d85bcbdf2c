//! What changed from one codex to another: `tests/codex/next.sh` runs it.
//!
//! `codex_changes --differing OLD NEW` prints the scenarios with different recordings.
//! `codex_changes OLD_PROGRAM OLD NEW_PROGRAM NEW AGAIN REQUESTS REQUESTS` reports all changes and
//! fails if there are any. `OLD`, `NEW` and `AGAIN` are folders of recordings, named after their
//! version; what is recorded `AGAIN` counts where it differs there, too. The files of model requests
//! may be missing.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a report that cannot be made is a failure, and is printed"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use byokey_tests::codex::changes::{
    Recorded, lasting, of_methods, of_model_requests, of_scenario, of_types, report,
};
use byokey_tests::codex::schema::Schema;

fn main() -> ExitCode {
    let words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if let [option, old, new] = words.as_slice()
        && option.as_os_str() == "--differing"
    {
        let (old, new) = (Recorded::in_folder(old), Recorded::in_folder(new));
        for name in new.names() {
            if !of_scenario(&name, &old, &new).is_empty() {
                println!("{name}");
            }
        }
        return ExitCode::SUCCESS;
    }
    let [
        old_program,
        old,
        new_program,
        new,
        again,
        old_requests,
        new_requests,
    ] = <[PathBuf; 7]>::try_from(words).expect("seven paths, or --differing and two");

    let (old_schema, new_schema) = (Schema::of(&old_program), Schema::of(&new_program));
    let [old, new, again] = [old, new, again].map(|folder| Recorded::in_folder(&folder));
    let (old_names, new_names, twice) = (old.names(), new.names(), again.names());
    let mut exchanges = Vec::new();
    for name in &new_names {
        let found = of_scenario(name, &old, &new);
        exchanges.extend(match twice.contains(name) {
            true => lasting(found, &of_scenario(name, &old, &again)),
            false => found,
        });
    }
    let lost: Vec<_> = old_names.difference(&new_names).collect();
    let requests = match old_requests.exists() && new_requests.exists() {
        true => of_model_requests(&old_requests, &new_requests),
        false => Vec::new(),
    };
    let found = [
        ("Methods", of_methods(&old_schema, &new_schema)),
        ("Types", of_types(&old_schema, &new_schema)),
        ("Recorded exchanges", exchanges),
        ("Model requests", requests),
    ];
    for (title, found) in &found {
        println!("{}", report(title, found));
    }
    println!("Scenarios that do not end any more: {}", lost.len());
    for name in &lost {
        println!("  - {name}");
    }
    match lost.is_empty() && found.iter().all(|(_, found)| found.is_empty()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
