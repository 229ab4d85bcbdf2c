//! A web page in a real browser gets nothing from a gateway, and nothing of it reaches the backend.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::gateway::Gateway;
use byokey_tests::{PATIENCE, tools};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

/// What the page tries, with the address of a gateway and a bearer in place of the marks. Its title
/// becomes what it could read.
const PAGE: &str = r#"<!doctype html><html><head></head><body><script>
const at = "http://AUTHORITY", body = '{"model":"gpt-5.5","input":"Hello"}';
const path = "/v1/responses", read = [];
const attempt = async (name, run) => {
  try { if (await run()) read.push(name); } catch {}
};
const reads = async (path, options) => {
  const answer = await fetch(at + path, options);
  return answer.ok && (await answer.text()) !== "";
};
const headers = { "Content-Type": "text/plain" };
const authorized = { Authorization: "Bearer KEY", "Content-Type": "application/json" };
(async () => {
  await attempt("blind", () => reads(path, { method: "POST", mode: "no-cors", headers, body }));
  await attempt("plain", () => reads(path, { method: "POST", headers, body }));
  await attempt("key", () => reads(path, { method: "POST", headers: authorized, body }));
  await attempt("models", () => reads("/v1/models"));
  await attempt("script", () => new Promise((done) => {
    const script = document.createElement("script");
    script.onload = () => done(true);
    script.onerror = () => done(false);
    script.src = at + "/v1/models";
    document.head.append(script);
  }));
  await attempt("socket", () => new Promise((done) => {
    const socket = new WebSocket(at.replace("http", "ws") + path);
    socket.onopen = () => done(true);
    socket.onerror = () => done(false);
  }));
  await attempt("form", () => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = "frame";
    document.body.append(frame);
    const form = document.createElement("form");
    const target = { method: "POST", action: at + path, target: "frame", enctype: "text/plain" };
    Object.assign(form, target);
    const field = document.createElement("input");
    Object.assign(field, { name: '{"model":"gpt-5.5","input":"', value: '"}' });
    form.append(field);
    document.body.append(form);
    frame.onload = () => done(false);
    form.submit();
  }));
  document.title = "read: " + read.join(",");
})();
</script></body></html>"#;

/// A server that answers everything with this text, to any page, and counts the posts.
async fn serve(text: String) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let posts = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&posts);
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *, authorization\r\n\
         Connection: close\r\n\r\n{text}"
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, counted) = (answer.clone(), Arc::clone(&counted));
            tokio::spawn(async move {
                let mut request = vec![0; 1 << 16];
                drop(stream.read(&mut request).await);
                if request.starts_with(b"POST") {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                drop(stream.write_all(answer.as_bytes()).await);
                // Until the browser has read it: a body that is unread would reset the connection.
                drop(stream.shutdown().await);
                while let Ok(1..) = stream.read(&mut request).await {}
            });
        }
    });
    (port, posts)
}

/// Has the browser visit a page on `localhost`. Returns its title when it has one.
async fn visited(port: u16) -> String {
    let profile = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc");
    let mut child = tokio::process::Command::new("node")
        .arg(folder.join("browser.mjs"))
        .arg(profile.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let commands = format!("open http://localhost:{port}/\ndone\n");
    input.write_all(commands.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = Value::Null;
    for _ in 0..3 {
        let line = tokio::time::timeout(3 * PATIENCE, lines.next_line()).await;
        let line = line.expect("the browser answers in time").unwrap();
        last = serde_json::from_str(&line.expect("it goes on")).unwrap();
        assert!(last["failure"].is_null(), "{last}");
    }
    drop(input);
    drop(tokio::time::timeout(PATIENCE, child.wait()).await);
    last["title"].as_str().unwrap().to_owned()
}

/// Returns the port of a page that attacks this address.
async fn attacker(authority: &str, key: &str) -> u16 {
    let page = PAGE.replace("AUTHORITY", authority).replace("KEY", key);
    serve(page).await.0
}

// Row: no bearer, a web page, a foreign name
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "a skipped check tells why")]
async fn a_page_in_a_real_browser_gets_nothing() {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc/node_modules");
    if !installed.exists() || !tools::has("node") || !tools::has("chromium") {
        println!("SKIPPED: there is no browser; tests/oidc/setup.sh installs it");
        return;
    }
    // A server that admits everyone is reached by all of it.
    let (open, posts) = serve("made up".to_owned()).await;
    let site = attacker(&format!("127.0.0.1:{open}"), "at-made-up").await;
    let title = visited(site).await;
    for name in ["plain", "key", "models"] {
        assert!(title.contains(name), "void: {title}");
    }
    let posts = posts.load(Ordering::Relaxed);
    assert_eq!(posts, 4, "void: not all posts arrive");

    let backend = DevBackend::start(Options::new()).unwrap();
    let gateway = Gateway::start(&backend, &[]).await;
    let client = gateway.client();
    let before = backend.requests().len();
    // Even with its bearer.
    let site = attacker(&client.authority, &gateway.bearer).await;
    let title = visited(site).await;
    assert_eq!(title.trim(), "read:", "{title}");
    assert_eq!(backend.requests().len(), before, "the backend was reached");
    assert_eq!(client.get("/v1/models").await.status, 200);
}
