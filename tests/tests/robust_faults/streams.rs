//! F6: the three streams as other objects than pipes.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use byokey_tests::Setup;
use rustix::pipe::{PipeFlags, pipe_with};

pub(crate) const INITIALIZE: &str = "{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":\
    {\"name\":\"test-host\",\"version\":\"1.0\"}}}\n";
pub(crate) const READ: &str = "{\"id\":1,\"method\":\"account/read\"}\n";

pub(crate) fn answered(output: &str) {
    let ids: Vec<_> = output
        .lines()
        .map(|line| line.starts_with("{\"id\":"))
        .collect();
    assert_eq!(ids, [true, true], "{output}");
}

// Row: streams that are not ready
#[tokio::test]
async fn pipes_that_another_process_made_non_blocking_are_used_as_any_other() {
    let (input, feed) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).unwrap();
    let (output, out) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let mut server = Setup::default().stdin(input).stdout(out).start();
    let mut feed = File::from(feed);
    for part in [INITIALIZE, READ] {
        std::thread::sleep(Duration::from_millis(100));
        feed.write_all(part.as_bytes()).unwrap();
    }
    drop(feed);
    assert_eq!(server.exit_code().await, Some(0));
    let mut text = String::new();
    File::from(output).read_to_string(&mut text).unwrap();
    answered(&text);
}

#[tokio::test]
async fn sockets_are_used_as_pipes_are() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let stdin = std::os::fd::OwnedFd::from(theirs.try_clone().unwrap());
    let stdout = std::os::fd::OwnedFd::from(theirs);
    let mut server = Setup::default().stdin(stdin).stdout(stdout).start();
    (&ours).write_all(INITIALIZE.as_bytes()).unwrap();
    (&ours).write_all(READ.as_bytes()).unwrap();
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.exit_code().await, Some(0));
    let mut text = String::new();
    (&ours).read_to_string(&mut text).unwrap();
    answered(&text);
}

#[tokio::test]
async fn files_are_read_to_their_end_and_written() {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(INITIALIZE.as_bytes()).unwrap();
    input.write_all(READ.as_bytes()).unwrap();
    input.rewind().unwrap();
    let mut output = tempfile::tempfile().unwrap();
    let stdout = output.try_clone().unwrap();
    let mut server = Setup::default().stdin(input).stdout(stdout).start();
    assert_eq!(server.exit_code().await, Some(0));
    let mut text = String::new();
    output.rewind().unwrap();
    output.read_to_string(&mut text).unwrap();
    answered(&text);
}

#[tokio::test]
async fn without_input_the_server_ends_at_once() {
    let mut server = Setup::default().stdin(Stdio::null()).start();
    assert_eq!(server.exit_code().await, Some(0));
    let mut server = Setup::default().after("exec 0<&- 1>&- 2>&-").start();
    assert_eq!(server.exit_code().await, Some(0));
}
