//! The runner: gets the list, runs what it is asked for, and ends with the process that started it.

use std::fs::File;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use tokio::sync::mpsc;

use super::list::{Head, List, MAX_LINE};
use super::run::{self, Ran};
use crate::process::signals::Signals;

/// Runs commands until the end of input.
#[must_use]
pub fn serve() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = runtime.and_then(|runtime| runtime.block_on(serve_all()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn serve_all() -> io::Result<()> {
    // A signal to all processes of a service must not end the runner before its server, which may
    // finish turns that need a token. Handlers, unlike ignored signals, are not inherited.
    let _handled = Signals::new()?;
    let mut output = unbuffered_output()?;
    let (send, mut lines) = mpsc::channel(1);
    std::thread::spawn(move || read_lines(&send));
    let Some(list) = lines.recv().await else {
        return Ok(());
    };
    let list: List = serde_json::from_str(&list)?;
    while let Some(line) = lines.recv().await {
        let provider: String = serde_json::from_str(&line)?;
        let ran = async {
            match list.get(&provider) {
                Some(listed) => run::run(listed).await,
                None => super::list::RunFailure::Unlisted.into(),
            }
        };
        let ran = tokio::select! {
            ran = ran => ran,
            // The server has ended, or asks for two runs at once, which it never does.
            _ = lines.recv() => return Ok(()),
        };
        write(&mut output, &ran)?;
    }
    Ok(())
}

/// Sends each line of the input. The end of the input ends the channel.
fn read_lines(send: &mpsc::Sender<String>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = String::new();
        let read = (&mut input).take(MAX_LINE).read_line(&mut line);
        let is_whole = matches!(read, Ok(1..)) && line.ends_with('\n');
        if !is_whole || send.blocking_send(line).is_err() {
            return;
        }
    }
}

fn write(output: &mut File, ran: &Ran) -> io::Result<()> {
    let head = Head {
        failure: ran.failure,
        output: ran.output.len(),
        errors: ran.errors.len(),
    };
    output.write_all(&head.encode())?;
    output.write_all(&ran.output)?;
    output.write_all(ran.errors.as_bytes())
}

/// Returns standard output without the standard library's buffer, which is not wiped.
fn unbuffered_output() -> io::Result<File> {
    #[cfg(unix)]
    let output = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned();
    #[cfg(windows)]
    let output = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned();
    output.map(File::from)
}
