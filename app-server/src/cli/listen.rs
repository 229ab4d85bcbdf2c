//! Where `byokey app-server` listens, and whom it lets in.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use byokey_rpc::websocket::{
    AuthMode, AuthSettings, BearerRule, SecretFileError, SettingsError, TokenFile,
};
use byokey_rpc::{
    BoundListener, ClaimedStdio, ListenLimits, ListenUrl, ListenUrlError, SocketError, claim_stdio,
};
use clap::{Args, ValueEnum};

/// The folder in our own home for what opens a running server. Codex's daemon has its socket in
/// codex's home, and a plain `codex` attaches to whatever listens there.
const RUN_FOLDER: &str = "run";
/// The socket in it, unless another path is named.
const SOCKET_NAME: &str = "app-server.sock";

/// Where to listen unless somewhere else is named.
const STDIO: &str = "stdio://";
/// Most connections at once unless another number is given.
const MAX_CONNECTIONS: u16 = 32;

/// Where to listen, and whom to let in.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    /// Where to listen: `stdio://`, `unix://`, `unix://PATH` or `ws://IP:PORT`.
    #[arg(long, value_name = "URL", default_value = STDIO)]
    listen: String,
    /// The same as `--listen stdio://`.
    #[arg(long)]
    stdio: bool,
    /// Most connections at once, for unix:// and ws://.
    #[arg(long, value_name = "COUNT", default_value_t = MAX_CONNECTIONS)]
    max_connections: u16,
    /// How WebSocket clients identify themselves; without it, a token is made for them.
    #[arg(long, value_name = "MODE")]
    ws_auth: Option<WsAuth>,
    /// Absolute path of the file with the capability token; only you may read it.
    #[arg(long, value_name = "PATH")]
    ws_token_file: Option<PathBuf>,
    /// SHA-256 digest of the capability token, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    ws_token_sha256: Option<String>,
    /// Absolute path of the file with the secret that signs bearers; only you may read it.
    #[arg(long, value_name = "PATH")]
    ws_shared_secret_file: Option<PathBuf>,
    /// Who must have issued signed bearers.
    #[arg(long, value_name = "ISSUER")]
    ws_issuer: Option<String>,
    /// For whom signed bearers must be.
    #[arg(long, value_name = "AUDIENCE")]
    ws_audience: Option<String>,
    /// How far the clocks may be apart; 30 if not given.
    #[arg(long, value_name = "SECONDS")]
    ws_max_clock_skew_seconds: Option<u64>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            listen: STDIO.to_owned(),
            stdio: false,
            max_connections: MAX_CONNECTIONS,
            ws_auth: None,
            ws_token_file: None,
            ws_token_sha256: None,
            ws_shared_secret_file: None,
            ws_issuer: None,
            ws_audience: None,
            ws_max_clock_skew_seconds: None,
        }
    }
}

/// How WebSocket clients identify themselves.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum WsAuth {
    /// By a token that does not change.
    CapabilityToken,
    /// By a JWT that was signed for them with HS256.
    SignedBearerToken,
}

/// Where to listen, understood.
#[derive(Debug)]
pub(crate) enum Place {
    /// Standard input and output.
    Stdio,
    /// A Unix socket.
    Unix(PathBuf),
    /// A WebSocket server; the rule is to be made if there is none.
    WebSocket(SocketAddr, Option<BearerRule>),
}

/// Why there is nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error(transparent)]
    Url(#[from] ListenUrlError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error(transparent)]
    Token(#[from] SecretFileError),
    #[error(
        "others can reach {0}, so choose how clients identify themselves with --ws-auth; or \
         listen on ws://127.0.0.1:{port}", port = .0.port()
    )]
    Exposed(SocketAddr),
    #[error("cannot listen on ws://{0}: {1}")]
    Address(SocketAddr, io::Error),
    #[error(
        "there is no home folder for the socket or the token; name the socket with --listen \
         unix://PATH, or choose how clients identify themselves with --ws-auth"
    )]
    NoHome,
    #[error("cannot serve standard input and output: {0}")]
    Stdio(io::Error),
}

/// What is served, open.
#[derive(Debug)]
pub(crate) enum Open {
    /// Standard input and output.
    Stdio(ClaimedStdio),
    /// A listener.
    Listener {
        bound: BoundListener,
        /// Where it listens, as clients name it.
        address: String,
        /// Whether others than this machine's processes can reach it.
        exposed: bool,
        /// The file with the token that was made for it. It goes when this does.
        token: Option<TokenFile>,
    },
}

