//! What stops the public log, and what the operator then does.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why the public log refuses or stops.
#[derive(Debug)]
pub enum LogError {
    /// A checkpoint was signed beyond what is here: restore the missing part, do not sign.
    Rollback(String),
    /// A file is not what it must be: stop and audit.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be read or written, or an earlier write failed: exit and recover by opening again.
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// An argument is wrong.
    Invalid(String),
}

impl LogError {
    pub(super) fn corrupt(path: impl Into<PathBuf>, what: impl Into<String>) -> LogError {
        LogError::Corrupt { path: path.into(), what: what.into() }
    }

    /// Turns an I/O error at a path into this type.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> LogError + '_ {
        |error| LogError::Io { path: path.into(), error }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rollback(what) | Self::Invalid(what) => f.write_str(what),
            Self::Corrupt { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Io { error, .. } = self { Some(error) } else { None }
    }
}
