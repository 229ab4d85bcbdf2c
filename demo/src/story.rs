//! The chapters in order, and how they run.

use std::io;

use super::host::Stop;
use super::report::Report;
use super::scenario::Scenario;
use super::style::Style;
use super::{account, bearer, ends, renewal, turn};

/// One chapter.
struct Chapter {
    title: &'static str,
    /// An explanation for new users.
    caption: &'static str,
    run: fn(&mut Scenario) -> Result<(), Stop>,
}

const STORY: [Chapter; 11] = [
    Chapter {
        title: "The host introduces itself",
        caption: "It has started byokey as a child process and speaks JSON-RPC over two pipes.",
        run: account::introduction,
    },
    Chapter {
        title: "The host hands over a token",
        caption: "The host owns the login. byokey keeps the token in memory and nowhere else.",
        run: account::login,
    },
    Chapter {
        title: "Limits and models",
        caption: "byokey asks the backend on the host's behalf, with the host's token.",
        run: account::limits_and_models,
    },
    Chapter {
        title: "A streamed turn",
        caption: "A conversation with a model. The reply arrives piece by piece.",
        run: turn::streamed,
    },
    Chapter {
        title: "The token expires",
        caption: "On a 401, byokey asks the host for a new token and repeats the call.",
        run: renewal::during_a_turn,
    },
    Chapter {
        title: "Any call recovers, not turns alone",
        caption: "Here it is the rate limits that meet the 401.",
        run: renewal::during_any_call,
    },
    Chapter {
        title: "The user has switched accounts",
        caption: "The new token is Bob's. byokey adopts it and notifies every client.",
        run: renewal::by_another_account,
    },
    Chapter {
        title: "The host refuses",
        caption: "No new token: the call fails with a typed error, and the login stays.",
        run: renewal::refused,
    },
    Chapter {
        title: "Logout",
        caption: "byokey forgets the token at once.",
        run: ends::logout,
    },
    Chapter {
        title: "The host is done",
        caption: "It closes the pipe, and byokey ends by itself.",
        run: ends::end_of_input,
    },
    Chapter {
        title: "A token for your provider",
        caption: "Another byokey, another kind of token: opaque, short-lived, for one recipient. One thread outlasts three.",
        run: bearer::one_thread,
    },
];

/// Runs the whole scenario, or as much of it as possible.
pub(super) fn run(mut scenario: Scenario) -> Report {
    if let Err(stop) = run_chapters(&mut scenario) {
        scenario.report.stopped(&stop);
        let line = format!("    ✗ the story stops here: {stop}");
        // If the output is closed, the exit code still reports the result.
        drop(scenario.host.screen.line(vec![(Style::Bad, line)]));
    }
    drop(print_report(&mut scenario));
    scenario.report
}

fn run_chapters(scenario: &mut Scenario) -> Result<(), Stop> {
    introduce(scenario)?;
    for (number, chapter) in (1..).zip(&STORY) {
        scenario.report.chapter = number;
        let screen = &mut scenario.host.screen;
        screen.line(Vec::new())?;
        screen.line(vec![(
            Style::Strong,
            format!("{number:>2}  {}", chapter.title),
        )])?;
        screen.line(vec![(Style::Plain, format!("    {}", chapter.caption))])?;
        (chapter.run)(scenario)?;
    }
    Ok(())
}

/// Prints the participants.
fn introduce(scenario: &mut Scenario) -> io::Result<()> {
    let screen = &mut scenario.host.screen;
    let title = "byokey demo: the life of a login, on this machine alone. All tokens are made up.";
    screen.line(vec![(Style::Strong, title.to_owned())])?;
    screen.line(Vec::new())?;
    for (style, name, who) in [
        (
            Style::Host,
            "host",
            "an editor or agent host, played by this demo",
        ),
        (
            Style::Server,
            "byokey",
            "the real server, a child process: byokey app-server",
        ),
        (
            Style::Backend,
            "backend",
            "a stand-in for the ChatGPT backend, on 127.0.0.1",
        ),
    ] {
        let name = format!("    {name:<9}");
        screen.line(vec![(style, name), (Style::Plain, who.to_owned())])?;
    }
    Ok(())
}

fn print_report(scenario: &mut Scenario) -> io::Result<()> {
    let style = if scenario.report.is_good() {
        Style::Good
    } else {
        Style::Bad
    };
    let screen = &mut scenario.host.screen;
    screen.line(Vec::new())?;
    screen.line(vec![(style, scenario.report.line())])
}