impl Listen {
    /// Understands the flags, and reads the files that they name.
    pub(crate) fn place(self, byokey_home: Option<&Path>) -> Result<Place, ListenError> {
        let rule = self.auth().rule()?;
        if self.stdio {
            return Ok(Place::Stdio);
        }
        Ok(match self.listen.parse()? {
            ListenUrl::Stdio => Place::Stdio,
            ListenUrl::Unix(Some(path)) => Place::Unix(path),
            ListenUrl::Unix(None) => {
                let folder = byokey_home.ok_or(ListenError::NoHome)?.join(RUN_FOLDER);
                Place::Unix(folder.join(SOCKET_NAME))
            }
            ListenUrl::WebSocket(address) if rule.is_none() && !address.ip().is_loopback() => {
                return Err(ListenError::Exposed(address));
            }
            ListenUrl::WebSocket(address) => Place::WebSocket(address, rule),
        })
    }

    /// The bounds of a listener.
    pub(crate) fn limits(&self, max_message: usize) -> ListenLimits {
        ListenLimits {
            max_message,
            max_connections: self.max_connections.into(),
        }
    }

    fn auth(&self) -> AuthSettings {
        AuthSettings {
            mode: self.ws_auth.map(|mode| match mode {
                WsAuth::CapabilityToken => AuthMode::CapabilityToken,
                WsAuth::SignedBearerToken => AuthMode::SignedBearerToken,
            }),
            token_file: self.ws_token_file.clone(),
            token_sha256: self.ws_token_sha256.clone(),
            shared_secret_file: self.ws_shared_secret_file.clone(),
            issuer: self.ws_issuer.clone(),
            audience: self.ws_audience.clone(),
            max_clock_skew_seconds: self.ws_max_clock_skew_seconds,
        }
    }
}

impl Open {
    /// Opens the place.
    pub(crate) fn new(place: Place, byokey_home: Option<&Path>) -> Result<Self, ListenError> {
        match place {
            Place::Stdio => Ok(Self::Stdio(claim_stdio().map_err(ListenError::Stdio)?)),
            Place::Unix(path) => {
                let address = format!("unix://{}", path.display());
                Ok(Self::Listener {
                    bound: BoundListener::unix(path)?,
                    address,
                    exposed: false,
                    token: None,
                })
            }
            Place::WebSocket(address, rule) => Self::port(address, rule, byokey_home),
        }
    }

    fn port(
        address: SocketAddr,
        rule: Option<BearerRule>,
        byokey_home: Option<&Path>,
    ) -> Result<Self, ListenError> {
        let refused = |error| ListenError::Address(address, error);
        let port = TcpListener::bind(address).map_err(refused)?;
        let address = port.local_addr().map_err(refused)?;
        let (rule, token) = match rule {
            Some(rule) => (rule, None),
            None => {
                let name = format!("ws-{}.token", address.port());
                let folder = byokey_home.ok_or(ListenError::NoHome)?.join(RUN_FOLDER);
                let (file, token) = TokenFile::create(folder.join(name))?;
                (BearerRule::capability(token.as_bytes()), Some(file))
            }
        };
        Ok(Self::Listener {
            bound: BoundListener::port(port, rule).map_err(refused)?,
            address: format!("ws://{address}"),
            exposed: !address.ip().is_loopback(),
            token,
        })
    }

    /// Says on standard error where clients connect. Whoever reads it may send a signal, so it is
    /// said when signals are taken.
    pub(crate) fn announce(&self) {
        let Self::Listener {
            address,
            exposed,
            token,
            ..
        } = self
        else {
            return;
        };
        say(&format!("listening on {address}"));
        if let Some(file) = token {
            let path = file.path().display();
            say(&format!("clients show the bearer in {path}"));
        }
        if *exposed {
            say("nothing on this port is encrypted: put a TLS proxy in front of it");
        }
    }

    /// The folder of the file that has to be removed in the end.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Stdio(_) => None,
            Self::Listener { bound, token, .. } => {
                let token = token.as_ref().map(TokenFile::path);
                bound.path().or(token).and_then(Path::parent)
            }
        }
    }
}

/// Tells whoever started the program, on standard error.
fn say(line: &str) {
    // Whoever closed it does not want to know.
    drop(writeln!(io::stderr(), "byokey: {line}"));
}
