//! Connections to the callback server that are not the browser's.

use std::time::{Duration, Instant};

use byokey_tests::Setup;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::scene::{Scene, status};

/// Connections that begin a request and do not end it.
const SLOW: usize = 256;

// Row: crowds of connections
#[tokio::test]
async fn slow_connections_do_not_hold_up_the_browser() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let mut crowd = Vec::new();
    for number in 0..SLOW {
        let mut stream = TcpStream::connect(("127.0.0.1", login.port)).await.unwrap();
        // Some say nothing at all.
        if number % 2 == 0 {
            stream.write_all(b"GET /auth/callback?code=").await.unwrap();
        }
        crowd.push(stream);
    }
    let begun = Instant::now();
    let answer = login.get(&login.back()).await;
    assert_eq!(status(&answer), "303", "{answer}");
    let page = login.get("/success").await;
    assert!(page.contains("You are signed in"), "{page}");
    let took = begun.elapsed();
    println!("figure: {SLOW} slow connections: the browser waits {took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(scene.completed().await["success"], true);
    drop(crowd);
}

#[tokio::test]
async fn the_browser_that_came_back_waits_for_its_page_whatever_others_do() {
    let mut scene = Scene::start(Setup::default()).await;
    let login = scene.begin().await;
    let gate = scene.issuer.hold(byokey_tests::issuer::Ask::Code);
    let back = login.back();
    let crowd = async {
        scene
            .issuer
            .wait_for(byokey_tests::issuer::Ask::Code, 1)
            .await;
        let mut crowd = Vec::new();
        for _ in 0..SLOW {
            crowd.push(TcpStream::connect(("127.0.0.1", login.port)).await.unwrap());
        }
        // They are all accepted before the issuer answers.
        tokio::time::sleep(Duration::from_millis(300)).await;
        gate.add_permits(1);
        crowd
    };
    let (answer, _crowd) = tokio::join!(login.get(&back), crowd);
    assert_eq!(status(&answer), "303", "{answer}");
}
