//! Runs every transcript of `clients/suite`, against the scripted and against the real server. Each
//! is a test of its own. The traffic of the real server is recorded, and its output is searched for
//! the secrets in its input.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod player;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use byokey_client::{
    BearerLogin, ByokeyClient, EventStream, SpawnOptions, Supervision, Supervisor,
};
use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::tools::has;
use byokey_tests::{Overheard, PATIENCE};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::player::{Differs, Player, Provider, class, filled, shows};

/// Timeout of the server's exit after its client was closed.
const CLOSING_TAKES: Duration = Duration::from_secs(3);

fn main() {
    let python = has("python3");
    let codex = byokey_tests::codex::program();
    let overheard = Overheard::start();
    let mut trials = Vec::new();
    let files = ["transcripts", "programs"].map(|it| suite().join(it));
    let files = files.map(|folder| std::fs::read_dir(folder).expect("the transcripts"));
    for file in files.into_iter().flatten() {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").display().to_string();
        let transcript = read(&path);
        if transcript
            .get("server")
            .or(transcript.get("servers"))
            .is_some()
        {
            let (name, transcript) = (format!("{name}::scripted"), transcript.clone());
            let play = move || Ok(against_the_scripted_server(&path, &transcript)?);
            trials.push(Trial::test(name, play).with_ignored_flag(!python));
        }
        if transcript.get("backend").is_some() {
            let transcript = transcript.clone();
            let program = overheard.program();
            let play = move || Ok(against_the_real_server(&transcript, program)?);
            trials.push(Trial::test(format!("{name}::real"), play));
        }
        if let (Some(_), Some(program)) = (transcript.get("codex"), &codex) {
            let program = program.clone();
            let play = move || Ok(against_codex(&transcript, program)?);
            trials.push(Trial::test(format!("{name}::codex"), play));
        }
    }
    assert!(trials.len() > 30, "the suite is not where it should be");
    let arguments = Arguments::from_args();
    let played = libtest_mimic::run(&arguments, trials);
    // Some of the tests, or a list of them, do not need the real server.
    if arguments.filter.is_none() && !arguments.list && !played.has_failed() {
        let tokens = tokens();
        overheard.add_secrets(tokens.values().filter_map(Value::as_str));
        overheard.check("");
    }
    played.exit();
}

fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../suite")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

fn tokens() -> Map<String, Value> {
    let tokens = read(&suite().join("tokens.json"));
    tokens.as_object().expect("tokens by name").clone()
}

fn against_the_scripted_server(path: &Path, transcript: &Value) -> Result<(), Differs> {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report");
    let server = suite().join("scripted_server.py");
    let args = [server.as_path(), path, &report];
    let played = play(transcript, "python3", args);
    let verdict = std::fs::read_to_string(&report).unwrap_or_else(|_| "nothing".to_owned());
    match played {
        Ok(()) if verdict == "ok" => Ok(()),
        Ok(()) => Err(format!("the server says: {verdict}")),
        Err(differs) => Err(format!("{differs}; the server says: {verdict}")),
    }
}

fn against_the_real_server(transcript: &Value, program: PathBuf) -> Result<(), Differs> {
    let script = Script::from_value(filled(&transcript["backend"], &tokens()));
    let script = script.expect("a script of the backend");
    let backend = DevBackend::start(Options::new().script(script)).expect("a backend");
    let url = backend.base_url();
    let mut settings = vec![
        format!("chatgpt_base_url={url}/backend-api"),
        format!("openai_base_url={url}/v1"),
    ];
    let more = transcript["settings"].as_array().into_iter().flatten();
    settings.extend(more.map(|setting| setting.as_str().expect("text").replace("$backend", &url)));
    let flags = settings.into_iter().flat_map(|it| ["-c".to_owned(), it]);
    let args = std::iter::once("app-server".to_owned()).chain(flags);
    let names = Map::from_iter([("backend".to_owned(), Value::from(url))]);
    play(&filled(transcript, &names), program, args)
}

fn against_codex(transcript: &Value, program: PathBuf) -> Result<(), Differs> {
    let home = tempfile::tempdir().expect("a folder");
    let own = ["HOME", "CODEX_HOME"].map(|name| (OsString::from(name), home.path().into()));
    let environment = std::env::vars_os().chain(own);
    let environment: Vec<_> = environment.collect();
    let start = move |options: SpawnOptions| {
        options
            .command(program.clone())
            .args(["app-server"])
            .environment(environment.clone())
    };
    play_with(transcript, start)
}

fn play<A: Into<OsString>>(
    transcript: &Value,
    command: impl Into<OsString>,
    args: impl IntoIterator<Item = A>,
) -> Result<(), Differs> {
    let command = command.into();
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    play_with(transcript, move |options| {
        options.command(command.clone()).args(args.clone())
    })
}

