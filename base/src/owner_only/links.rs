//! Links on the way to a folder. Another user that owns a link, or may replace it, decides where
//! the path leads.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

use super::platform::is_trusted;

/// Most links in one path, as in Linux.
const MAX_LINKS: usize = 40;

/// Returns the first link on the way to this path that another user owns or may replace. A path
/// that does not exist has none.
///
/// # Errors
///
/// When the system does not let us examine the path.
pub fn foreign_link(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut pending: VecDeque<OsString> = components(path);
    let mut current = PathBuf::from(".");
    let mut links = 0;
    while let Some(name) = pending.pop_front() {
        let next = current.join(&name);
        let metadata = match fs::symlink_metadata(&next) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !metadata.is_symlink() {
            current = next;
            continue;
        }
        if !is_trusted(&metadata) || may_be_replaced(&fs::metadata(&current)?) {
            return Ok(Some(next));
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(Errno::LOOP.into());
        }
        for name in components(&fs::read_link(&next)?).into_iter().rev() {
            pending.push_front(name);
        }
    }
    Ok(None)
}

/// Returns the components of a path, each to be joined to its predecessors.
fn components(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

/// Returns whether another user may replace entries of this folder. In a sticky folder only a
/// file's owner may.
fn may_be_replaced(folder: &Metadata) -> bool {
    !is_trusted(folder) || folder.mode() & 0o1002 == 0o0002
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::foreign_link;

    #[test]
    fn links_count_where_another_user_may_choose_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("real/inner")).unwrap();
        fs::create_dir(root.join("open")).unwrap();
        symlink(root.join("real"), root.join("own")).unwrap();
        symlink("../real", root.join("open/link")).unwrap();
        symlink("open/link", root.join("indirect")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let open = |mode| {
            fs::set_permissions(root.join("open"), Permissions::from_mode(mode)).unwrap();
        };
        let found = |path: &str| foreign_link(&root.join(path)).map_err(|error| error.kind());
        open(0o777);
        let link = Ok(Some(root.join("open/link")));
        for (path, expected) in [
            ("real/inner", Ok(None)),
            ("own/inner", Ok(None)),
            ("own/absent/more", Ok(None)),
            ("open/link", link.clone()),
            ("open/link/inner", link.clone()),
            ("indirect/inner", link),
        ] {
            assert_eq!(found(path), expected, "{path}");
        }
        open(0o1777);
        assert_eq!(
            found("indirect/inner"),
            Ok(None),
            "a sticky folder keeps our link"
        );
        assert!(found("loop").is_err());
        assert_eq!(foreign_link(Path::new("absent")).unwrap(), None);
    }
}
