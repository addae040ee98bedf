//! The bytes of rejected inputs: an erasable store beside the log, a file a day, that expires. Synced before the block that
//! rejects them, so that a dead letter always has its bytes; what a crash leaves without a block is never read.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use crate::error::LedgerError;
use crate::log::body::ByteList;
use crate::log::frame::{self, HEAD_BYTES, Head, Kind};
use crate::log::sync_dir;

/// A day of block time: the store has a file for each, and looks for what has expired when one begins.
pub(crate) const DAY_MS: u64 = 86_400_000;

#[derive(Debug, Clone, Copy)]
struct Place {
    day: u64,
    at: u64,
}

/// The store.
#[derive(Debug)]
pub struct RejectedStore {
    dir: PathBuf,
    /// By height, the latest frame: a block that was cut off and sealed again wrote another.
    places: RwLock<BTreeMap<u64, Place>>,
}

/// The file, and the byte from which it holds no whole frame.
pub type Damage = (PathBuf, u64);

impl RejectedStore {
    /// Opens the store and reads where its frames lie; with `repair`, a frame that was cut off is removed.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(dir: &Path, repair: bool) -> Result<RejectedStore, LedgerError> {
        if repair {
            fs::create_dir_all(dir).map_err(|error| LedgerError::io(dir, "create", &error))?;
            sync_dir(dir)?;
        }
        let mut places = BTreeMap::new();
        for (day, path) in days(dir)? {
            let bytes = fs::read(&path).map_err(|error| LedgerError::io(&path, "read", &error))?;
            let mut at = 0;
            while let Some((head, _, length)) = frame::read(&bytes[at..]) {
                places.insert(head.height, Place { day, at: at as u64 });
                at += length;
            }
            if repair && at < bytes.len() {
                let file = OpenOptions::new().write(true).open(&path);
                let cut = file.and_then(|file| file.set_len(at as u64).and_then(|()| file.sync_all()));
                cut.map_err(|error| LedgerError::io(&path, "cut the end of", &error))?;
            }
        }
        Ok(RejectedStore { dir: dir.to_path_buf(), places: RwLock::new(places) })
    }

    /// Appends and syncs the rejected inputs of a block, in the order of its outcomes.
    ///
    /// # Errors
    /// `Io`.
    pub fn append(&self, height: u64, time_ms: u64, inputs: &mut ByteList<'_>) -> Result<(), LedgerError> {
        if inputs.is_empty() { Ok(()) } else { self.append_list(height, time_ms, &inputs.pieces()) }
    }

    /// The same of a list's bytes, which is not empty.
    pub(crate) fn append_list(&self, height: u64, time_ms: u64, list: &[&[u8]]) -> Result<(), LedgerError> {
        let day = time_ms / DAY_MS;
        let path = self.path(day);
        let failed = |error| LedgerError::io(&path, "write", &error);
        let is_new = !path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let at = file.metadata().map_err(failed)?.len();
        let bytes = frame::encode(Kind::Rejected, height, list);
        file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(failed)?;
        if is_new {
            sync_dir(&path)?;
        }
        self.places.write().unwrap_or_else(PoisonError::into_inner).insert(height, Place { day, at });
        Ok(())
    }

    /// The rejected inputs of a block in the order of its outcomes; `None` where they have expired or are damaged.
    ///
    /// # Errors
    /// `Io`.
    pub fn read(&self, height: u64) -> Result<Option<Vec<Vec<u8>>>, LedgerError> {
        let place = self.places.read().unwrap_or_else(PoisonError::into_inner).get(&height).copied();
        let Some(Place { day, at }) = place else { return Ok(None) };
        let path = self.path(day);
        let failed = |error| LedgerError::io(&path, "read", &error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut head = [0u8; HEAD_BYTES];
        file.read_exact_at(&mut head, at).map_err(failed)?;
        let Some(head) = Head::parse(&head) else { return Ok(None) };
        let mut body = vec![0u8; head.length as usize];
        file.read_exact_at(&mut body, at + HEAD_BYTES as u64).map_err(failed)?;
        if !head.matches(&body) {
            return Ok(None);
        }
        Ok(ByteList::spans(&body).map(|spans| spans.into_iter().map(|span| body[span].to_vec()).collect()))
    }

    /// Removes the files whose day ended `retention_days` before `now_ms` or earlier. Returns how many.
    ///
    /// # Errors
    /// `Io`.
    pub fn expire(&self, now_ms: u64, retention_days: u64) -> Result<usize, LedgerError> {
        let oldest = (now_ms / DAY_MS).saturating_sub(retention_days);
        let mut removed = 0;
        for (day, path) in days(&self.dir)?.into_iter().filter(|(day, _)| *day < oldest) {
            fs::remove_file(&path).map_err(|error| LedgerError::io(&path, "remove", &error))?;
            self.places.write().unwrap_or_else(PoisonError::into_inner).retain(|_, place| place.day != day);
            removed += 1;
        }
        Ok(removed)
    }

    /// Where the first file that does not end with a whole frame is damaged; `None` if all are whole.
    ///
    /// # Errors
    /// `Io`.
    pub fn damage(dir: &Path) -> Result<Option<Damage>, LedgerError> {
        for (_, path) in days(dir)? {
            let bytes = fs::read(&path).map_err(|error| LedgerError::io(&path, "read", &error))?;
            let mut at = 0;
            while let Some((_, body, length)) = frame::read(&bytes[at..]) {
                let padding = &bytes[at + HEAD_BYTES + body.len()..at + length];
                if padding.iter().any(|byte| *byte != 0) || ByteList::spans(body).is_none() {
                    break;
                }
                at += length;
            }
            if at < bytes.len() {
                return Ok(Some((path, at as u64)));
            }
        }
        Ok(None)
    }

    fn path(&self, day: u64) -> PathBuf {
        self.dir.join(format!("{day:06}.rej"))
    }
}

/// The files by day, days since 1970.
fn days(dir: &Path) -> Result<Vec<(u64, PathBuf)>, LedgerError> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(dir).map_err(|error| LedgerError::io(dir, "read", &error))?;
    let mut days: Vec<(u64, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let day = path.file_name()?.to_str()?.strip_suffix(".rej")?.parse().ok()?;
            Some((day, path))
        })
        .collect();
    days.sort_unstable();
    Ok(days)
}