fn play_with(
    transcript: &Value,
    start: impl Fn(SpawnOptions) -> SpawnOptions + Send + Sync + 'static,
) -> Result<(), Differs> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let playing = playing(transcript, start);
        let ended = timeout(2 * PATIENCE, playing).await;
        ended.unwrap_or_else(|_| Err("it takes too long".to_owned()))
    })
}

/// What the driver sees of a client.
struct Watched {
    asked: watch::Receiver<Vec<Value>>,
    log: watch::Receiver<Vec<String>>,
}

/// Returns what makes the options of each start.
fn options(
    transcript: &Value,
    start: impl Fn(SpawnOptions) -> SpawnOptions + Send + Sync + 'static,
) -> (impl Fn() -> SpawnOptions + Send + Sync + 'static, Watched) {
    let (asked, when_asked) = watch::channel(Vec::new());
    let (logged, log) = watch::channel(Vec::new());
    let script = transcript["refresh"].as_array().cloned();
    let provider = Provider {
        script: Arc::new(script.unwrap_or_default()),
        names: Arc::new(tokens()),
        asked,
    };
    let transcript = transcript.clone();
    let options = move || {
        let logged = logged.clone();
        let options = SpawnOptions::new("suite", "1", provider.clone());
        let mut options = start(options.refresh_bearer_token(provider.clone()))
            .on_log(move |line| logged.send_modify(|lines| lines.push(line)));
        if let Some(capabilities) = transcript.get("capabilities") {
            let capabilities = serde_json::from_value(capabilities.clone());
            options = options.capabilities(capabilities.expect("capabilities"));
        }
        if let Some(milliseconds) = transcript["startTimeoutMs"].as_u64() {
            options = options.start_timeout(Duration::from_millis(milliseconds));
        }
        options
    };
    let asked = when_asked;
    (options, Watched { asked, log })
}

async fn playing(
    transcript: &Value,
    start: impl Fn(SpawnOptions) -> SpawnOptions + Send + Sync + 'static,
) -> Result<(), Differs> {
    let (options, watched) = options(transcript, start);
    let (restarted, restarts) = watch::channel(0);
    if transcript["supervised"] == true {
        let mut supervision = Supervision::new()
            .pauses([Duration::from_millis(10)])
            .on_restart(move |restart| {
                restarted.send_replace(restart.restarts);
            });
        if let Some(origin) = transcript["bearerLogin"]["origin"].as_str() {
            let label = transcript["bearerLogin"]["label"].as_str();
            let login = BearerLogin::new(origin).label(label.unwrap_or_default());
            supervision = supervision.bearer_login(login);
        }
        let supervisor = Supervisor::start(options, supervision).await;
        let supervisor = Arc::new(supervisor.map_err(|error| error.to_string())?);
        let client = supervisor.ready().await.ok_or("it has ended")?;
        let mut player = player(client, supervisor.events(), watched, restarts);
        player.supervisor = Some(Arc::clone(&supervisor));
        let played = steps(&mut player, transcript).await;
        let closed = timeout(CLOSING_TAKES, supervisor.close()).await;
        return played.and(closed.map_err(|_| "closing takes too long".to_owned()));
    }
    let client = ByokeyClient::spawn(options()).await;
    if let Some(wanted) = transcript["spawnFails"].as_str() {
        let failed = client.err().ok_or("it was spawned")?;
        let says = transcript["spawnSays"].as_array().into_iter().flatten();
        shows(&failed, says.filter_map(Value::as_str), &tokens())?;
        let class = class(&failed);
        return (class == wanted)
            .then_some(())
            .ok_or_else(|| format!("it is {class}"));
    }
    let client = Arc::new(client.map_err(|error| error.to_string())?);
    let events = client.events();
    let mut player = player(client, events, watched, restarts);
    let played = steps(&mut player, transcript).await;
    let closed = timeout(CLOSING_TAKES, player.client.close()).await;
    played.and(closed.map_err(|_| "closing takes too long".to_owned()))
}

fn player(
    client: Arc<ByokeyClient>,
    events: EventStream,
    watched: Watched,
    restarts: watch::Receiver<usize>,
) -> Player {
    Player {
        client,
        supervisor: None,
        events,
        asked: watched.asked,
        log: watched.log,
        restarts,
        calls: HashMap::new(),
        names: tokens(),
    }
}

async fn steps(player: &mut Player, transcript: &Value) -> Result<(), Differs> {
    let steps = transcript["client"].as_array().into_iter().flatten();
    for (number, step) in (1..).zip(steps) {
        let played = timeout(PATIENCE, player.step(step)).await;
        let played = played.unwrap_or_else(|_| Err("it takes too long".to_owned()));
        played.map_err(|differs| format!("client step {number}: {step}: {differs}"))?;
    }
    Ok(())
}
