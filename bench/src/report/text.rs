//! Formats values for readers.

use crate::metric::{Goal, Metric, Unit};

/// Formats a value with its unit, to three digits.
pub(super) fn value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => seconds(value),
        Unit::PerSecond => format!("{}/s", thousands(value)),
        Unit::Bytes => bytes(value),
        Unit::BytesPerSecond => format!("{}/s", bytes(value)),
        Unit::Count => thousands(value),
    }
}

/// Formats the ratio of two values.
pub(super) fn ratio(ratio: f64) -> String {
    if !ratio.is_finite() || ratio < 0.0 {
        return "–".to_owned();
    }
    if ratio > 0.0 && ratio < 0.1 {
        // Two decimals would hide most of it.
        return format!("1/{}×", thousands(1.0 / ratio));
    }
    format!("{}×", digits(ratio))
}

/// Formats a goal.
fn goal(unit: Unit, goal: Goal) -> String {
    match goal {
        Goal::Nothing => String::new(),
        Goal::TimesEcho(times) => format!("≤ {times}× `cat`"),
        Goal::AtMost(bound) => format!("≤ {}", value(unit, bound)),
        Goal::AtLeast(bound) => format!("≥ {}", value(unit, bound)),
        Goal::AtLeastTimesEcho(times) => format!("≥ {times}× `cat`"),
    }
}

/// Formats the goals of a figure, the one of the build without optional features in brackets.
pub(super) fn goals(metric: &Metric) -> String {
    let full = goal(metric.unit, metric.goal);
    match metric.slim_goal.map(|slim| goal(metric.unit, slim)) {
        None => full,
        Some(slim) if full.is_empty() => format!("slim {slim}"),
        Some(slim) => format!("{full} (slim {slim})"),
    }
}

fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        0.0 => "0 s".to_owned(),
        size if size < 1e-6 => format!("{} ns", digits(seconds * 1e9)),
        size if size < 1e-3 => format!("{} µs", digits(seconds * 1e6)),
        size if size < 1.0 => format!("{} ms", digits(seconds * 1e3)),
        _ => format!("{} s", digits(seconds)),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes.abs() {
        size if size < 1024.0 => format!("{bytes:.0} B"),
        size if size < 1024.0 * 1024.0 => format!("{} KiB", digits(bytes / 1024.0)),
        _ => format!("{} MiB", digits(bytes / 1024.0 / 1024.0)),
    }
}

/// Formats three digits, the precision of the measurements.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => thousands(value),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let plain = format!("{value:.0}");
    let (sign, digits) = plain
        .strip_prefix('-')
        .map_or(("", plain.as_str()), |d| ("-", d));
    let mut grouped = String::from(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::{Unit, ratio, thousands, value};

    #[test]
    fn small_ratios_are_fractions() {
        assert_eq!(ratio(1.5), "1.50×");
        assert_eq!(ratio(0.002), "1/500×");
        assert_eq!(ratio(f64::NAN), "–");
    }

    #[test]
    fn values_keep_three_digits() {
        assert_eq!(value(Unit::Seconds, 0.001_234_5), "1.23 ms");
        assert_eq!(value(Unit::Seconds, 0.000_012_34), "12.3 µs");
        assert_eq!(value(Unit::Bytes, 5.5 * 1024.0 * 1024.0), "5.50 MiB");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(thousands(-123.0), "-123");
    }
}
