//! The body of a checkpoint (C2SP tlog-checkpoint): origin, size, root hash, and extension lines if any.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::NoteError;
use crate::tlog::Hash;

/// What a log says of its tree. `Display` writes the note text; whether it is signed is the note's affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity; for farechain the chain's name.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// The RFC 6962 root over them.
    pub root: Hash,
    /// Opaque lines behind the root; farechain writes none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    pub fn new(origin: &str, size: u64, root: Hash) -> Checkpoint {
        Checkpoint { origin: origin.to_owned(), size, root, extensions: Vec::new() }
    }

    /// Reads a note's text. One body has one reading and one form: no leading zeros, canonical base64, no empty line.
    ///
    /// # Errors
    /// [`NoteError::Checkpoint`] that names the line.
    pub fn parse(text: &str) -> Result<Checkpoint, NoteError> {
        let wrong = NoteError::Checkpoint;
        let mut lines = text.strip_suffix('\n').ok_or(wrong("does not end in a newline"))?.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(wrong("the origin is missing"))?;
        let size = lines.next().and_then(decimal).ok_or(wrong("the size is not a decimal number"))?;
        let root = lines.next().and_then(|line| BASE64_STANDARD.decode(line).ok());
        let root = root.and_then(|root| root.try_into().ok()).ok_or(wrong("the root is not base64 of 32 bytes"))?;
        let extensions: Vec<String> = lines.map(ToOwned::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(wrong("an extension line is empty"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root, extensions })
    }
}

/// Digits without sign and leading zeros.
fn decimal(line: &str) -> Option<u64> {
    let canonical = line.bytes().all(|byte| byte.is_ascii_digit()) && (line == "0" || !line.starts_with('0'));
    canonical.then(|| line.parse().ok()).flatten()
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64_STANDARD.encode(self.root))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
