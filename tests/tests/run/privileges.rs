//! `byokey run` changes nothing of what a command may do.

use byokey_tests::{PATIENCE, byokey, tools};

use super::world::{World, ended};

/// Runs a shell script with `byokey run` and without.
async fn both(world: &World, script: &str) -> [super::world::Output; 2] {
    let mut plain = world.plain("/bin/sh");
    plain.args(["-c", script]);
    [ended(plain).await, world.shell(script).await]
}

// Row: other programs on the login
#[tokio::test]
async fn privileges_limits_signals_and_descriptors_are_those_without_it() {
    let world = World::signed_in().await;
    for script in [
        "grep -E '^(NoNewPrivs|Seccomp|Cap|Sig[BI]|Shd|Umask|Uid|Gid|Groups|NSpgid)' /proc/self/status | \
         grep -v NSpgid",
        "cat /proc/self/limits",
        "ls /proc/$$/fd",
        "cat /proc/self/oom_score_adj; umask; pwd; cat /proc/self/cgroup",
        "cat /proc/self/coredump_filter /proc/self/personality",
        "ls -ld /proc/self | cut -d' ' -f1,3,4",
    ] {
        let [plain, run] = both(&world, script).await;
        assert!(!plain.stdout.is_empty(), "{script}");
        assert_eq!(run.stdout, plain.stdout, "{script}: {}", run.stderr);
    }
}

// Row: other programs on the login
#[tokio::test]
#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
async fn a_program_gains_the_privileges_of_its_file_as_it_does_without_it() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    if !rustix::process::geteuid().is_root() || !tools::has("setpriv") {
        println!("SKIPPED: only root makes such a file, and setpriv starts it as another user");
        return;
    }
    let world = World::signed_in().await;
    // Others can go into it.
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let permissions = std::fs::Permissions::from_mode;
    std::fs::set_permissions(folder.path(), permissions(0o755)).unwrap();
    let file = folder.path().join("id");
    std::fs::copy("/usr/bin/id", &file).unwrap();
    std::fs::set_permissions(&file, permissions(0o4755)).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().uid(), 0);
    // `no_new_privs` prevents just this, also where root may do all.
    let script = |options: &str| {
        let file = file.display();
        format!("setpriv {options} --reuid=65534 --clear-groups {file} -u")
    };
    let [plain, run] = both(&world, &script("")).await;
    if plain.stdout.trim() != "0" {
        println!("SKIPPED: files in /tmp give no privileges here: {plain:?}");
        return;
    }
    assert_eq!(run.stdout.trim(), "0", "{}", run.stderr);
    let [without, _] = both(&world, &script("--no-new-privs")).await;
    assert_eq!(without.stdout.trim(), "65534", "void: {without:?}");
}

// Row: other programs on the login
#[tokio::test]
#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
async fn sudo_and_namespaces_work_as_they_do_without_it() {
    let world = World::signed_in().await;
    for (program, script) in [
        ("sudo", "sudo -n true"),
        ("unshare", "unshare -r true"),
        ("unshare", "unshare -r -m sh -c 'mount -t tmpfs none /mnt'"),
        ("bwrap", "bwrap --ro-bind / / --unshare-all true"),
    ] {
        if !tools::has(program) {
            println!("SKIPPED: there is no {program}");
            continue;
        }
        let [plain, run] = both(&world, script).await;
        if !plain.status.success() {
            // Both may fail alike for another reason, so nothing is shown.
            let why = plain.stderr.trim();
            println!("SKIPPED: `{script}` fails here without `byokey run`, too: {why}");
        }
        assert_eq!(
            run.status.code(),
            plain.status.code(),
            "{script}: {}",
            run.stderr
        );
        assert_eq!(run.stdout, plain.stdout, "{script}");
    }
}

// Row: other programs on the login
#[tokio::test]
async fn files_can_be_written_and_programs_started() {
    let world = World::signed_in().await;
    let output = world
        .shell("echo x > made && cat made && rm made && sh -c 'exit 4'")
        .await;
    assert_eq!(
        (output.status.code(), output.stdout.as_str()),
        (Some(4), "x\n")
    );
}

// Row: other programs on the login
#[tokio::test]
async fn a_pipe_of_the_caller_ends_with_the_command_that_has_it_and_not_with_the_gateway() {
    let world = World::signed_in().await;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let script = "exec 7>&0 </dev/null; exec \"$0\" run --store file -- \
                  sh -c 'echo \"$OPENAI_BASE_URL\"; exec 7>&-; exec sleep 600'";
    let mut command = world.plain("/bin/sh");
    command.args(["-c", script]).arg(byokey()).stdin(writer);
    let mut child = command.spawn().unwrap();
    // It holds the pipe, too.
    drop(command);
    let over = tokio::task::spawn_blocking(move || std::io::read_to_string(&mut reader));
    let over = tokio::time::timeout(PATIENCE, over).await;
    let read = over.expect("the gateway does not hold the pipe").unwrap();
    assert_eq!(read.unwrap(), "");
    assert!(child.try_wait().unwrap().is_none(), "the command runs");
    child.kill().await.unwrap();
}

// Row: other programs on the login
#[tokio::test]
async fn the_gateway_is_hardened_and_out_of_the_group_of_the_command() {
    let world = World::signed_in().await;
    // The gateway is found by its address: the process that listens there.
    let script = "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | \
                  grep -q -- \"--for-pid $$ \" && echo ${p#/proc/}; done; read -r line";
    let mut command = world.run(&["--", "sh", "-c", script]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let own = child.id().unwrap();
    let mut line = String::new();
    {
        use tokio::io::{AsyncBufReadExt as _, BufReader};
        let mut output = BufReader::new(child.stdout.as_mut().unwrap());
        output.read_line(&mut line).await.unwrap();
    }
    let gateway: u32 = line.trim().parse().expect("one gateway");
    let status = std::fs::read_to_string(format!("/proc/{gateway}/status")).unwrap();
    let field = |name: &str| {
        let found = status.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap().trim().to_owned()
    };
    assert_eq!(field("NoNewPrivs:"), "1");
    assert_ne!(field("PPid:"), own.to_string());
    let stat = std::fs::read_to_string(format!("/proc/{gateway}/stat")).unwrap();
    let group = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(2)
        .unwrap()
        .to_owned();
    assert_eq!(group, gateway.to_string(), "a group of its own");
    let line = std::fs::read_to_string(format!("/proc/{gateway}/cmdline")).unwrap();
    assert!(!line.contains("at-"), "{line}");
    drop(child.stdin.take());
    child.wait().await.unwrap();
}
