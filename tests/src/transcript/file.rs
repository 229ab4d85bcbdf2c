//! A parsed transcript: its rule, its settings and its steps.

use std::time::Duration;

/// One file.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// `family/rule`.
    pub name: String,
    /// The rule in words.
    pub rule: String,
    /// `key=value`, on top of the configuration of the mock provider.
    pub settings: Vec<Line<String>>,
    /// The steps, in order.
    pub steps: Vec<Line<Step>>,
}

/// A value and its line.
#[derive(Clone, Debug)]
pub struct Line<T> {
    /// Counted from 1.
    pub number: usize,
    /// The value.
    pub value: T,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// `$name = …`: a name for a fake value.
    Bind(String, String),
    /// `> …`: a message of the client.
    Say(usize, String),
    /// `>| "…"`: verbatim bytes of the client.
    SayRaw(usize, String),
    /// `< …`: the next message of the server.
    Hear(usize, String),
    /// `<* …`: one of several messages in any order.
    HearAnyOrder(usize, String),
    /// `<~ …`: a message of the server; earlier ones are ignored.
    HearEventually(usize, String),
    /// `<| "…"`: the next verbatim bytes of the server.
    HearRaw(usize, String),
    /// `< nothing`.
    HearNothing(usize),
    /// `< …`: any further messages.
    HearTheRest(usize),
    /// `% …`: the backend.
    Backend(String),
    /// `@ …`: time passes.
    Wait(Duration),
    /// `! introduced …`: the handshake, and `initialized`.
    Introduced(usize, String),
    /// `! signed in $token account`: a login with tokens.
    SignedIn(usize, String),
    /// `! thread $name`: a thread.
    Thread(usize, String),
    /// `! end of input`.
    EndOfInput(usize),
    /// `! framing content-length`.
    ContentLength(usize),
}

impl Transcript {
    /// Parses a file.
    ///
    /// # Errors
    ///
    /// The problem, with file and line.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let at = |number: usize, problem: &str| format!("{}: {problem}", place(name, number));
        let mut rule = Vec::new();
        let (mut settings, mut steps) = (Vec::new(), Vec::new());
        let lines = logical_lines(text);
        let mut lines = lines.into_iter().peekable();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.is_empty()) {
            rule.push(line);
        }
        if rule.is_empty() {
            return Err(at(1, "the rule in words is missing"));
        }
        for (number, line) in lines {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(setting) = line.strip_prefix("= ") {
                let value = setting.trim().to_owned();
                settings.push(Line { number, value });
                continue;
            }
            let value = step(&line).ok_or_else(|| at(number, "this line has no meaning"))?;
            steps.push(Line { number, value });
        }
        if steps.is_empty() {
            return Err(at(1, "nothing happens"));
        }
        let (name, rule) = (name.to_owned(), rule.join(" "));
        Ok(Self {
            name,
            rule,
            settings,
            steps,
        })
    }

    /// Returns whether it only runs in this process: it moves the clock, or has a second peer.
    #[must_use]
    pub fn is_for_memory_only(&self) -> bool {
        self.moves_the_clock() || self.steps.iter().any(|step| peer(&step.value) > 1)
    }

    /// Returns whether it moves the clock.
    #[must_use]
    pub fn moves_the_clock(&self) -> bool {
        let waits = |step: &Line<Step>| matches!(step.value, Step::Wait(_));
        self.steps.iter().any(waits)
    }
}

/// `tests/transcripts/family/rule.txt:line`.
pub(super) fn place(name: &str, number: usize) -> String {
    format!("tests/transcripts/{name}.txt:{number}")
}

/// Splits a text into numbered lines; an indented line continues the previous one.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let continues = line.starts_with(' ') && !line.trim().is_empty();
        match lines.last_mut() {
            Some((_, before)) if continues && !before.is_empty() => {
                before.push(' ');
                before.push_str(line.trim());
            }
            _ => lines.push((index + 1, line.trim().to_owned())),
        }
    }
    lines
}

fn step(line: &str) -> Option<Step> {
    let (peer, line) = match line.split_at_checked(1) {
        Some((digit @ ("2" | "3"), rest)) => (digit.parse().ok()?, rest.trim_start()),
        _ => (1, line),
    };
    if let Some(binding) = line.strip_prefix('$') {
        let (name, value) = binding.split_once('=')?;
        return Some(Step::Bind(name.trim().to_owned(), value.trim().to_owned()));
    }
    let (sigil, rest) = line.split_once(' ')?;
    let rest = rest.trim().to_owned();
    Some(match (sigil, rest.as_str()) {
        (">", _) => Step::Say(peer, rest),
        (">|", _) => Step::SayRaw(peer, rest),
        ("<", "nothing") => Step::HearNothing(peer),
        ("<", "…") => Step::HearTheRest(peer),
        ("<", _) => Step::Hear(peer, rest),
        ("<*", _) => Step::HearAnyOrder(peer, rest),
        ("<~", _) => Step::HearEventually(peer, rest),
        ("<|", _) => Step::HearRaw(peer, rest),
        ("%", _) => Step::Backend(rest),
        ("@", _) => Step::Wait(duration(&rest)?),
        ("!", "end of input") => Step::EndOfInput(peer),
        ("!", "framing content-length") => Step::ContentLength(peer),
        ("!", _) => scene(peer, &rest)?,
        _ => return None,
    })
}

fn scene(peer: usize, text: &str) -> Option<Step> {
    if let Some(capabilities) = text.strip_prefix("introduced") {
        return Some(Step::Introduced(peer, capabilities.trim().to_owned()));
    }
    if let Some(login) = text.strip_prefix("signed in ") {
        return Some(Step::SignedIn(peer, login.to_owned()));
    }
    let name = text.strip_prefix("thread $")?;
    Some(Step::Thread(peer, name.to_owned()))
}

/// `10s`, `1.5s` or `200ms`.
fn duration(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return Some(Duration::from_millis(millis.parse().ok()?));
    }
    Duration::try_from_secs_f64(text.strip_suffix('s')?.parse().ok()?).ok()
}

const fn peer(step: &Step) -> usize {
    match step {
        Step::Say(peer, _)
        | Step::SayRaw(peer, _)
        | Step::Hear(peer, _)
        | Step::HearAnyOrder(peer, _)
        | Step::HearEventually(peer, _)
        | Step::HearRaw(peer, _)
        | Step::HearNothing(peer)
        | Step::HearTheRest(peer)
        | Step::Introduced(peer, _)
        | Step::SignedIn(peer, _)
        | Step::Thread(peer, _)
        | Step::EndOfInput(peer)
        | Step::ContentLength(peer) => *peer,
        Step::Bind(..) | Step::Backend(_) | Step::Wait(_) => 1,
    }
}
