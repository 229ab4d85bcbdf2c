//! The program against recordings of codex: every difference is known, and every known difference
//! exists.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and its output is its report"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use byokey_tests::byokey;
use byokey_tests::conformance::compare::compare;
use byokey_tests::conformance::compatibility::Compatibility;
use byokey_tests::conformance::difference::{Difference, Kind};
use byokey_tests::conformance::play::play;
use byokey_tests::conformance::recording::{Transcript, recording};
use byokey_tests::conformance::rules::Rules;
use byokey_tests::conformance::scenario;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The version of codex that ours is compared with.
const NEWEST: &str = byokey_protocol::CODEX_LEVEL;
/// How many scenarios run in parallel; they mostly wait.
const AT_ONCE: usize = 16;

/// Runs all scenarios, or those with `CONFORMANCE_ONLY` in their names.
async fn replay() -> BTreeMap<String, Transcript> {
    let only = std::env::var("CONFORMANCE_ONLY").unwrap_or_default();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut playing = JoinSet::new();
    // Built before the clocks of the scenarios run.
    byokey();
    for scenario in scenario::all() {
        if !scenario.name.contains(&only) {
            continue;
        }
        let places = Arc::clone(&places);
        playing.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let transcript = play(&scenario).await;
            (scenario.name, transcript)
        });
    }
    playing.join_all().await.into_iter().collect()
}

fn recorded(version: &str, scenario: &str) -> Transcript {
    recording(version, scenario)
        .unwrap_or_else(|| panic!("{scenario} is not recorded from {version}"))
}

/// Returns what codex of an older version does and ours does not. What only ours does is newer.
fn differences_from_older(version: &str, scenario: &str, ours: &Transcript) -> Vec<Difference> {
    let mut found = compare(scenario, &recorded(version, scenario), ours);
    found.retain(|difference| !matches!(difference.kind, Kind::OursOnly(_)));
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_difference_from_codex_is_on_purpose() {
    let (rules, page) = (Rules::read(), Compatibility::read());
    let undocumented = rules.without_reason(&page);
    assert!(undocumented.is_empty(), "no such row: {undocumented:#?}");

    let replayed = replay().await;
    let (mut found, mut from_older) = (Vec::new(), BTreeMap::<&str, Vec<_>>::new());
    for (scenario, ours) in &replayed {
        found.extend(compare(scenario, &recorded(NEWEST, scenario), ours));
        // These also behave as an older codex did.
        if let Some(older) = rules.older(scenario) {
            let differences = differences_from_older(&older.version, scenario, ours);
            let all = from_older.entry(&older.version).or_default();
            all.extend(differences);
        }
    }
    let mut judgement = rules.judge(&found);
    for (version, found) in &from_older {
        rules.judge_further(&mut judgement, found, Some(version));
    }
    for difference in &judgement.unexplained {
        println!("{difference}");
    }
    println!(
        "{} scenarios, {} differences, explained by {} of {} rules",
        replayed.len(),
        found.len() + from_older.values().map(Vec::len).sum::<usize>(),
        judgement.explained.len(),
        rules.rules.len()
    );
    assert!(
        judgement.unexplained.is_empty(),
        "{} differences are not in differences.json; they are printed above",
        judgement.unexplained.len()
    );
    if std::env::var_os("CONFORMANCE_ONLY").is_some() {
        println!("skipped: whether each rule is needed, since CONFORMANCE_ONLY is set");
        return;
    }
    let idle = rules.idle(&judgement);
    assert!(idle.is_empty(), "these differences never occur: {idle:#?}");
}

#[test]
fn every_scenario_is_recorded_from_the_newest() {
    let scenarios = scenario::all();
    assert!(scenarios.len() >= 140, "{} scenarios", scenarios.len());
    for scenario in scenarios {
        recorded(NEWEST, &scenario.name);
    }
}
