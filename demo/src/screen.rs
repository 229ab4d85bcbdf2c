//! The output: one line per message, cut to the width of the terminal.

use std::io::{self, Write};
use std::sync::Arc;

use byokey_dev_backend::{Exchange, Outcome};

use super::abbreviate::quoted;
use super::json::Json;
use super::line::{Line, cut, length, with_tokens};
use super::style::{Palette, Style};
use super::tokens::Tokens;

/// The maximal width. Longer lines are not easier to read.
const WIDEST: usize = 140;
/// The indentation of a chapter's lines.
const MARGIN: &str = "    ";

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the host to the server.
    In,
    /// From the server to the host.
    Out,
}

impl Direction {
    fn label(self) -> (Style, String) {
        match self {
            Self::In => (Style::Host, format!("{MARGIN}host → byokey     ")),
            Self::Out => (Style::Server, format!("{MARGIN}host ← byokey     ")),
        }
    }
}

/// The output.
pub(super) struct Screen {
    out: Box<dyn Write>,
    palette: Palette,
    width: usize,
    tokens: Arc<Tokens>,
    /// The space left on a line of streamed text that is still open.
    streaming: Option<usize>,
}

impl Screen {
    /// Returns standard output, in colour if it is a terminal and colours are not disabled.
    pub(super) fn of_stdout(tokens: Arc<Tokens>) -> Self {
        let width = width_of_terminal().map_or(WIDEST, |width| width.min(WIDEST));
        Self::new(Box::new(io::stdout()), Palette::of_stdout(), width, tokens)
    }

    pub(super) fn new(
        out: Box<dyn Write>,
        palette: Palette,
        width: usize,
        tokens: Arc<Tokens>,
    ) -> Self {
        Self {
            out,
            palette,
            width,
            tokens,
            streaming: None,
        }
    }

    /// Prints a line of several pieces.
    pub(super) fn line(&mut self, pieces: Line) -> io::Result<()> {
        self.end_stream()?;
        let line = self.painted(pieces);
        writeln!(self.out, "{line}")
    }

    /// Prints a message between host and server.
    pub(super) fn message(&mut self, direction: Direction, message: &Json) -> io::Result<()> {
        let method = message.get("method").and_then(Json::text);
        if method == Some("item/agentMessage/delta") {
            return self.streamed(direction, message);
        }
        let id = message.get("id").map_or_else(String::new, |id| {
            format!(" [{}]", id.abbreviated(40, &self.tokens))
        });
        let (style, name, body) = match (method, message.get("error")) {
            (Some(method), _) => (Style::Strong, method, message.get("params")),
            (None, Some(error)) => (Style::Bad, "error", Some(error)),
            (None, None) => (Style::Plain, "answer", message.get("result")),
        };
        let mut line = vec![
            direction.label(),
            (style, name.to_owned()),
            (Style::Plain, id + " "),
        ];
        let kind = message
            .get("error")
            .and_then(|error| error.get("data")?.get("kind")?.text());
        if let Some(kind) = kind {
            line.push((Style::Bad, format!("{kind} ")));
        }
        if let Some(body) = body {
            let room = self.width.saturating_sub(length(&line));
            line.extend(with_tokens(&body.abbreviated(room, &self.tokens)));
        }
        self.line(line)
    }

    /// Prints a call of the server to the backend, and its response.
    pub(super) fn exchange(&mut self, exchange: &Exchange) -> io::Result<()> {
        let token = self.tokens.name_of(exchange.bearer);
        let path = exchange.path.strip_prefix("/backend-api");
        let path = path.map_or_else(|| exchange.path.clone(), |path| format!("…{path}"));
        let good = matches!(exchange.outcome, Outcome::Status(status) if status.is_success());
        let status = if good { Style::Good } else { Style::Bad };
        self.line(vec![
            (Style::Backend, format!("{MARGIN}byokey → backend  ")),
            (Style::Plain, format!("{} {path} ", exchange.method)),
            (Style::Token, token),
            (status, format!(" {}", exchange.outcome)),
        ])
    }

    /// Prints an event without a message.
    pub(super) fn remark(&mut self, text: &str) -> io::Result<()> {
        let mut line = vec![(Style::Plain, format!("{MARGIN}· "))];
        line.extend(with_tokens(text));
        self.line(line)
    }

    /// Prints a check and its result. If it failed, also the value found instead.
    pub(super) fn check(&mut self, check: &str, instead: Option<&Json>) -> io::Result<()> {
        let Some(found) = instead else {
            return self.line(vec![
                (Style::Good, format!("{MARGIN}✓ ")),
                (Style::Plain, check.to_owned()),
            ]);
        };
        self.line(vec![(Style::Bad, format!("{MARGIN}✗ {check}"))])?;
        let found = found.abbreviated(self.width, &self.tokens);
        self.line(vec![(Style::Plain, format!("{MARGIN}  but found {found}"))])
    }

    /// Prints one delta of a streamed text. All of them share a line.
    fn streamed(&mut self, direction: Direction, message: &Json) -> io::Result<()> {
        let piece = message
            .get("params")
            .and_then(|params| params.get("delta"))
            .and_then(Json::text)
            .unwrap_or_default();
        let mut line = Line::new();
        let room = match self.streaming {
            Some(room) => room,
            None => {
                let method = (Style::Strong, "item/agentMessage/delta".to_owned());
                line.extend([direction.label(), method]);
                self.width.saturating_sub(length(&line))
            }
        };
        let piece = self
            .tokens
            .redacted(piece, true)
            .unwrap_or_else(|| quoted(piece));
        let mut piece = vec![(Style::Plain, format!(" {piece}"))];
        cut(&mut piece, room);
        self.streaming = Some(room.saturating_sub(length(&piece)));
        line.extend(piece);
        for (style, text) in line {
            self.out
                .write_all(self.palette.paint(style, &text).as_bytes())?;
        }
        self.out.flush()
    }

    fn end_stream(&mut self) -> io::Result<()> {
        match self.streaming.take() {
            Some(_) => writeln!(self.out),
            None => Ok(()),
        }
    }

    fn painted(&self, mut pieces: Line) -> String {
        cut(&mut pieces, self.width);
        let painted = pieces
            .iter()
            .map(|(style, text)| self.palette.paint(*style, text));
        painted.collect::<String>().trim_end().to_owned()
    }
}

/// Returns the number of columns of the terminal, if known.
#[cfg(unix)]
fn width_of_terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}

/// Consoles of Windows wrap lines themselves.
#[cfg(not(unix))]
const fn width_of_terminal() -> Option<usize> {
    None
}
