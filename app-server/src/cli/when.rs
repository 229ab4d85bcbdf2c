//! Times for people: the local time, and how far away it is.

use time::{OffsetDateTime, UtcOffset};

/// Moments beyond this are not dates for people: the year 9999, in Unix seconds.
const LAST: i64 = 253_402_300_799;

/// What moments are shown by: the time of day now, and the local time zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeFormat {
    now: i64,
    offset: UtcOffset,
}

impl TimeFormat {
    /// Returns that of this machine at this time, in Unix seconds. Where the time zone is not known,
    /// which is also so once there are several threads, moments are shown in UTC.
    pub(super) fn at(now: i64) -> Self {
        #[cfg(feature = "help")]
        let offset = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
        #[cfg(not(feature = "help"))]
        let offset = UtcOffset::UTC;
        Self { now, offset }
    }

    /// Returns the time now, in Unix seconds.
    #[cfg(feature = "doctor")]
    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    /// Returns a moment in Unix seconds as `2026-12-01 14:20 +01:00 (in 50 min)`.
    pub(super) fn moment(&self, at: i64) -> String {
        let date = OffsetDateTime::from_unix_timestamp(at.clamp(0, LAST));
        let Ok(date) = date.map(|date| date.to_offset(self.offset)) else {
            return "an unknown time".to_owned();
        };
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02} {} ({})",
            date.year(),
            u8::from(date.month()),
            date.day(),
            date.hour(),
            date.minute(),
            zone(self.offset),
            self.distance(at)
        )
    }

    /// Returns how far away a moment is: `in 50 min`, `3 h 5 min ago`.
    pub(super) fn distance(&self, at: i64) -> String {
        match at.saturating_sub(self.now) {
            0 => "now".to_owned(),
            left @ 1.. => format!("in {}", span(left.unsigned_abs())),
            over => format!("{} ago", span(over.unsigned_abs())),
        }
    }
}

/// Returns a number of seconds as `40 s`, `50 min`, `3 h 5 min` or `9 d 3 h`, rounded down.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

fn zone(offset: UtcOffset) -> String {
    if offset == UtcOffset::UTC {
        return "UTC".to_owned();
    }
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", hours.abs(), minutes.abs())
}

#[cfg(test)]
mod tests {
    use time::UtcOffset;

    use super::{TimeFormat, span};

    fn time_format(hours: i8, minutes: i8) -> TimeFormat {
        TimeFormat {
            now: 1_000_000_000,
            offset: UtcOffset::from_hms(hours, minutes, 0).unwrap(),
        }
    }

    #[test]
    fn moments_are_local_and_say_how_far_away_they_are() {
        let moment = |hours, minutes, at| time_format(hours, minutes).moment(at);
        let at = 1_000_000_000;
        assert_eq!(moment(0, 0, at), "2001-09-09 01:46 UTC (now)");
        assert_eq!(
            moment(2, 0, at + 3000),
            "2001-09-09 04:36 +02:00 (in 50 min)"
        );
        assert_eq!(moment(-3, -30, at - 7), "2001-09-08 22:16 -03:30 (7 s ago)");
        for beyond in [i64::MIN, i64::MAX, -1] {
            assert!(!moment(0, 0, beyond).is_empty());
        }
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (11_100, "3 h 5 min"),
            (86_399, "23 h 59 min"),
            (788_400, "9 d 3 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
