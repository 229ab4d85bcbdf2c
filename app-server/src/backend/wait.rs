//! Waits requested by a backend, in headers, error bodies and their texts.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

use super::lenient::Number;

/// Parses the wait in the headers: `retry-after-ms`, or `retry-after` as seconds or a date (RFC
/// 9110 section 10.2.3). A date counts from that of the answer, because the clocks may differ.
pub(crate) fn in_headers(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(Number(milliseconds)) = text("retry-after-ms").and_then(Number::parse) {
        return seconds(milliseconds / 1000.0);
    }
    let value = text(RETRY_AFTER.as_str())?;
    if let Some(Number(number)) = Number::parse(value) {
        return seconds(number);
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let answered = text(DATE.as_str()).and_then(|date| httpdate::parse_http_date(date).ok());
    let since = answered.unwrap_or_else(SystemTime::now);
    Some(date.duration_since(since).unwrap_or_default())
}

/// Parses the wait in the text of an error: "try again in 14.2s", "1m30s", "200 ms", "6 seconds".
pub(crate) fn in_words(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    let (_, mut rest) = message.split_once("again in ")?;
    let mut total = None;
    loop {
        let rest_trimmed = rest.trim_start();
        let end = rest_trimmed.find(|it: char| !it.is_ascii_digit() && it != '.');
        let Some((number, after)) = end.map(|end| rest_trimmed.split_at(end)) else {
            return total;
        };
        let after = after.trim_start();
        let end = after.find(|it: char| !it.is_ascii_alphabetic());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        let Some((number, unit)) = number.parse::<f64>().ok().zip(unit_of(unit)) else {
            return total;
        };
        total = Some(total.unwrap_or_default() + seconds(number * unit)?);
        if after.is_empty() || after.starts_with('.') {
            return total;
        }
        rest = after;
    }
}

fn unit_of(word: &str) -> Option<f64> {
    Some(match word {
        "ms" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86400.0,
        _ => return None,
    })
}

/// Converts seconds to a duration, at most a year; `None` for negative ones.
pub(crate) fn seconds(number: f64) -> Option<Duration> {
    const YEAR: f64 = 365.0 * 86400.0;
    Duration::try_from_secs_f64(number.clamp(0.0, YEAR)).ok()
}

/// Formats a wait for users: "14.2 s", "5 min", "2 h 39 min".
pub(crate) fn in_text(wait: Duration) -> String {
    let whole = wait
        .as_secs()
        .saturating_add(u64::from(wait.subsec_nanos() > 0));
    match whole {
        0..60 if wait.subsec_millis() > 0 => format!("{:.1} s", wait.as_secs_f64()),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min", whole.div_ceil(60)),
        3600..172_800 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} days", whole / 86400),
    }
}

/// Formats Unix seconds for users; `None` beyond the range of the calendar.
pub(crate) fn moment(unix_seconds: i64) -> Option<String> {
    /// The year 9999.
    const LAST: u64 = 253_402_300_799;
    let since = u64::try_from(unix_seconds)
        .ok()
        .filter(|at| (1..=LAST).contains(at))?;
    let moment = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))?;
    Some(httpdate::fmt_http_date(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_found_in_words() {
        for (message, milliseconds) in [
            ("Limit 30000. Please try again in 14.2s.", Some(14_200)),
            (
                "Please try again in 14.036s. Visit https://example.com",
                Some(14_036),
            ),
            ("Try again in 200ms", Some(200)),
            ("try again in 1m30s.", Some(90_000)),
            ("try again in 6 seconds", Some(6_000)),
            ("try again in 1 hour 2 minutes.", Some(3_720_000)),
            ("try again in 1h2m3s, please", Some(3_723_000)),
            ("try again in 99999999999999999999s.", Some(31_536_000_000)),
            ("try again in a while", None),
            ("try again in ", None),
            ("try again in 5", None),
            ("try again in 5 light years.", None),
            ("nothing", None),
        ] {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(in_words(message), expected, "{message}");
        }
    }

    #[test]
    fn waits_are_found_in_headers() {
        let wait = |name: &'static str, value: &str| {
            in_headers(&HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]))
        };
        assert_eq!(wait("retry-after", " 3 "), Some(Duration::from_secs(3)));
        assert_eq!(
            wait("retry-after", "1.5"),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            wait("retry-after-ms", "250"),
            Some(Duration::from_millis(250))
        );
        assert_eq!(wait("retry-after", "-5"), Some(Duration::ZERO));
        assert_eq!(wait("retry-after", "soon"), None);
        let past = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(wait("retry-after", past), Some(Duration::ZERO));
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let named = wait("retry-after", &date).unwrap();
        assert!((90..=100).contains(&named.as_secs()), "{named:?}");
        // The clock of this machine may be hours off; the backend's agrees with itself.
        let headers = [
            (DATE, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (RETRY_AFTER, "Wed, 21 Oct 2015 07:28:07 GMT"),
        ];
        let headers = headers.map(|(name, value)| (name, value.parse().unwrap()));
        let named = in_headers(&HeaderMap::from_iter(headers));
        assert_eq!(named, Some(Duration::from_secs(7)));
    }

    #[test]
    fn waits_and_moments_are_written_for_people() {
        let text = |milliseconds| in_text(Duration::from_millis(milliseconds));
        assert_eq!(text(14_200), "14.2 s");
        assert_eq!(text(3_000), "3 s");
        assert_eq!(text(61_000), "2 min");
        assert_eq!(text(9_568_000), "2 h 39 min");
        assert_eq!(text(864_000_000), "10 days");
        assert_eq!(
            moment(1_999_999_999).as_deref(),
            Some("Wed, 18 May 2033 03:33:19 GMT")
        );
        assert_eq!((moment(i64::MAX), moment(-1)), (None, None));
    }
}
