//! The chapters in order, and how they run.

use std::io;

use super::host::Stop;
use super::ink::Ink;
use super::play::Play;
use super::verdict::Verdict;
use super::{account, farewell, renewal, turn};

/// One chapter.
struct Chapter {
    title: &'static str,
    /// An explanation for new users.
    caption: &'static str,
    tell: fn(&mut Play) -> Result<(), Stop>,
}

const STORY: [Chapter; 10] = [
    Chapter {
        title: "The host introduces itself",
        caption: "It has started byokey as a child process and speaks JSON-RPC over two pipes.",
        tell: account::introduction,
    },
    Chapter {
        title: "The host hands over a token",
        caption: "The host owns the login. byokey keeps the token in memory and nowhere else.",
        tell: account::login,
    },
    Chapter {
        title: "Limits and models",
        caption: "byokey asks the backend on the host's behalf, with the host's token.",
        tell: account::limits_and_models,
    },
    Chapter {
        title: "A streamed turn",
        caption: "A conversation with a model. The reply arrives piece by piece.",
        tell: turn::streamed,
    },
    Chapter {
        title: "The token expires",
        caption: "On a 401, byokey asks the host for a new token and repeats the call.",
        tell: renewal::during_a_turn,
    },
    Chapter {
        title: "Any call recovers, not turns alone",
        caption: "Here it is the rate limits that meet the 401.",
        tell: renewal::during_any_call,
    },
    Chapter {
        title: "The user has switched accounts",
        caption: "The new token is Bob's. byokey takes it and tells every client.",
        tell: renewal::by_another_account,
    },
    Chapter {
        title: "The host refuses",
        caption: "No new token: the call fails with a typed error, and the login stays.",
        tell: renewal::refused,
    },
    Chapter {
        title: "Logout",
        caption: "byokey forgets the token at once.",
        tell: farewell::logout,
    },
    Chapter {
        title: "The host is done",
        caption: "It closes the pipe, and byokey ends by itself.",
        tell: farewell::end_of_input,
    },
];

/// Runs the whole scenario, or as much of it as possible.
pub(super) fn tell(mut play: Play) -> Verdict {
    if let Err(stop) = tell_chapters(&mut play) {
        play.verdict.stopped(&stop);
        let line = format!("    ✗ the story stops here: {stop}");
        // If the output is closed, the exit code still reports the result.
        drop(play.host.screen.line(vec![(Ink::Bad, line)]));
    }
    drop(tell_verdict(&mut play));
    play.verdict
}

fn tell_chapters(play: &mut Play) -> Result<(), Stop> {
    introduce(play)?;
    for (number, chapter) in (1..).zip(&STORY) {
        play.verdict.chapter = number;
        let screen = &mut play.host.screen;
        screen.line(Vec::new())?;
        screen.line(vec![(
            Ink::Strong,
            format!("{number:>2}  {}", chapter.title),
        )])?;
        screen.line(vec![(Ink::Plain, format!("    {}", chapter.caption))])?;
        (chapter.tell)(play)?;
    }
    Ok(())
}

/// Prints the participants.
fn introduce(play: &mut Play) -> io::Result<()> {
    let screen = &mut play.host.screen;
    let title = "byokey demo: the life of a login, on this machine alone. All tokens are made up.";
    screen.line(vec![(Ink::Strong, title.to_owned())])?;
    screen.line(Vec::new())?;
    for (ink, name, who) in [
        (
            Ink::Host,
            "host",
            "an editor or agent host, played by this demo",
        ),
        (
            Ink::Server,
            "byokey",
            "the real server, a child process: byokey app-server",
        ),
        (
            Ink::Backend,
            "backend",
            "a stand-in for the ChatGPT backend, on 127.0.0.1",
        ),
    ] {
        let name = format!("    {name:<9}");
        screen.line(vec![(ink, name), (Ink::Plain, who.to_owned())])?;
    }
    Ok(())
}

fn tell_verdict(play: &mut Play) -> io::Result<()> {
    let ink = if play.verdict.is_good() {
        Ink::Good
    } else {
        Ink::Bad
    };
    let screen = &mut play.host.screen;
    screen.line(Vec::new())?;
    screen.line(vec![(ink, play.verdict.line())])
}
