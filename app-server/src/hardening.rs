//! Keeps other processes of the same user from reading this one's memory.
//!
//! It is the first thing in `main`, before any input is read. Linux only, so far: elsewhere the
//! report says that nothing is known.

use byokey_protocol::initialize::HardeningReport;

/// Protects the process, unless debugging is allowed, and reports the state.
#[must_use]
pub fn harden(allow_debug: bool, wiping_allocator: bool) -> HardeningReport {
    if !allow_debug {
        platform::protect();
    }
    HardeningReport {
        wiping_allocator,
        ..platform::report()
    }
}

#[cfg(target_os = "linux")]
mod platform {
    use byokey_protocol::initialize::HardeningReport;
    use rustix::process::{
        DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior,
        setrlimit,
    };
    use rustix::thread::set_no_new_privs;

    /// Each step stands alone; one that the system refuses shows in the report.
    pub(super) fn protect() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
        let _ = set_no_new_privs(true);
    }

    pub(super) fn report() -> HardeningReport {
        HardeningReport {
            dumpable: dumpable_behavior()
                .ok()
                .map(|state| state != DumpableBehavior::NotDumpable),
            core_limit: getrlimit(Resource::Core).current,
            wiping_allocator: false,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use byokey_protocol::initialize::HardeningReport;

    pub(super) fn protect() {}

    pub(super) fn report() -> HardeningReport {
        HardeningReport::default()
    }
}
