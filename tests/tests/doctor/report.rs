//! The report itself: its form, what is not in it, and its page.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use byokey_tests::command::run;
use byokey_tests::{Canaries, Home};
use serde_json::Value;

use super::situations::login_of_ada;
use super::{Person, key, login, token};

/// How long a run without a network may take, on a busy machine.
const SECONDS: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_object_has_the_members_that_its_page_lists() {
    let person = Person::new("");
    let report = person.doctor(&[], &[]).await;
    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let mut members = names(&report.json);
    members.sort();
    let expected = [
        "checks",
        "codexLevel",
        "features",
        "format",
        "result",
        "target",
        "version",
    ];
    assert_eq!(members, expected);
    assert_eq!(report.json["format"], 1);
    for check in report.json["checks"].as_array().unwrap() {
        let known = ["id", "level", "text", "mend"];
        assert!(
            names(check).iter().all(|name| known.contains(&&**name)),
            "{check}"
        );
        let level = check["level"].as_str().unwrap();
        assert!(["ok", "warning", "failure"].contains(&level), "{check}");
    }
}

/// The page lists the ids that the sources have, and no others.
#[test]
fn the_page_lists_every_id() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/doctor.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<_> = rows.filter_map(|row| row.split('`').next()).collect();
    let mut text = String::new();
    for entry in std::fs::read_dir(root.join("app-server/src/cli/doctor")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let (code, _) = source.split_once("#[cfg(test)]").unwrap_or((&source, ""));
        text.push_str(code);
    }
    let groups = [
        "program.",
        "folders.",
        "configuration.",
        "login.",
        "store.",
        "server.",
        "network.",
        "clock.",
        "process.",
    ];
    let is_id = |word: &&str| groups.iter().any(|group| word.starts_with(group));
    let ids: BTreeSet<_> = text
        .split('"')
        .filter(is_id)
        .filter(|it| !it.contains(' '))
        .collect();
    assert!(ids.len() > 20, "{ids:?}");
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn people_get_the_same_as_text_and_colours_only_where_they_want_them() {
    let home = Home::new("");
    let plain = run(&home, &["doctor"], &[], "").await;
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert!(
        plain.stdout.contains("\nlogin\n  ok      signed out"),
        "{}",
        plain.stdout
    );
    assert!(plain.stdout.contains("0 failures, "), "{}", plain.stdout);
    assert!(!plain.stdout.contains('\u{1b}'));
    let coloured = run(&home, &["doctor"], &[("CLICOLOR_FORCE", "1")], "").await;
    assert!(coloured.stdout.contains("\u{1b}[32mok"));
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    let without = run(&home, &["doctor"], &both, "").await;
    assert!(!without.stdout.contains('\u{1b}'));
}

/// Secrets in every place that is looked at, and what else is not for others.
#[tokio::test]
async fn nothing_in_the_report_is_secret_or_names_its_user() {
    let (bearer, stored) = (key("doctor-bearer"), token(4_102_444_800));
    let person = Person::new(&format!(
        "model_provider = 'mine'\n'{bearer}' = 1\n[model_providers.mine]\nbase_url = \
         'https://ada:{bearer}@a.example'\nexperimental_bearer_token = '{bearer}'\n\
         [byokey]\n'{bearer}' = 1"
    ));
    person.write(
        "auth.json",
        &login(&stored, "rt-made-up-of-the-doctor", 2026),
    );
    let canaries = Canaries::default();
    for secret in [
        &*bearer,
        &stored,
        "rt-made-up-of-the-doctor",
        "made-up-proxy-password",
    ] {
        canaries.add_for_test(secret);
    }
    let personal = format!("at-{}", key("doctor-personal"));
    canaries.add_for_test(&personal);
    let proxy = "http://ada:made-up-proxy-password@127.0.0.1:9";
    for environment in [
        &[("HTTPS_PROXY", proxy), ("OPENAI_API_KEY", &bearer)][..],
        &[("CODEX_ACCESS_TOKEN", &personal), ("HTTPS_PROXY", &bearer)],
        &[("CODEX_ACCESS_TOKEN", &bearer)],
    ] {
        for form in [
            &["doctor", "--store", "file"][..],
            &["doctor", "--store", "file", "--json"],
        ] {
            // `run` fails where the output has one of them in it.
            let ended = run(&person.home, form, environment, "").await;
            let output = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!output.contains("ada@example.com"), "{output}");
            let home = person.path().to_str().unwrap();
            assert!(!ended.stdout.contains(home), "{}", ended.stdout);
            assert!(ended.stdout.contains("~/.codex"), "{}", ended.stdout);
        }
    }
}

#[tokio::test]
async fn it_ends_soon_and_changes_nothing() {
    let person = Person::new("model = 'a'");
    login_of_ada(&person);
    let files = || {
        let mut files: Vec<_> = Vec::new();
        let mut open = vec![person.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.path().is_dir() {
                    open.push(entry.path());
                }
                files.push((entry.path(), entry.metadata().unwrap().modified().unwrap()));
            }
        }
        files.sort();
        files
    };
    let before = files();
    let begun = Instant::now();
    person.doctor(&["--store", "file"], &[]).await;
    assert!(begun.elapsed() < SECONDS, "{:?}", begun.elapsed());
    assert_eq!(files(), before);
}
