//! The public log: block headers as a C2SP tlog-tiles directory, and the one that signs its checkpoints.
//!
//! Order of a checkpoint: bundles and tiles synced ([`PublicLog::append`]) → root recomputed from the files → size and
//! root durably recorded → signed ([`PublicLog::sign`]) → cosigned elsewhere → renamed into place
//! ([`PublicLog::publish`]). A crash anywhere is recovered by opening: the log then stands at the last signed size, and
//! the ledger's headers behind it are appended again. Knows nothing of the block log but its headers.

mod check;
mod directory;
mod durable;
mod edge;
mod error;
mod head;
mod layout;
mod open;
mod reread;
#[cfg(test)]
mod tests;
mod tile_trees;

use std::fs;
use std::path::{Path, PathBuf};

use farechain_core::block::Header;
use farechain_core::note::{self, Checkpoint, Verifier};
use farechain_core::tlog::{Frontier, Hash};

pub use check::{PublicCounts, Wrong, check_public};
pub use directory::PublicDirectory;
pub use error::LogError;

use directory::CHECKPOINT;
use durable::Batch;
use edge::{Edge, MAX_ENTRY_BYTES};
use head::Head;
use layout::Tile;
use reread::read_again;

/// The writer of a public directory and signer of its checkpoints.
#[derive(Debug)]
pub struct PublicLog {
    directory: PublicDirectory,
    state: PathBuf,
    origin: String,
    seed: [u8; 32],
    verifier: Verifier,
    edge: Edge,
    /// The tree whose files were compared with its root: what the next signature builds on.
    verified: Frontier,
    /// What the state directory holds, for the compare-and-swap.
    recorded: Option<Head>,
    /// The highest head known to be signed; nothing is signed below it or beside it.
    floor: Option<Head>,
    published: Option<(u64, String)>,
    poisoned: bool,
}

impl PublicLog {
    /// Learns of a checkpoint of this log that is known outside (to a witness, in a publication). Nothing is signed until
    /// the log has reached it; it must then have that root.
    ///
    /// # Errors
    /// [`LogError::Invalid`] where the note is not ours, [`LogError::Corrupt`] where the tree here has another root at
    /// that size: the log has forked.
    pub fn known_outside(&mut self, note: &str) -> Result<(), LogError> {
        let head = self.own_head(note).map_err(LogError::Invalid)?;
        if head.size <= self.edge.size() && self.directory.at(self.edge.size()).root(head.size)? != head.root {
            let what = format!("a checkpoint known outside has another root for {} entries", head.size);
            return Err(LogError::corrupt(self.directory.path(), what));
        }
        self.raise_floor(head)
    }

    /// Appends block headers, the first of height [`PublicLog::size`]; bundles and tiles are durable on return.
    /// Full tiles that are there from before a crash must have the same bytes. Returns the new size.
    ///
    /// # Errors
    /// [`LogError::Invalid`] where a header is not the next one of this chain (nothing was written),
    /// [`LogError::Corrupt`] and [`LogError::Io`] (open again).
    pub fn append<H: AsRef<[u8]>>(&mut self, headers: &[H]) -> Result<u64, LogError> {
        self.check_usable()?;
        for (height, header) in (self.edge.size()..).zip(headers) {
            self.check_header(height, header.as_ref())?;
        }
        if headers.is_empty() {
            return Ok(self.edge.size());
        }
        self.poisoned = true;
        self.write(headers)?;
        self.poisoned = false;
        Ok(self.edge.size())
    }

    fn check_header(&self, height: u64, header: &[u8]) -> Result<(), LogError> {
        let decoded = Header::decode(header).ok().filter(|_| header.len() <= MAX_ENTRY_BYTES);
        match decoded {
            Some(header) if header.chain == self.origin && header.height == height => Ok(()),
            Some(header) => Err(LogError::Invalid(format!(
                "header {} of {} cannot be entry {height} of {}",
                header.height, header.chain, self.origin
            ))),
            None => Err(LogError::Invalid(format!("entry {height} would not be a block header"))),
        }
    }

    fn write<H: AsRef<[u8]>>(&mut self, headers: &[H]) -> Result<(), LogError> {
        let before = self.edge.size();
        let mut full: Vec<(Tile, Vec<u8>)> = Vec::new();
        for header in headers {
            self.edge.append(header.as_ref(), &mut |tile, bytes| full.push((tile, bytes)));
            if let Some(floor) = self.floor.filter(|floor| floor.size == self.edge.size())
                && floor.root != self.edge.frontier.root()
            {
                let what = format!("another root was signed for {} entries", floor.size);
                return Err(LogError::corrupt(self.directory.path(), what));
            }
        }
        let finished: Vec<Tile> = full.iter().map(|(tile, _)| *tile).collect();
        let public = self.directory.path();
        let mut batch = Batch::new(public);
        for (tile, bytes) in full.into_iter().chain(self.edge.partials_since(before)) {
            let path = tile.to_string();
            match durable::read(&public.join(&path))? {
                Some(present) if present == bytes => batch.keep(path),
                Some(_) if tile.is_full() => {
                    return Err(LogError::corrupt(
                        public.join(path),
                        "a full tile has other bytes than the headers give",
                    ));
                }
                _ => batch.put(path, bytes),
            }
        }
        batch.commit()?;
        // Only now may the partial forms go: a reader always finds one of the two.
        finished.into_iter().try_for_each(|tile| remove_partials(public, tile))
    }

