//! The line that says how long a login still waits for its user. It is shown on a terminal alone,
//! and changes once a minute, so that an address can be pasted beside it.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often it is looked whether the line has to change.
const STEP: Duration = Duration::from_secs(1);
/// Removes the line, so that another one can take its place.
const CLEAR: &str = "\r\u{1b}[K";

/// Shows the line until the future is done, then removes it. `lasts` is how long the login may take
/// from now.
pub(super) async fn shown_until<T>(lasts: Duration, done: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return done.await;
    }
    let begun = Instant::now();
    let shown = async {
        let mut last = String::new();
        loop {
            let line = line(lasts.saturating_sub(begun.elapsed()));
            if line != last {
                write(&format!("{CLEAR}{line}"));
                last = line;
            }
            tokio::time::sleep(STEP).await;
        }
    };
    tokio::select! {
        output = done => {
            write(CLEAR);
            output
        }
        () = shown => unreachable!("the line is shown for ever"),
    }
}

/// Returns the line for the time that is left.
fn line(left: Duration) -> String {
    let left = match left.as_secs() {
        0..60 => "less than a minute".to_owned(),
        seconds => format!("{} min", seconds.div_ceil(60)),
    };
    format!("Waiting for you to sign in; {left} left, Ctrl-C cancels ")
}

fn write(text: &str) {
    let mut terminal = io::stderr();
    // A closed terminal is not a failure.
    drop(terminal.write_all(text.as_bytes()));
    drop(terminal.flush());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::line;

    #[test]
    fn the_line_names_the_whole_minutes_that_are_left() {
        for (seconds, text) in [
            (600, " 10 min left"),
            (599, " 10 min left"),
            (61, " 2 min left"),
            (60, " 1 min left"),
            (59, " less than a minute left"),
            (0, " less than a minute left"),
        ] {
            let line = line(Duration::from_secs(seconds));
            assert!(line.contains(text), "{seconds}: {line}");
        }
    }
}
