//! Connections that share a budget.

use std::sync::Arc;

use byokey_rpc::{BufferBudget, Ended, Limits, serve};
use libtest_mimic::Trial;
use serde_json::json;
use tokio::io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, split};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::client::{Client, PATIENCE};
use crate::runtime;
use crate::service::open;

/// Nearly the longest message.
const LONG: usize = 4_000_000;

/// What [`Connected::begin`] leaves out.
const END: &str = "x\"}}\n";

/// One connection of the toy.
struct Connected {
    input: WriteHalf<DuplexStream>,
    output: ReadHalf<DuplexStream>,
    served: JoinHandle<Ended>,
    _end: watch::Sender<bool>,
}

impl Connected {
    fn new(budget: &Arc<BufferBudget>) -> Self {
        let (here, there) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = split(there);
        let (_end, shutdown) = watch::channel(false);
        let limits = Limits {
            budget: Some(Arc::clone(budget)),
            ..Limits::default()
        };
        let served = tokio::spawn(serve(reader, writer, open(), limits, shutdown));
        let (output, input) = split(here);
        Self {
            input,
            output,
            served,
            _end,
        }
    }

    async fn write(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.unwrap();
    }

    async fn echo(&mut self, id: i64, length: usize) {
        self.write(&request(id, "toy/echo", length)).await;
    }

    /// Begins a request that has a short answer, and lacks its last bytes.
    async fn begin(&mut self, id: i64, length: usize) {
        let line = request(id, "toy/none", length);
        let begin = line.strip_suffix(END).unwrap();
        self.write(begin).await;
    }

    fn client(self) -> Client {
        Client::lines(self.output, self.input)
    }
}

fn request(id: i64, method: &str, length: usize) -> String {
    let params = json!({"text": "x".repeat(length)});
    let request = json!({"id": id, "method": method, "params": params});
    format!("{request}\n")
}

fn three() -> [Connected; 3] {
    let budget = Arc::new(BufferBudget::new(32, 4 << 20));
    [(); 3].map(|()| Connected::new(&budget))
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(format!("budget::{name}"), move || {
            test();
            Ok(())
        })
    };
    vec![
        trial(
            "an_unfinished_message_makes_room_for_one_that_holds_less",
            an_unfinished_message_makes_room,
        ),
        trial(
            "output_that_is_not_read_makes_room_for_one_that_holds_less",
            output_that_is_not_read_makes_room,
        ),
        trial(
            "what_ends_inside_a_message_gives_its_room_back",
            what_ends_inside_a_message_gives_its_room_back,
        ),
    ]
}

fn an_unfinished_message_makes_room() {
    runtime().block_on(async {
        let [mut first, mut second, mut third] = three();
        first.begin(1, LONG).await;
        second.begin(2, LONG + 150_000).await;
        third.echo(3, 1_000_000).await;
        let mut third = third.client();
        let answer = third.next().await.unwrap();
        assert_eq!(answer["result"]["text"].as_str().unwrap().len(), 1_000_000);
        // The longest one is answered, its rest is skipped, and the connection goes on.
        second.write(END).await;
        second.echo(4, 7).await;
        let mut second = second.client();
        let refused = second.next().await.unwrap();
        assert_eq!(refused["id"], 2);
        assert_eq!(refused["error"]["data"]["kind"], "overloaded");
        assert_eq!(second.next().await.unwrap()["id"], 4);
        // The other one has lost nothing.
        first.write(END).await;
        let answer = first.client().next().await.unwrap();
        assert_eq!(answer["id"], 1);
        assert_eq!(answer["error"]["code"], -32601);
    });
}

fn output_that_is_not_read_makes_room() {
    runtime().block_on(async {
        let [mut first, mut second, mut third] = three();
        // The answer is as long as the request, and so is the notification behind it.
        first.echo(1, 1_500_000).await;
        second.echo(2, 1_600_000).await;
        third.echo(3, 1_000_000).await;
        let mut third = third.client();
        assert_eq!(third.next().await.unwrap()["id"], 3);
        let ended = tokio::time::timeout(PATIENCE, second.served).await;
        assert_eq!(ended.unwrap().unwrap(), Ended::PeerTooSlow);
        assert!(!first.served.is_finished(), "it holds less");
        drop(third);
        assert_eq!(first.client().next().await.unwrap()["id"], 1);
    });
}

fn what_ends_inside_a_message_gives_its_room_back() {
    runtime().block_on(async {
        let [mut first, mut second, mut third] = three();
        for ends in [&mut first, &mut second] {
            // A request that is never answered keeps the connection for a while.
            ends.write(&request(1, "toy/wait", 0)).await;
            ends.begin(2, LONG).await;
            ends.input.shutdown().await.unwrap();
        }
        // There is room for a message that is as long as theirs.
        third.write(&request(3, "toy/none", LONG)).await;
        let answer = third.client().next().await.unwrap();
        assert_eq!(answer["error"]["code"], -32601);
        assert!(!first.served.is_finished() || !second.served.is_finished());
    });
}