    /// The checkpoint note for the present size. The root is recomputed from the files; size and root are durable before
    /// the signature is made. Signing the same size again gives the same note.
    ///
    /// # Errors
    /// [`LogError::Rollback`] below the highest head known to be signed, [`LogError::Corrupt`] where the files give
    /// another root or one was signed before for this size, [`LogError::Io`], [`LogError::Invalid`] for an empty log.
    pub fn sign(&mut self) -> Result<String, LogError> {
        self.check_usable()?;
        let head = Head { size: self.edge.size(), root: self.edge.frontier.root() };
        if let Some(floor) = self.floor.filter(|floor| floor.size > head.size) {
            return Err(LogError::Rollback(format!(
                "{} entries were signed, there are {} here: restore the rest",
                floor.size, head.size
            )));
        }
        if head.size == 0 {
            return Err(LogError::Invalid("an empty log is not signed".into()));
        }
        self.poisoned = true;
        let verified = read_again(&self.directory, &self.verified, head.size)?;
        if verified.root() != head.root {
            return Err(LogError::corrupt(self.directory.path(), "the files give another root than the headers"));
        }
        head.replace(&self.state, &self.origin, self.recorded)?;
        (self.recorded, self.floor, self.verified) = (Some(head), Some(head), verified);
        self.poisoned = false;
        let text = Checkpoint::new(&self.origin, head.size, head.root).to_string();
        let line = note::sign(&self.origin, &self.seed, &text).map_err(|error| LogError::Invalid(error.to_string()))?;
        Ok(format!("{text}\n{line}"))
    }

    /// Puts a note in place by atomic rename: one that our key signed, for the last signed head, with whatever
    /// cosignatures it has gathered.
    ///
    /// # Errors
    /// [`LogError::Invalid`] for any other note, [`LogError::Io`].
    pub fn publish(&mut self, note: &str) -> Result<(), LogError> {
        self.check_usable()?;
        let head = self.own_head(note).map_err(LogError::Invalid)?;
        if self.recorded != Some(head) {
            let last = self.recorded.map_or(0, |head| head.size);
            let what = format!("a checkpoint of {} entries is not the last one signed ({last} entries)", head.size);
            return Err(LogError::Invalid(what));
        }
        self.poisoned = true;
        let mut batch = Batch::new(self.directory.path());
        batch.put(CHECKPOINT, note.as_bytes().to_vec());
        batch.commit()?;
        self.poisoned = false;
        self.published = Some((head.size, note.into()));
        Ok(())
    }

    fn check_usable(&self) -> Result<(), LogError> {
        let error = || std::io::Error::other("an earlier operation failed: open the log again");
        if self.poisoned { Err(LogError::io(self.directory.path())(error())) } else { Ok(()) }
    }

    /// The log's verifier key in signed-note form.
    pub fn vkey(&self) -> String {
        self.verifier.to_string()
    }

    /// Entries in tiles.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The size of the published checkpoint; 0 before the first.
    pub fn published_size(&self) -> u64 {
        self.published.as_ref().map_or(0, |(size, _)| *size)
    }

    /// The published note; empty before the first.
    pub fn checkpoint(&self) -> &str {
        self.published.as_ref().map_or("", |(_, note)| note)
    }

    /// The directory, for readers.
    pub fn directory(&self) -> &PublicDirectory {
        &self.directory
    }

    /// The RFC 6962 proof that the tree of `new` entries extends that of `old` entries.
    ///
    /// # Errors
    /// [`LogError::Invalid`] unless `old <= new <= size`.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
        self.directory.at(self.edge.size()).consistency(old, new)
    }

    /// The RFC 6962 path of entry `index` in the tree of the first `size` entries.
    ///
    /// # Errors
    /// [`LogError::Invalid`] unless `index < size` and `size` is not beyond the log's.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        self.directory.at(self.edge.size()).inclusion(index, size)
    }
}

fn remove_partials(public: &Path, tile: Tile) -> Result<(), LogError> {
    let path = public.join(tile.partials());
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LogError::Io { path, error }),
        _ => Ok(()),
    }
}
