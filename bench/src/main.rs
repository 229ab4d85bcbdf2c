//! Measures `byokey app-server` next to an echo process and to other app-servers.
//!
//! Reading order: `candidate`, `process`, `host` (a connection), `site` (its environment),
//! `measure` and `growth` (the measurements), `metrics` (the goals), `results`, `report`.

mod candidate;
mod far;
mod growth;
mod host;
mod instructions;
mod machine;
mod measure;
mod metric;
mod metrics;
mod model;
mod options;
mod proc;
mod process;
mod report;
mod results;
mod samples;
mod site;

use std::io::Write as _;
use std::process::ExitCode;

use candidate::{Candidate, Kind};
use growth::GROWTHS;
use measure::{MEASURES, Measure, Scale};
use options::Options;
use results::Results;

/// Why a measurement failed.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let done = if arguments.next_if_eq("instructions").is_some() {
        instructions::run(arguments)
    } else if arguments.next_if_eq("far").is_some() {
        far::run(arguments)
    } else if arguments.next_if_eq("far-backend").is_some() {
        far::serve(arguments)
    } else {
        Options::read(arguments).and_then(|options| run(&options))
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("bench: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let mut candidates = vec![
        Candidate::echo()?,
        Candidate::own("byokey", &options.byokey)?,
    ];
    if let Some(slim) = &options.slim {
        candidates.push(Candidate::own("byokey, slim", slim)?.slim());
    }
    for (name, program) in &options.builds {
        candidates.push(Candidate::build(name, program)?);
    }
    for peer in &options.peers {
        candidates.push(Candidate::peer(peer)?);
    }
    let facts = machine::facts(&candidates, options);
    let mut results = Results::of(candidates, facts);
    let divisor = if options.quick { 20 } else { 1 };
    let scale = Scale {
        divisor,
        peer_divisor: divisor * 10,
    };
    for measure in MEASURES {
        if measure.name.contains(&options.only) {
            take_turns(*measure, options, scale, &mut results);
        }
    }
    for at in 0..results.candidates.len() {
        let size = results.candidates.get(at).map(Candidate::size);
        if let Some(Ok(size)) = size {
            #[expect(
                clippy::cast_precision_loss,
                reason = "programs have less than 2^52 bytes"
            )]
            results.add("size", at, size as f64);
        }
    }
    for (name, measure) in GROWTHS {
        if !name.contains(&options.only) {
            continue;
        }
        say(&format!("growth with {name}"));
        let [echo, own] = [Kind::Echo, Kind::Own]
            .map(|kind| results.candidates.iter().find(|each| each.kind == kind));
        let (Some(echo), Some(own)) = (echo, own) else {
            continue;
        };
        match measure(own, echo, scale) {
            Ok(growth) => results.growths.push(growth),
            Err(failure) => say(&format!("  not measured: {failure}")),
        }
    }
    if "far backend".contains(&options.only) && (options.write_docs || !options.only.is_empty()) {
        say("a far backend");
        results.far = far::gather(options, &results.candidates);
    }
    results
        .facts
        .push(("load after it".to_owned(), machine::load()));
    say(&report::table(&results));
    if options.write_docs {
        write_docs(&results)?;
    }
    Ok(())
}

/// A B A B: disturbances of the machine affect all of them.
fn take_turns(measure: Measure, options: &Options, scale: Scale, results: &mut Results) {
    let rounds = if measure.every_round {
        options.rounds
    } else {
        1
    };
    let mut failed = vec![false; results.candidates.len()];
    for round in 1..=rounds {
        say(&format!("{}, round {round} of {rounds}", measure.name));
        for (at, failed) in failed.iter_mut().enumerate() {
            let Some(candidate) = results.candidates.get(at).cloned() else {
                continue;
            };
            if *failed || (candidate.kind == Kind::Echo && !measure.with_echo) {
                continue;
            }
            match (measure.run)(&candidate, scale) {
                Ok(figures) => {
                    for (metric, value) in figures {
                        results.add(metric, at, value);
                    }
                }
                Err(failure) => {
                    *failed = true;
                    say(&format!("  {}: not measured: {failure}", candidate.name));
                }
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "writing these files was asked for"
)]
fn write_docs(results: &Results) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(&report::json(results))?;
    std::fs::write("docs/performance.md", report::page(results))?;
    std::fs::write("docs/performance.json", json + "\n")?;
    std::fs::write("docs/performance-goals.svg", report::goals(results))?;
    std::fs::write(
        "docs/performance-growth.svg",
        report::growths(&results.growths),
    )?;
    Ok(())
}

fn say(line: &str) {
    // A closed standard output is not a failure.
    let _ = writeln!(std::io::stdout(), "{line}");
}
