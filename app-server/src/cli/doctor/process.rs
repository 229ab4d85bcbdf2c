//! The protection of this process, which is that of a server started the same way.

use byokey_protocol::initialize::HardeningReport;

use super::finding::Finding;

pub(super) fn check(report: HardeningReport) -> Vec<Finding> {
    vec![memory(report), readers(report), files(report)]
}

fn memory(report: HardeningReport) -> Finding {
    let wiped = if report.wiping_allocator {
        "freed memory is wiped"
    } else {
        "freed memory is not wiped"
    };
    match report.locked_memory {
        Some(true) => Finding::ok(
            "process.memory",
            format!("tokens in memory are locked, so that they are not swapped out; {wiped}"),
        ),
        Some(false) => Finding::warning(
            "process.memory",
            format!(
                "the system does not lock memory for this process, so tokens may be written to \
                 swap; {wiped}"
            ),
        )
        .mend("ulimit -l unlimited"),
        None => Finding::ok(
            "process.memory",
            format!("this system has no locked memory; {wiped}"),
        ),
    }
}

fn readers(report: HardeningReport) -> Finding {
    let is_open = report.dumpable == Some(true) || report.core_limit.is_some_and(|most| most > 0);
    if is_open {
        return Finding::warning(
            "process.readers",
            "other processes of this user may read this one's memory, or a core dump of it may be \
             written",
        )
        .mend("byokey app-server   # without --allow-debug");
    }
    let text = match report.dumpable {
        Some(_) => "other processes of this user cannot read this one's memory; no core dumps",
        None => "this system does not report which processes may read this one's memory",
    };
    Finding::ok("process.readers", text)
}

fn files(report: HardeningReport) -> Finding {
    if report.files_read_only {
        return Finding::ok(
            "process.files",
            "the system can keep a server without a store from changing files (Landlock), and \
             kept this command from it",
        );
    }
    let text = "the system cannot keep a server from changing files: that takes Linux 6.2 or newer \
                with Landlock";
    if cfg!(target_os = "linux") {
        Finding::warning("process.files", text).mend("cat /sys/kernel/security/lsm; uname -r")
    } else {
        Finding::ok("process.files", text)
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::initialize::HardeningReport;

    use super::super::finding::Level;
    use super::check;

    #[test]
    fn each_missing_protection_is_a_warning() {
        let whole = HardeningReport {
            dumpable: Some(false),
            core_limit: Some(0),
            wiping_allocator: true,
            no_new_privileges: Some(true),
            files_read_only: true,
            locked_memory: Some(true),
            token_commands: None,
        };
        let levels = |report| check(report).into_iter().map(|it| it.level);
        assert!(levels(whole).all(|level| level == Level::Ok));
        let weak = HardeningReport {
            dumpable: Some(true),
            files_read_only: false,
            locked_memory: Some(false),
            ..whole
        };
        let found: Vec<_> = levels(weak).collect();
        assert_eq!(found[..2], [Level::Warning, Level::Warning]);
        assert_eq!(check(weak)[0].mend.as_deref(), Some("ulimit -l unlimited"));
    }
}
