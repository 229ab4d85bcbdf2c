//! Colours of the output, if wanted.

use std::io::IsTerminal as _;

/// The role of a piece of text, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Anything else.
    Plain,
    /// A title or the name of a method.
    Strong,
    /// Details.
    Faint,
    /// From the host.
    Host,
    /// From the server.
    Server,
    /// From the server to the backend.
    Backend,
    /// The placeholder of a token.
    Token,
    /// A success.
    Good,
    /// A failure.
    Bad,
}

impl Style {
    /// The parameters of ANSI's "select graphic rendition".
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Host => "36",
            Self::Server => "34",
            Self::Backend => "35",
            Self::Token => "33",
            Self::Good => "32",
            Self::Bad => "1;31",
        }
    }
}

/// Whether to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Palette {
    /// Colours.
    Coloured,
    /// Plain text.
    Plain,
}

impl Palette {
    /// Returns colours, if standard output is a terminal that supports them and they are not
    /// disabled.
    pub(super) fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|terminal| terminal == "dumb");
        if std::io::stdout().is_terminal() && set("NO_COLOR").is_none() && !dumb {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    pub(super) fn paint(self, style: Style, text: &str) -> String {
        if self == Self::Plain || style == Style::Plain || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{}m{text}\x1b[0m", style.code())
    }
}
