//! When a thread that was let go is unloaded.

use std::time::Duration;

use super::reader::Reader;

/// How long a thread stays loaded after its last subscriber has unsubscribed, unless the
/// configuration has another time. codex's.
const UNLOAD_DELAY: Duration = Duration::from_secs(60);
/// The longest time that the configuration may have for it, in seconds: it is added to a point in
/// time.
const MAX_UNLOAD_DELAY: u64 = 31_536_000;

/// Reads the delay.
pub(super) fn read(settings: &mut Reader<'_>) -> Duration {
    let seconds = settings.number("thread_unload_delay_secs");
    seconds.map_or(UNLOAD_DELAY, |seconds| {
        Duration::from_secs(seconds.min(MAX_UNLOAD_DELAY))
    })
}
