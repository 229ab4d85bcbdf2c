//! Whether each destination answers: one request to each, without a credential, and the date of the
//! answer beside this machine's clock.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use byokey_http::{HttpClient, HttpFailure, Request, Sensitivity, Settings};
use futures_util::future::join_all;
use http::header::DATE;
use http::{HeaderMap, Method};
use url::Url;

use super::finding::Finding;
use super::network::{Facts, host};

/// How long all requests together may take.
const DEADLINE: Duration = Duration::from_secs(8);
/// A difference between the clocks that is pointed out.
const NOTABLE: Duration = Duration::from_secs(60);
/// Tokens are renewed so long before they expire. With a greater difference they expire unnoticed.
const HARMFUL: Duration = Duration::from_secs(5 * 60);

/// What came of the request to one destination.
#[derive(Debug)]
pub(super) struct Reached {
    what: &'static str,
    host: String,
    answer: Result<Answer, HttpFailure>,
}

/// An answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    after: Duration,
    /// A page that only a browser can answer.
    is_challenge: bool,
    /// How far the server's clock is ahead of ours, or behind.
    difference: Option<(Duration, bool)>,
}

/// Asks every destination at once.
pub(super) async fn gather(settings: Settings, facts: &Facts) -> Vec<Reached> {
    let client = Arc::new(HttpClient::new(settings));
    let routes = facts.routes.iter().filter(|route| route.proxy.is_ok());
    let asked = routes.filter_map(|route| {
        let (url, client) = (
            without_secrets(route.url.clone().ok()?),
            Arc::clone(&client),
        );
        Some(async move {
            let asked = tokio::time::timeout(DEADLINE, ask(&client, url.clone()));
            Reached {
                what: route.what,
                host: host(&url),
                answer: asked.await.unwrap_or(Err(HttpFailure::Timeout)),
            }
        })
    });
    join_all(asked).await
}

/// Returns the address without the parts that may be a credential: user, password and query.
fn without_secrets(mut url: Url) -> Url {
    // Fails only for an address that cannot have a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url
}

async fn ask(client: &HttpClient, url: Url) -> Result<Answer, HttpFailure> {
    let begun = Instant::now();
    let response = client
        .send(Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
            sensitivity: Sensitivity::Public,
            era: None,
        })
        .await?;
    let headers = response.headers();
    let date = headers.get(DATE).and_then(|value| value.to_str().ok());
    let date = date.and_then(|value| httpdate::parse_http_date(value).ok());
    Ok(Answer {
        status: response.status().as_u16(),
        after: begun.elapsed(),
        is_challenge: headers.contains_key("cf-mitigated"),
        difference: date.map(|date| difference(date, SystemTime::now())),
    })
}

/// Returns how far the first is from the second, and whether it is ahead.
fn difference(theirs: SystemTime, ours: SystemTime) -> (Duration, bool) {
    match theirs.duration_since(ours) {
        Ok(ahead) => (ahead, true),
        Err(behind) => (behind.duration(), false),
    }
}

pub(super) fn check(reached: &[Reached]) -> Vec<Finding> {
    let mut findings: Vec<_> = reached.iter().map(answer).collect();
    let of_clocks = reached
        .iter()
        .filter_map(|it| it.answer.as_ref().ok()?.difference);
    // Each may be wrong by itself; the smallest difference is that of the best clock.
    let smallest = of_clocks.min_by_key(|(difference, _)| *difference);
    findings.extend(smallest.map(|(by, is_ahead)| clock(by, is_ahead)));
    findings
}

fn answer(reached: &Reached) -> Finding {
    let Reached { what, host, answer } = reached;
    match answer {
        Ok(answer) if answer.is_challenge => Finding::warning(
            "network.reach",
            format!(
                "{what}, {host}, answers with a challenge for browsers: this network or its proxy \
                 is not trusted there; calls may fail with the kind `challenged`"
            ),
        ),
        Ok(Answer { status, after, .. }) => Finding::ok(
            "network.reach",
            format!(
                "{what}, {host}, answers after {} ms (status {status}, without a credential)",
                after.as_millis()
            ),
        ),
        Err(failure) => Finding::failure("network.reach", failure.describe(what).to_string())
            .mend(format!("curl -sSI {host}")),
    }
}

fn clock(by: Duration, is_ahead: bool) -> Finding {
    let (id, mend) = ("clock.server", "sudo timedatectl set-ntp true");
    let text = format!(
        "this machine's clock is {} s {} that of the servers",
        by.as_secs(),
        if is_ahead { "behind" } else { "ahead of" }
    );
    if by >= HARMFUL {
        let text = format!("{text}: tokens expire unnoticed, or are renewed for nothing");
        Finding::failure(id, text).mend(mend)
    } else if by >= NOTABLE {
        Finding::warning(id, text).mend(mend)
    } else {
        Finding::ok(id, text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use byokey_http::HttpFailure;

    use super::super::finding::Level;
    use super::{Answer, Reached, check};

    fn reached(seconds: u64, is_challenge: bool) -> Reached {
        Reached {
            what: "the issuer",
            host: "https://issuer.example".to_owned(),
            answer: Ok(Answer {
                status: 404,
                after: Duration::from_millis(7),
                is_challenge,
                difference: Some((Duration::from_secs(seconds), true)),
            }),
        }
    }

    #[test]
    fn the_best_clock_counts_and_a_wrong_one_is_a_fault() {
        for (differences, level) in [
            (&[2, 4000][..], Level::Ok),
            (&[61], Level::Warning),
            (&[4000, 3000], Level::Failure),
        ] {
            let all: Vec<_> = differences.iter().map(|it| reached(*it, false)).collect();
            let last = check(&all).pop().unwrap();
            assert_eq!((last.id, last.level), ("clock.server", level));
            assert_eq!(last.mend.is_some(), level != Level::Ok);
        }
    }

    #[test]
    fn a_challenge_and_no_answer_are_told_apart() {
        let silent = Reached {
            answer: Err(HttpFailure::Timeout),
            ..reached(0, false)
        };
        let findings = check(&[reached(0, true), silent]);
        assert_eq!(findings[0].level, Level::Warning);
        assert_eq!(findings[1].level, Level::Failure);
        let mend = findings[1].mend.as_deref();
        assert_eq!(mend, Some("curl -sSI https://issuer.example"));
    }
}
