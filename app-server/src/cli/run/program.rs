//! Where a program is, as shells find it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Returns the path of a program: the name itself if it has a slash, else the first match in `PATH`.
pub(super) fn find(name: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    find_in(name, &path)
}

fn find_in(name: &OsStr, path: &OsStr) -> Option<PathBuf> {
    let named = Path::new(name);
    if named.components().count() > 1 {
        // Whether it can be executed is reported by the system.
        return Some(named.to_owned());
    }
    let folders = std::env::split_paths(path);
    folders
        .map(|folder| folder.join(named))
        .find(|file| is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    let metadata = std::fs::metadata(file);
    metadata.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::find_in;

    #[test]
    fn the_first_executable_in_the_path_is_found() {
        let found = |name: &str, path: &str| find_in(OsStr::new(name), OsStr::new(path));
        assert_eq!(
            found("sh", "/nonexistent:/bin").as_deref(),
            Some(Path::new("/bin/sh"))
        );
        assert_eq!(
            found("passwd", "/etc"),
            None,
            "a file that is not executable"
        );
        assert_eq!(found("no-such-program", "/bin"), None);
        assert_eq!(found("./x", "/bin").as_deref(), Some(Path::new("./x")));
    }
}
