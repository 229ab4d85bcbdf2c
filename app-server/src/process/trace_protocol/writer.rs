//! The thread that writes a trace.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

/// Lines that may be queued.
const WAITING: usize = 1024;

/// Queues lines for the thread that writes them.
#[derive(Debug)]
pub(super) struct Writer {
    orders: SyncSender<Order>,
    missed: Arc<AtomicU64>,
}

enum Order {
    Write(String),
    /// Acknowledge when everything before is written.
    Finish(SyncSender<()>),
}

impl Writer {
    pub(super) fn start(place: impl Write + Send + 'static) -> io::Result<Self> {
        let (orders, to_do) = sync_channel(WAITING);
        let missed = Arc::<AtomicU64>::default();
        let (name, counter) = ("trace".to_owned(), Arc::clone(&missed));
        // Not joined: it may block on a reader for ever, and ends with the process.
        std::thread::Builder::new()
            .name(name)
            .spawn(move || work(place, &to_do, &counter))?;
        Ok(Self { orders, missed })
    }

    /// Queues a line, unless the queue is full.
    pub(super) fn write(&self, line: String) {
        if self.orders.try_send(Order::Write(line)).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written, with a timeout.
    pub(super) fn finish(&self, patience: Duration) {
        let (done, finished) = sync_channel(1);
        if self.orders.try_send(Order::Finish(done)).is_ok() {
            // The reader of the trace may be gone.
            let _ = finished.recv_timeout(patience);
        }
    }
}

/// Runs until the senders are dropped, or the output is closed.
fn work(mut place: impl Write, orders: &Receiver<Order>, missed: &AtomicU64) {
    while let Ok(order) = next(orders, missed) {
        let written = match order {
            Order::Write(line) => place.write_all(line.as_bytes()),
            Order::Finish(done) => {
                let flushed = place.flush();
                let _ = done.send(());
                flushed
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// Returns the next order. If lines were dropped, this is reported right after the queued ones.
fn next(orders: &Receiver<Order>, missed: &AtomicU64) -> Result<Order, ()> {
    match orders.try_recv() {
        Ok(order) => Ok(order),
        Err(TryRecvError::Disconnected) => Err(()),
        Err(TryRecvError::Empty) => match missed.swap(0, Ordering::Relaxed) {
            0 => orders.recv().map_err(drop),
            count => Ok(Order::Write(format!(
                "‹{count} messages are missing here›\n"
            ))),
        },
    }
}
