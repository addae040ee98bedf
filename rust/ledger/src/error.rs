//! What a ledger refuses or finds broken, and what the caller then does.

use std::fmt;
use std::path::Path;

/// Why an operation on the ledger failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerError {
    /// No ledger in this directory: initialise one, or name another directory.
    Missing(String),
    /// A ledger is there already.
    Exists(String),
    /// Another process owns it: wait or stop.
    Locked(String),
    /// A stale batch: its offsets or its head are not the ledger's. Open again.
    Conflict(String),
    /// An earlier write failed: leave the process and recover by opening again.
    Poisoned(String),
    /// A read, write or sync failed.
    Io(String),
    /// The files contradict themselves: stop and audit.
    Corrupt(String),
    /// The files are of a format that this program does not know; nothing was changed. Use the program that wrote them.
    Format(String),
    /// An argument is wrong.
    Invalid(String),
    /// The second copy does not have the block, or is another chain's: nothing of it was acknowledged.
    Replica(String),
    /// A segment that was archived is not there, or is not what was archived: bring it back.
    Archive(String),
}

impl LedgerError {
    /// The stable name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            LedgerError::Missing(_) => "missing",
            LedgerError::Exists(_) => "exists",
            LedgerError::Locked(_) => "locked",
            LedgerError::Conflict(_) => "conflict",
            LedgerError::Poisoned(_) => "poisoned",
            LedgerError::Io(_) => "io",
            LedgerError::Corrupt(_) => "corrupt",
            LedgerError::Format(_) => "format",
            LedgerError::Invalid(_) => "invalid",
            LedgerError::Replica(_) => "replica",
            LedgerError::Archive(_) => "archive",
        }
    }

    pub(crate) fn io(path: &Path, doing: &str, error: &std::io::Error) -> LedgerError {
        LedgerError::Io(format!("cannot {doing} {}: {error}", path.display()))
    }

    pub(crate) fn corrupt(path: &Path, byte: u64, what: impl fmt::Display) -> LedgerError {
        LedgerError::Corrupt(format!("{} at byte {byte}: {what}; stop and run `farechain audit`", path.display()))
    }

    pub(crate) fn format(path: &Path, byte: u64) -> LedgerError {
        LedgerError::Format(format!(
            "{} at byte {byte} is of a format that this version of farechain does not know: start the version that \
             wrote it; nothing was changed",
            path.display()
        ))
    }
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerError::Missing(text)
            | LedgerError::Exists(text)
            | LedgerError::Locked(text)
            | LedgerError::Conflict(text)
            | LedgerError::Poisoned(text)
            | LedgerError::Io(text)
            | LedgerError::Corrupt(text)
            | LedgerError::Format(text)
            | LedgerError::Invalid(text)
            | LedgerError::Replica(text)
            | LedgerError::Archive(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for LedgerError {}
