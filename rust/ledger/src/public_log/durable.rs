//! Files that are there whole or not at all: written beside, synced, renamed into place, directories synced.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use super::LogError;

/// Where files are written before they are renamed, by one process at a time. What a crash leaves there is nobody's.
pub(super) const WRITING: &str = ".new";

/// Files of one directory tree that become durable together.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    root: &'a Path,
    files: Vec<(PathBuf, Vec<u8>)>,
    directories: BTreeSet<PathBuf>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(root: &'a Path) -> Batch<'a> {
        Batch { root, files: Vec::new(), directories: BTreeSet::new() }
    }

    /// A file (its path below the root) that is to have these bytes.
    pub(super) fn put(&mut self, path: impl AsRef<Path>, bytes: Vec<u8>) {
        self.files.push((self.root.join(path), bytes));
    }

    /// A file that has its bytes already, whose name may not be durable yet.
    pub(super) fn keep(&mut self, path: impl AsRef<Path>) {
        self.directories.extend(self.root.join(path).parent().map(Path::to_path_buf));
    }

    /// Makes all of it durable: after an error nothing is known of any file, after `Ok` all are there.
    pub(super) fn commit(mut self) -> Result<(), LogError> {
        let lock_path = self.root.join(WRITING).join("lock");
        let lock = File::create(&lock_path).map_err(LogError::io(&lock_path))?;
        lock.lock().map_err(LogError::io(&lock_path))?;
        let mut written = Vec::with_capacity(self.files.len());
        for (place, (path, bytes)) in self.files.iter().enumerate() {
            if let Some(parent) = path.parent() {
                create_directories(parent, &mut self.directories)?;
            }
            let new = self.root.join(WRITING).join(place.to_string());
            let mut file = File::create(&new).map_err(LogError::io(&new))?;
            file.write_all(bytes).map_err(LogError::io(&new))?;
            written.push((file, new));
        }
        for (file, new) in &written {
            file.sync_data().map_err(LogError::io(new))?;
        }
        for ((_, new), (path, _)) in written.iter().zip(&self.files) {
            fs::rename(new, path).map_err(LogError::io(path))?;
            self.directories.extend(path.parent().map(Path::to_path_buf));
        }
        self.directories.iter().try_for_each(|directory| sync_directory(directory))
    }
}

/// Creates a directory and what is missing above it, and notes which directories must be synced for that.
pub(super) fn create_directories(path: &Path, changed: &mut BTreeSet<PathBuf>) -> Result<(), LogError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    if path.is_dir() {
        return Ok(());
    }
    create_directories(parent, changed)?;
    match fs::create_dir(path) {
        Ok(()) => _ = changed.insert(parent.to_path_buf()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(LogError::Io { path: path.into(), error }),
    }
    Ok(())
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(path: &Path) -> Result<(), LogError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(LogError::io(path))
}

/// A file's bytes; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, LogError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(LogError::Io { path: path.into(), error }),
    }
}
