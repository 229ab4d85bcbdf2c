//! What `byokey app-server` prints for people, on standard error.

use std::io::{self, IsTerminal as _, Write as _};

/// What a person reads after starting the server by hand: the first line to paste, and the way out.
const AT_A_TERMINAL: &str = concat!(
    "this is a server for editors and agent hosts, which write JSON-RPC to its standard input. ",
    "By hand, begin with this line; Ctrl-D ends it:\n\n",
    r#"{"id":1,"method":"initialize","params":{"clientInfo":{"name":"by-hand","version":"1"}}}"#,
    "\n{\"id\":2,\"method\":\"account/read\"}\n\n",
    "`byokey --help` lists the other commands; docs/protocol.md has every message."
);
/// Prints the hint, if a person typed the command.
pub(super) fn hint() {
    if io::stdin().is_terminal() {
        say(AT_A_TERMINAL);
    }
}

/// Prints a line on standard error for the user.
pub(super) fn say(line: &str) {
    // A closed standard error is not a failure.
    drop(writeln!(io::stderr(), "byokey: {line}"));
}
