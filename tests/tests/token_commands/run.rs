//! How a command is run: without a shell, where codex runs it, with the environment of the host.

use byokey_dev_backend::{Route, TestToken};
use byokey_tests::issuer::Issuer;
use byokey_tests::turns::{backend, rate_limits, turn};

use crate::helper::{Helper, provider, start};

/// A made-up token.
const TOKEN: &str = "made-up-token-of-a-command";

#[tokio::test]
async fn what_the_command_prints_is_the_bearer_of_model_calls_and_of_no_other() {
    let backend = backend();
    let helper = Helper::printing(&format!("\n  {TOKEN} \r\n\n"));
    let (_server, mut host) = start(helper.setup(&backend, "")).await;
    let login = TestToken::new("ada").encode();
    host.login(&login, "ws-1").await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    rate_limits(&mut host).await.unwrap();
    let of_model = backend.requests_to(Route::Responses).remove(0);
    assert_eq!(of_model.bearer(), Some(TOKEN));
    assert_eq!(of_model.header("chatgpt-account-id"), None);
    let of_account = backend.requests_to(Route::Usage).remove(0);
    assert_eq!(of_account.bearer(), Some(login.as_str()));
    // A logout concerns the login, and not what the provider has of its own.
    host.request("account/logout", serde_json::json!({}))
        .await
        .unwrap();
    assert_eq!(turn(&mut host).await["status"], "completed");
    assert_eq!(helper.runs(), 1);
}

#[tokio::test]
async fn no_shell_reads_the_arguments() {
    let backend = backend();
    // An `echo` of the system; what a shell would expand stays as it is.
    let auth = "auth={command=\"echo\", args=[\"$HOME\", \"a  b;exit\", \"*\"]}";
    let (_server, mut host) = start(provider(&backend, &[auth])).await;
    turn(&mut host).await;
    let request = backend.requests_to(Route::Responses).remove(0);
    assert_eq!(request.bearer(), Some("$HOME a  b;exit *"));
}

#[tokio::test]
async fn the_working_folder_is_that_of_codex() {
    for (cwd, below_home) in [("", ""), (", cwd=\".\"", "/.codex"), (", cwd=\"~\"", "")] {
        let backend = backend();
        let helper = Helper::new("pwd -P >\"$here/folder\"; echo made-up");
        let (server, mut host) = start(helper.setup(&backend, cwd)).await;
        assert_eq!(turn(&mut host).await["status"], "completed");
        let home = server.home.path().canonicalize().unwrap();
        let expected = format!("{}{below_home}\n", home.display());
        assert_eq!(helper.wrote("folder"), expected, "{cwd}");
    }
}

#[tokio::test]
async fn the_environment_is_the_hosts_without_our_secrets() {
    let (backend, issuer) = (backend(), Issuer::start().await);
    let helper = Helper::new("env >\"$here/env\"; readlink /proc/self/fd/0 >\"$here/in\"; echo x");
    let setup = helper
        .setup(&backend, "")
        .environment("CODEX_ACCESS_TOKEN", "at-made-up-token-of-the-environment")
        .environment("MADE_UP_NEIGHBOUR", "stays");
    let (_server, mut host) = start(issuer.set_up(setup)).await;
    assert_eq!(turn(&mut host).await["status"], "completed");
    let environment = helper.wrote("env");
    assert!(
        environment.contains("MADE_UP_NEIGHBOUR=stays\n"),
        "{environment}"
    );
    assert!(!environment.contains("ACCESS_TOKEN"), "{environment}");
    assert_eq!(helper.wrote("in"), "/dev/null\n");
}

/// The command is as free as if the user had started it: signals, privileges, files.
#[tokio::test]
async fn neither_locks_nor_descriptors_are_inherited() {
    let backend = backend();
    let helper = Helper::new(
        "cat /proc/self/status >\"$here/status\"; ls /proc/self/fd >\"$here/open\"; \
         readlink /proc/self/fd/7 >\"$here/leaked\"; echo made-up",
    );
    // The host leaves a descriptor open.
    let setup = helper.setup(&backend, "").after("exec 7</dev/zero");
    let (server, mut host) = start(setup).await;
    let own = std::fs::read_link(format!("/proc/{}/fd/7", server.pid()));
    assert_eq!(own.unwrap(), std::path::Path::new("/dev/zero"));
    assert_eq!(turn(&mut host).await["status"], "completed");
    let status = helper.wrote("status");
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |status: &str, name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(line.unwrap().trim_start_matches(':').trim(), 16).unwrap()
    };
    assert_eq!(field(&status, "NoNewPrivs"), 0);
    assert_eq!(field(&status, "SigBlk"), 0);
    // Programs in Rust ignore SIGPIPE, and what they start does not. What the server handles has its
    // default again, also where this test was started with it ignored: HUP, INT and TERM.
    let changed = 1 << (13 - 1) | 1 | 1 << (2 - 1) | 1 << (15 - 1);
    // Beyond these are signals of the C library.
    let ordinary = (1 << 31) - 1;
    let ignored = field(&own, "SigIgn") & ordinary & !changed;
    assert_eq!(field(&status, "SigIgn") & ordinary, ignored);
    assert_eq!(
        helper.wrote("leaked"),
        "",
        "it has a descriptor of the host"
    );
    // Its own three, and the folder that is listed.
    assert_eq!(helper.wrote("open").lines().count(), 4);
}
