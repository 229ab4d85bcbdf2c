//! Examples at the end of `--help` and of the manual pages.

pub(super) const BYOKEY: &str = "\
Examples:
  byokey demo                        the life of a login, offline
  byokey app-server                  what an editor or agent host spawns
  byokey login --store file          sign in with the browser, without a host
  byokey status --store file         the stored account
  byokey run --store file codex      codex on that login, which it does not get
  byokey gateway --store file        other programs on this login
  byokey doctor                      what is wrong, and what mends it
  byokey dev-backend                 a backend on this machine, to develop a host against
  byokey completion bash             completions; also zsh, fish, elvish, powershell

`byokey COMMAND --help` has the options of a command.";

pub(super) const APP_SERVER: &str = "\
Examples:
  byokey app-server                              JSON-RPC on standard input and output
  byokey app-server --store file                 starts with the stored login
  byokey app-server --listen unix://             several clients, on a socket
  byokey app-server --trace-protocol trace.log   the traffic, with secrets redacted
  RUST_LOG=debug byokey app-server               a more detailed log on standard error";

pub(super) const LOGIN: &str = "\
Examples:
  byokey login --store file                      in the browser
  byokey login --store file --device-auth        on a machine without a browser
  printenv OPENAI_API_KEY | byokey login --store file --with-api-key";

#[cfg(feature = "gateway")]
pub(super) const GATEWAY: &str = "\
Examples:
  byokey gateway --store file                    on any free port of 127.0.0.1
  byokey gateway --store file --port 8455        on this one, for settings that stay
  OPENAI_API_KEY=\"$(byokey gateway key)\" …      the key of the running gateway
  byokey gateway status                          what it has counted

Without a stored login, OPENAI_API_KEY of the environment is used.";

#[cfg(feature = "doctor")]
pub(super) const DOCTOR: &str = "\
Examples:
  byokey doctor                                  without a request to the network
  byokey doctor --network                        also whether each backend answers
  byokey doctor --json

The report has no secret in it, and can be pasted into an issue.
Exit code 0: no failure, 1: a failure, 2: wrong arguments.";

pub(super) const STATUS: &str = "\
Examples:
  byokey status --store file
  byokey status --store file --json

Exit code 0: signed in, 1: signed out, 2: failure, 3: expired.";

#[cfg(feature = "gateway")]
pub(super) const RUN: &str = "\
Examples:
  byokey run --store file codex                  codex on the stored login
  byokey run codex exec 'what is in this folder?'
  byokey run opencode
  byokey run -- python ask.py                    any program with a library of OpenAI

The exit code is that of the program. 125: there is no login, or the gateway did not start; 126 and
127: the program cannot be started.";

#[cfg(feature = "gateway")]
pub(super) const TOKEN: &str = "\
Examples:
  byokey token --store file                      the token, for a program that asks a command for it
  byokey token --store file --json               with its expiry

Exit code 0: a token, 1: signed out, 2: failure or refused, 3: expired.";
