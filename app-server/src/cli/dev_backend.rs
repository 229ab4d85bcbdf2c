//! `byokey dev-backend`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use byokey_base::owner_only;
use byokey_dev_backend::{DevBackend, Options, Script, presets};
use clap::Args;

use super::{fail, print};

/// Longest script, in bytes.
const MAX_SCRIPT: u64 = 16 * 1024 * 1024;

/// Options of `byokey dev-backend`.
#[derive(Debug, Args)]
pub(crate) struct DevBackendCommand {
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A JSON file that scripts the responses; see dev-backend/README.md.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Answer a route with a preset, for ever or this many times; may be repeated. Without a route
    /// the preset has its own.
    #[arg(long, value_name = "[ROUTE=]NAME[:TIMES]")]
    preset: Vec<String>,
    /// Change a setting, such as `strict=false`; may be repeated. The value is JSON, or a string.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Print every preset and exit.
    #[arg(long)]
    list_presets: bool,
    /// Answer 401 once a token was used this often, so that the host is asked for a new one.
    #[arg(long, value_name = "TIMES")]
    expire_after: Option<u64>,
}

/// Returns the environment to paste so that this program logs in at the issuer with that address,
/// and keeps such logins apart from real ones.
fn for_logins(url: &str) -> String {
    format!(
        "export CODEX_APP_SERVER_LOGIN_ISSUER={url} BYOKEY_HOME=\"$(mktemp -d)\" BYOKEY_STORE=file"
    )
}

impl DevBackendCommand {
    pub(crate) fn run(self) -> ExitCode {
        if self.list_presets {
            let mut list = String::new();
            for (name, about, route) in presets() {
                list.push_str(&format!("{name:31}{route:12}{about}\n"));
            }
            return print(list.trim_end());
        }
        let script = match self.read_script() {
            Ok(script) => script,
            Err(problem) => return fail(&problem),
        };
        let options = Options::new()
            .port(self.port)
            .script(script)
            .keep_requests(0)
            .on_request(|exchange| drop(writeln!(std::io::stderr(), "{exchange}")));
        let backend = match DevBackend::start(options) {
            Ok(backend) => backend,
            Err(error) => return fail(&format!("cannot listen on port {}: {error}", self.port)),
        };
        let url = backend.base_url();
        print(&format!(
            "listening on {url}; in another terminal:\n  byokey app-server \
             -c chatgpt_base_url={url}/backend-api -c openai_base_url={url}/v1\n\
             and to sign in with fake logins, apart from your own:\n  {}\n  byokey login",
            for_logins(&url)
        ));
        loop {
            std::thread::park();
        }
    }

    fn read_script(&self) -> Result<Script, String> {
        let text = match &self.script {
            None => "{}".to_owned(),
            Some(path) => read(path)
                .map_err(|problem| format!("cannot read {}: {problem}", path.display()))?,
        };
        let script = Script::from_json(&text).map_err(|error| error.to_string())?;
        let script = script
            .with(&self.preset, &self.set)
            .map_err(|error| error.to_string())?;
        Ok(match self.expire_after {
            Some(times) => script.expiring_after(times),
            None => script,
        })
    }
}

/// Reads a script: a regular file, or a pipe such as that of process substitution.
fn read(path: &Path) -> Result<String, String> {
    let read = owner_only::read_named_of_anyone(path, MAX_SCRIPT);
    let bytes = read.map_err(|failure| failure.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    Ok(text.to_owned())
}
