//! The last signed head, kept durably outside the public directory: one root for a size, ever, and never a smaller size.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use farechain_core::note::Checkpoint;
use farechain_core::tlog::{self, Hash};

use super::LogError;
use super::durable::{self, Batch};

/// The file: the checkpoint's text, then a line with the SHA-256 leaf hash of that text in hex.
const FILE: &str = "signed-head";
/// Held while the head is compared and replaced, so that two processes cannot both replace the same one.
const LOCK: &str = "signed-head.lock";

/// Size and root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub size: u64,
    pub root: Hash,
}

impl Head {
    /// The head that was recorded last; `None` before the first.
    pub(super) fn load(state: &Path, origin: &str) -> Result<Option<Head>, LogError> {
        let path = state.join(FILE);
        let Some(bytes) = durable::read(&path)? else { return Ok(None) };
        let checkpoint = parse(&bytes).ok_or_else(|| LogError::corrupt(&path, "damaged: restore it from a copy"))?;
        if checkpoint.origin != origin {
            return Err(LogError::corrupt(path, format!("is the head of {}, not of {origin}", checkpoint.origin)));
        }
        Ok(Some(Head { size: checkpoint.size, root: checkpoint.root }))
    }

    /// Replaces `expected`, which must still be what is recorded, by a head that is not behind it. Durable on return.
    pub(super) fn replace(self, state: &Path, origin: &str, expected: Option<Head>) -> Result<(), LogError> {
        let lock_path = state.join(LOCK);
        let lock = File::create(&lock_path).map_err(LogError::io(&lock_path))?;
        lock.lock().map_err(LogError::io(&lock_path))?;
        let recorded = Head::load(state, origin)?;
        if recorded != expected {
            return Err(LogError::Rollback(format!(
                "another process has signed {} entries of {origin}: stop it, or open the log again",
                recorded.map_or(0, |head| head.size)
            )));
        }
        match recorded {
            Some(recorded) if recorded == self => Ok(()),
            Some(recorded) if recorded.size > self.size => Err(LogError::Rollback(format!(
                "{} entries were signed, there are {} here: restore the rest",
                recorded.size, self.size
            ))),
            Some(recorded) if recorded.size == self.size => {
                Err(LogError::corrupt(state.join(FILE), format!("another root was signed for {} entries", self.size)))
            }
            _ => {
                let text = Checkpoint::new(origin, self.size, self.root).to_string();
                let sum = hex(&tlog::leaf_hash(text.as_bytes()));
                let mut batch = Batch::new(state);
                batch.put(FILE, format!("{text}{sum}\n").into_bytes());
                batch.commit()
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Option<Checkpoint> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let end = text.rfind('\n')? + 1;
    let (body, sum) = text.split_at(end);
    (hex(&tlog::leaf_hash(body.as_bytes())) == sum).then(|| Checkpoint::parse(body).ok()).flatten()
}

fn hex(hash: &Hash) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
