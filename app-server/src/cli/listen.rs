//! The listening address of `byokey app-server`, and the admission of clients.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

pub(crate) use byokey_rpc::ListenLimits;
use byokey_rpc::websocket::{
    AuthMode, AuthSettings, BearerRule, SecretFileError, SettingsError, TokenFile,
};
use byokey_rpc::{
    BoundListener, ClaimedStdio, ListenUrl, ListenUrlError, SocketError, claim_stdio,
};
use clap::{Args, ValueEnum};

use super::at_terminal;

/// The folder for sockets and tokens in our own home. codex's daemon has its socket in codex's
/// home, and a plain `codex` attaches to any server listening there.
const RUN_FOLDER: &str = "run";
/// The default name of the socket in it.
const SOCKET_NAME: &str = "app-server.sock";

/// Returns the path of the default socket.
pub(super) fn default_socket(byokey_home: &Path) -> PathBuf {
    byokey_home.join(RUN_FOLDER).join(SOCKET_NAME)
}

/// The default address.
const STDIO: &str = "stdio://";
/// The default limit of connections.
const MAX_CONNECTIONS: u16 = 32;

/// Where to listen, and which clients to admit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
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
    /// How WebSocket clients authenticate; without it, a token is generated for them.
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
    /// The required issuer of signed bearers.
    #[arg(long, value_name = "ISSUER")]
    ws_issuer: Option<String>,
    /// The required audience of signed bearers.
    #[arg(long, value_name = "AUDIENCE")]
    ws_audience: Option<String>,
    /// Tolerance between the clocks; 30 if not given.
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

/// How WebSocket clients authenticate.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum WsAuth {
    /// With one fixed token.
    CapabilityToken,
    /// With a JWT that was signed for them with HS256.
    SignedBearerToken,
}

/// A parsed listening address.
#[derive(Debug)]
pub(crate) enum Place {
    /// Standard input and output.
    Stdio,
    /// A Unix socket.
    Unix(PathBuf),
    /// A WebSocket server; a rule is generated if there is none.
    WebSocket(SocketAddr, Option<BearerRule>),
}

/// Why the server cannot listen.
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
        "others can reach {0}, so choose how clients authenticate with --ws-auth; or \
         listen on ws://127.0.0.1:{port}", port = .0.port()
    )]
    Exposed(SocketAddr),
    #[error("cannot listen on ws://{0}: {1}")]
    Address(SocketAddr, io::Error),
    #[error(
        "there is no home folder for the socket or the token; name the socket with --listen \
         unix://PATH, or choose how clients authenticate with --ws-auth"
    )]
    NoHome,
    #[error("cannot serve standard input and output: {0}")]
    Stdio(io::Error),
}

/// An open listening address.
#[derive(Debug)]
pub(crate) enum Open {
    /// Standard input and output.
    Stdio(ClaimedStdio),
    /// A listener.
    Listener {
        bound: BoundListener,
        /// The address for clients.
        address: String,
        /// Whether other machines can reach it.
        exposed: bool,
        /// The file with the generated token. It is removed on drop.
        token: Option<TokenFile>,
    },
}

impl Listen {
    /// Parses the flags, and reads the files that they name.
    pub(crate) fn place(self, byokey_home: Option<&Path>) -> Result<Place, ListenError> {
        let rule = self.auth().rule()?;
        if self.stdio {
            return Ok(Place::Stdio);
        }
        Ok(match self.listen.parse()? {
            ListenUrl::Stdio => Place::Stdio,
            ListenUrl::Unix(Some(path)) => Place::Unix(path),
            ListenUrl::Unix(None) => {
                Place::Unix(default_socket(byokey_home.ok_or(ListenError::NoHome)?))
            }
            ListenUrl::WebSocket(address) if rule.is_none() && !address.ip().is_loopback() => {
                return Err(ListenError::Exposed(address));
            }
            ListenUrl::WebSocket(address) => Place::WebSocket(address, rule),
        })
    }

    /// Returns the bounds of a listener.
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
    /// Opens the address.
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

    /// Prints the address for clients on standard error. The reader may send a signal next, so this
    /// is done after the signal handlers are installed.
    pub(crate) fn announce(&self) {
        let Self::Listener {
            address,
            exposed,
            token,
            ..
        } = self
        else {
            return at_terminal::hint();
        };
        at_terminal::say(&format!("listening on {address}"));
        if let Some(file) = token {
            let path = file.path().display();
            at_terminal::say(&format!("clients present the bearer in {path}"));
        }
        if *exposed {
            at_terminal::say("nothing on this port is encrypted: put a TLS proxy in front of it");
        }
    }

    /// Returns the folder of the file that must be removed at the end.
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
