//! One owner: an exclusive lock on a file of the ledger, which the kernel gives back when the process ends.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::LedgerError;

/// Held for as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the ledger at `dir`, without waiting.
    ///
    /// # Errors
    /// `Locked` where another process has it, `Io`.
    pub fn take(dir: &Path) -> Result<Lock, LedgerError> {
        let owned = || format!("another process owns the ledger at {}: stop it, or wait as a standby", dir.display());
        Lock::take_file(&dir.join("lock"), owned)
    }

    /// Takes the lock of a file, without waiting; `taken` says who has it.
    pub(crate) fn take_file(path: &Path, taken: impl Fn() -> String) -> Result<Lock, LedgerError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|error| LedgerError::io(path, "open", &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(LedgerError::Locked(taken())),
            Err(error) => Err(LedgerError::Io(format!("cannot lock {}: {error}", path.display()))),
        }
    }
}
