//! Opening: the last signed head, what is published, and the tree that the files give must agree.

use std::collections::BTreeSet;
use std::path::Path;

use farechain_core::note::{Checkpoint, Kind, Note, Verifier};
use farechain_core::signature;
use farechain_core::tlog::Frontier;

use super::directory::{CHECKPOINT, VKEY};
use super::durable::{self, Batch, WRITING};
use super::edge::Edge;
use super::head::Head;
use super::reread::read_edge;
use super::{LogError, PublicDirectory, PublicLog};

impl PublicLog {
    /// Opens or creates the log at the last signed size. `public` is the directory to publish, `state` one that is not
    /// published and is backed up apart: it holds the last signed head. Entries behind that size must be appended again.
    ///
    /// # Errors
    /// [`LogError::Rollback`] where the files end before the last signed size, [`LogError::Corrupt`] where they give
    /// another root, [`LogError::Invalid`] where the directory belongs to another origin or key.
    pub fn open(public: &Path, state: &Path, origin: &str, seed: &[u8; 32]) -> Result<PublicLog, LogError> {
        let mut log = Self::prepare(public, state, origin, seed)?;
        let Some(floor) = log.floor else { return Ok(log) };
        log.edge = read_edge(&log.directory, floor.size)?;
        if log.edge.frontier.root() != floor.root {
            let what = format!("the tiles do not give the root that was signed for {} entries", floor.size);
            return Err(LogError::corrupt(public, what));
        }
        if let Some((size, text)) = &log.published
            && *size < floor.size
        {
            let root = log.directory.at(floor.size).root(*size)?;
            log.check_published(text, Head { size: *size, root })?;
        }
        log.verified = log.edge.frontier.clone();
        Ok(log)
    }

    /// Begins an empty public directory again after its loss. Nothing is signed until the appended headers have reached
    /// the last signed size with the root that was signed.
    ///
    /// # Errors
    /// [`LogError::Invalid`] where there are tiles already: open it, or move it away.
    pub fn rebuild(public: &Path, state: &Path, origin: &str, seed: &[u8; 32]) -> Result<PublicLog, LogError> {
        if public.join("tile").exists() {
            return Err(LogError::Invalid(format!("{} has tiles already: move it away", public.display())));
        }
        Self::prepare(public, state, origin, seed)
    }

    fn prepare(public: &Path, state: &Path, origin: &str, seed: &[u8; 32]) -> Result<PublicLog, LogError> {
        let verifier = Verifier::new(origin, Kind::Ed25519, signature::public_key(seed))
            .map_err(|error| LogError::Invalid(error.to_string()))?;
        let mut changed = BTreeSet::new();
        durable::create_directories(&public.join(WRITING), &mut changed)?;
        durable::create_directories(&state.join(WRITING), &mut changed)?;
        changed.iter().try_for_each(|directory| durable::sync_directory(directory))?;
        write_vkey(public, &verifier)?;
        let recorded = Head::load(state, origin)?;
        let mut log = PublicLog {
            directory: PublicDirectory::new(public),
            state: state.into(),
            origin: origin.into(),
            seed: *seed,
            verifier,
            edge: Edge::default(),
            verified: Frontier::new(),
            recorded,
            floor: recorded,
            published: None,
            poisoned: false,
        };
        let note = log.directory.checkpoint()?;
        if !note.is_empty() {
            let path = public.join(CHECKPOINT);
            let head = log.own_head(&note).map_err(|what| LogError::corrupt(path, what))?;
            log.published = Some((head.size, note));
            log.raise_floor(head)?;
        }
        Ok(log)
    }

    /// A head that our key signed: the floor if it is higher; the same size must have the same root.
    pub(super) fn raise_floor(&mut self, head: Head) -> Result<(), LogError> {
        match self.floor {
            Some(floor) if floor.size > head.size => Ok(()),
            Some(floor) if floor.size == head.size && floor.root != head.root => {
                let what = format!("two roots were signed for {} entries", head.size);
                Err(LogError::corrupt(self.directory.path(), what))
            }
            _ => {
                self.floor = Some(head);
                Ok(())
            }
        }
    }

    /// The head of a note that our key signed.
    pub(super) fn own_head(&self, note: &str) -> Result<Head, String> {
        let note = Note::parse(note).map_err(|error| error.to_string())?;
        note.open(std::slice::from_ref(&self.verifier)).map_err(|error| error.to_string())?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| error.to_string())?;
        if checkpoint.origin != self.origin || !checkpoint.extensions.is_empty() {
            return Err(format!("not a checkpoint of {} without extensions", self.origin));
        }
        Ok(Head { size: checkpoint.size, root: checkpoint.root })
    }

    fn check_published(&self, text: &str, expected: Head) -> Result<(), LogError> {
        let path = self.directory.path().join(CHECKPOINT);
        match self.own_head(text) {
            Ok(head) if head == expected => Ok(()),
            _ => Err(LogError::corrupt(path, "the tiles do not give the root of the published checkpoint")),
        }
    }
}

fn write_vkey(public: &Path, verifier: &Verifier) -> Result<(), LogError> {
    let line = format!("{verifier}\n");
    match durable::read(&public.join(VKEY))? {
        Some(present) if present == line.as_bytes() => Ok(()),
        Some(_) => Err(LogError::Invalid(format!("{} is of another origin or key", public.join(VKEY).display()))),
        None => {
            let mut batch = Batch::new(public);
            batch.put(VKEY, line.into_bytes());
            batch.commit()
        }
    }
}
