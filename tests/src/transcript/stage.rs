//! Where a transcript runs: against the server in this process, or the spawned program.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use byokey_app_server::config::{Config, Environment, Overrides};
use byokey_app_server::server::connection;
use byokey_app_server::server::services::Services;
use byokey_base::clock::Clock;
use byokey_dev_backend::DevBackend;
use byokey_protocol::initialize::HardeningReport;
use byokey_rpc::{Ended, Limits, serve};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::file::Transcript;
use super::wire::{Wire, in_time};
use crate::server::mock_provider;
use crate::{Home, Server, Setup};

/// Where a transcript runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In this process, over in-memory pipes; a file that moves the clock is the only one to move
    /// it.
    Memory,
    /// Against the spawned program.
    Spawned,
}

/// The running server.
pub(super) enum Stage {
    Memory(Memory),
    Spawned(Box<Server>),
}

/// The server in this process.
pub(super) struct Memory {
    services: Arc<Services>,
    shutdown: watch::Sender<bool>,
    connections: Vec<JoinHandle<Ended>>,
    _home: Home,
}

impl Stage {
    pub(super) fn set(mode: Mode, transcript: &Transcript, backend: &DevBackend) -> Self {
        let settings = transcript.settings.iter();
        let settings: Vec<String> = settings
            .map(|line| line.value.replace("$backend", &backend.base_url()))
            .collect();
        if mode == Mode::Spawned {
            let mut setup = Setup::default().backend(backend);
            for setting in &settings {
                setup = setup.argument("-c").argument(setting);
            }
            return Self::Spawned(Box::new(setup.start()));
        }
        let home = Home::new(&mock_provider(&backend.base_url()));
        let environment = Environment::of([("HOME", &home.path().display().to_string())]);
        let overrides = Overrides {
            settings,
            ..Overrides::default()
        };
        let config = Config::load(&environment, &overrides);
        let clock = Arc::new(StageClock::new(transcript.moves_the_clock()));
        // No protection is active here; the program only reports it.
        let hardening = HardeningReport {
            locked_memory: Some(false),
            ..HardeningReport::default()
        };
        Self::Memory(Memory {
            services: Services::with_clock(config, hardening, clock),
            shutdown: watch::Sender::new(false),
            connections: Vec::new(),
            _home: home,
        })
    }

    /// Opens a connection.
    pub(super) fn connect(&mut self) -> Result<Wire, String> {
        match self {
            Self::Memory(memory) => Ok(memory.connect()),
            Self::Spawned(server) => {
                let (input, output) = server.pipes();
                Ok(Wire::new(Box::new(output), Box::new(input)))
            }
        }
    }

    /// Waits for the end of the server after the end of input.
    pub(super) async fn end(self) -> Result<(), String> {
        match self {
            Self::Memory(memory) => {
                for connection in memory.connections {
                    let ended = in_time(connection).await?;
                    let ended = ended.map_err(|_| "the connection panicked".to_owned())?;
                    if ended != Ended::EndOfInput {
                        return Err(format!("the connection ended with {ended:?}"));
                    }
                }
                Ok(())
            }
            Self::Spawned(mut server) => match server.exit_code().await {
                Some(0) => Ok(()),
                code => Err(format!("the program ended with {code:?}")),
            },
        }
    }
}

impl Memory {
    fn connect(&mut self) -> Wire {
        // Two pipes, so that one direction can end before the other; small, so that partial reads
        // and writes are tested as well.
        let (input, reader) = tokio::io::duplex(1024);
        let (writer, output) = tokio::io::duplex(1024);
        let (services, shutdown) = (Arc::clone(&self.services), self.shutdown.subscribe());
        let connection = serve(
            reader,
            writer,
            connection::open(services),
            Limits::default(),
            shutdown,
        );
        self.connections.push(tokio::spawn(connection));
        Wire::new(Box::new(output), Box::new(input))
    }
}

/// The time of day: the real one, or tokio's clock from a fixed start.
pub(super) struct StageClock {
    begun: Instant,
    since_epoch: Duration,
}

/// The first of January 2026.
const BEGIN: Duration = Duration::from_secs(1_767_225_600);

impl StageClock {
    pub(super) fn new(fixed: bool) -> Self {
        let real = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            begun: Instant::now(),
            since_epoch: if fixed { BEGIN } else { real.unwrap_or(BEGIN) },
        }
    }
}

impl Clock for StageClock {
    fn since_epoch(&self) -> Duration {
        self.since_epoch + self.begun.elapsed()
    }
}
