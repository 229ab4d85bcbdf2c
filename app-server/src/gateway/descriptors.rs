//! The number of descriptors that this process may open: each request in progress takes two.

/// How many descriptors are asked for.
#[cfg(unix)]
const WANTED: u64 = 4096;

/// Raises the soft limit of this process, as far as the hard one permits.
#[cfg(unix)]
pub(super) fn raise() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum,
        };
        // Fewer are enough for fewer requests.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(super) const fn raise() {}
