//! Token usage over time.

use serde_json::{Value, json};

pub(super) fn body() -> Value {
    json!({"stats": {
        "lifetime_tokens": 123_456,
        "peak_daily_tokens": 4_567,
        "longest_running_turn_sec": 321,
        "current_streak_days": 3,
        "longest_streak_days": 9,
        "daily_usage_buckets": [{"start_date": "2026-01-01", "tokens": 100}],
    }})
}
