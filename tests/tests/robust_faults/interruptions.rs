//! F6: system calls interrupted by a signal. They are rare, so `strace` injects them: every other
//! read and write of both streams fails with EINTR and must be repeated.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::os::fd::AsFd;
use std::path::Path;

use byokey_tests::{Server, Setup, tools};
use rustix::fs::fstat;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::streams::{INITIALIZE, READ, answered};

/// Interrupts system calls on these streams. They are identified by the system's names, since the
/// loader reads files, too.
fn interrupted(streams: [&str; 2], calls: &Path) -> Setup {
    let calls = calls.to_str().unwrap();
    let [input, output] = streams;
    Setup::default().wrapper(&[
        "strace",
        "-f",
        "-o",
        calls,
        "-P",
        input,
        "-P",
        output,
        "-e",
        "trace=read,write",
        "-e",
        "inject=read,write:error=EINTR:when=1+2",
    ])
}

/// Expects the program to exit normally, after interrupted reads and writes.
async fn ends_well(server: &mut Server, calls: &Path) {
    assert_eq!(server.exit_code().await, Some(0));
    let calls = fs::read_to_string(calls).unwrap();
    for call in ["read(", "write("] {
        let interrupted = |line: &&str| line.contains(call) && line.contains("EINTR");
        let count = calls.lines().filter(interrupted).count();
        assert!(count > 1, "{call}: {calls}");
    }
}

/// Returns the system's name of a pipe.
fn name(pipe: &impl AsFd) -> String {
    format!("pipe:[{}]", fstat(pipe).unwrap().st_ino)
}

// Row: reads and writes that a signal interrupts
#[tokio::test]
async fn interrupted_reads_and_writes_of_pipes_are_repeated() {
    if !tools::has("strace") {
        return;
    }
    let calls = tempfile::NamedTempFile::new().unwrap();
    let (input, feed) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let (output, out) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let setup = interrupted([&name(&input), &name(&output)], calls.path());
    let mut server = setup.stdin(input).stdout(out).start();
    let (mut feed, output) = (File::from(feed), File::from(output));
    // One after the other, so that there are several reads and writes.
    let mut lines = BufReader::new(output).lines();
    let mut text = String::new();
    for part in [INITIALIZE, READ] {
        feed.write_all(part.as_bytes()).unwrap();
        text += &format!("{}\n", lines.next().unwrap().unwrap());
    }
    drop(feed);
    ends_well(&mut server, calls.path()).await;
    answered(&text);
}

// Row: reads and writes that a signal interrupts
#[tokio::test]
async fn interrupted_reads_and_writes_of_files_are_repeated() {
    if !tools::has("strace") {
        return;
    }
    let calls = tempfile::NamedTempFile::new().unwrap();
    let mut input = tempfile::NamedTempFile::new().unwrap();
    let mut output = tempfile::NamedTempFile::new().unwrap();
    // More than is read at once, so that there are several reads and writes.
    let text = [INITIALIZE, &READ.repeat(2_000)].concat();
    input.write_all(text.as_bytes()).unwrap();
    input.rewind().unwrap();
    let streams = [&input, &output].map(|file| file.path().to_str().unwrap().to_owned());
    let setup = interrupted([&streams[0], &streams[1]], calls.path());
    let stdout = output.as_file().try_clone().unwrap();
    let mut server = setup.stdin(input.into_file()).stdout(stdout).start();
    ends_well(&mut server, calls.path()).await;
    let mut text = String::new();
    output.rewind().unwrap();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 2_001);
}
