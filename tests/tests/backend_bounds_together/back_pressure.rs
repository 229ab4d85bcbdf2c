//! A client that does not read: what the backend sends meanwhile stays with the system.

use std::time::Duration;

use byokey_tests::turns::begin_turn;
use serde_json::json;

use super::{Route, Stage, TURNS, WAYS, of_route};

#[tokio::test]
async fn what_a_client_does_not_read_is_not_read_from_the_backend() {
    for way in WAYS {
        for endless in ["deltas", "unknown"] {
            let mut stage = Stage::set(way).await;
            let gate = stage.backend.hold(Route::Responses);
            let step = json!({"endless": endless, "repeat": 0});
            stage.backend.set_script(of_route(Route::Responses, &step));
            for _ in 0..TURNS {
                let [host, _] = &mut stage.hosts;
                begin_turn(host).await;
            }
            gate.wait_for(TURNS).await;
            gate.release();
            // Longer than a client may leave others waiting. It is disconnected then.
            tokio::time::sleep(Duration::from_secs(6)).await;
            let what = format!("64 turns of a client that does not read, endless {endless}");
            stage.check(&what);
        }
    }
}
