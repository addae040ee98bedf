//! Checks a whole public directory against the headers of the block log: every byte of every file, or the first wrong one.

use std::fmt;
use std::fs;
use std::path::Path;

use farechain_core::note::{Checkpoint, Note, Verifier};
use farechain_core::tlog::Hash;

use super::PublicDirectory;
use super::directory::{CHECKPOINT, VKEY};
use super::durable;
use super::edge::{Edge, MAX_ENTRY_BYTES};
use super::layout::{Row, Tile, WIDTH};

/// What was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicCounts {
    /// The size of the published checkpoint; 0 where none is published.
    pub size: u64,
    /// Headers.
    pub entries: u64,
    /// Tiles and bundles, partial forms among them.
    pub files: u64,
    /// Signatures of the checkpoint that were verified.
    pub signatures: u64,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The file, below the public directory.
    pub file: String,
    /// The first wrong byte.
    pub byte: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: byte {}: {}", self.file, self.byte, self.what)
    }
}

impl std::error::Error for Wrong {}

/// Checks a public directory. Every tile and bundle must be what the `headers` (of all durable blocks, from block 0) give;
/// those that the published checkpoint needs must be there; the checkpoint must be of `origin`, signed by the key `vkey`,
/// and have the root of the headers; nothing else may stand under `tile/`. Where `witnesses` are given, every signature
/// line of the checkpoint must be the log's or one of theirs; otherwise lines of other keys are not looked at.
///
/// # Errors
/// [`Wrong`]: the first file and byte that is not as it must be.
pub fn check_public<H: AsRef<[u8]>>(
    public: &Path,
    origin: &str,
    headers: impl IntoIterator<Item = H>,
    vkey: &str,
    witnesses: &[Verifier],
) -> Result<PublicCounts, Wrong> {
    let directory = PublicDirectory::new(public);
    let mut check = Check { public, counts: PublicCounts::default() };
    check.equal(VKEY, format!("{vkey}\n").as_bytes(), true)?;
    let published = check.signed_checkpoint(&directory, vkey, witnesses)?;
    check.counts.size = published.as_ref().map_or(0, |(_, checkpoint)| checkpoint.size);
    let (mut edge, mut root) = (Edge::default(), None);
    for header in headers {
        let entry = header.as_ref();
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(wrong(CHECKPOINT, 0, format!("header {} does not fit an entry bundle", edge.size())));
        }
        let mut full = Vec::new();
        edge.append(entry, &mut |tile, bytes| full.push((tile, bytes)));
        for (tile, bytes) in full {
            let needed = tile.index < tile.row.length(check.counts.size) / WIDTH;
            check.counts.files += u64::from(check.equal(&tile.to_string(), &bytes, needed)?);
            check.partial_forms(tile, &bytes, WIDTH - 1)?;
        }
        if edge.size() == check.counts.size {
            root = Some(edge.frontier.root());
        }
    }
    check.counts.entries = edge.size();
    for row in Row::all(edge.size()) {
        if let Some(tile) = row.partial(edge.size()) {
            check.partial_forms(tile, &edge.partial_bytes(row), tile.width)?;
        }
    }
    if let Some((note, checkpoint)) = published {
        check_root(origin, &note, &checkpoint, root)?;
        check_partials(&directory, checkpoint.size)?;
    }
    nothing_else(&public.join("tile"), "tile", edge.size())?;
    Ok(check.counts)
}

fn wrong(file: &str, byte: usize, what: impl Into<String>) -> Wrong {
    Wrong { file: file.into(), byte: byte as u64, what: what.into() }
}

fn unreadable(file: &str, error: &dyn fmt::Display) -> Wrong {
    wrong(file, 0, error.to_string())
}

/// Where two byte strings differ first; `None` if they are equal.
fn difference(found: &[u8], expected: &[u8]) -> Option<usize> {
    let common = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    (common < found.len().max(expected.len())).then_some(common)
}

/// The checkpoint's text must be the one that the headers give.
fn check_root(origin: &str, note: &str, checkpoint: &Checkpoint, root: Option<Hash>) -> Result<(), Wrong> {
    let Some(root) = root else {
        return Err(wrong(CHECKPOINT, origin.len() + 1, format!("there are no {} blocks", checkpoint.size)));
    };
    let expected = Checkpoint::new(origin, checkpoint.size, root).to_string();
    match difference(&note.as_bytes()[..expected.len().min(note.len())], expected.as_bytes()) {
        Some(at) => Err(wrong(CHECKPOINT, at, "not the origin and root that the headers give")),
        None if checkpoint.extensions.is_empty() => Ok(()),
        None => Err(wrong(CHECKPOINT, expected.len(), "extension lines")),
    }
}

/// Each row's partial tile of the published size must be there, itself or as a part of the full one.
fn check_partials(directory: &PublicDirectory, size: u64) -> Result<(), Wrong> {
    for tile in Row::all(size).filter_map(|row| row.partial(size)) {
        match directory.read(tile) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(wrong(&tile.to_string(), 0, "missing, and the full one too")),
            Err(error) => return Err(unreadable(&tile.to_string(), &error)),
        }
    }
    Ok(())
}

struct Check<'a> {
    public: &'a Path,
    counts: PublicCounts,
}

impl Check<'_> {
    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, Wrong> {
        durable::read(&self.public.join(file)).map_err(|error| unreadable(file, &error))
    }

    /// Whether the file is there; if so, its bytes must be these.
    fn equal(&self, file: &str, expected: &[u8], needed: bool) -> Result<bool, Wrong> {
        match self.read(file)? {
            Some(found) => match difference(&found, expected) {
                Some(at) => Err(wrong(file, at, "not the bytes that the headers and the key give")),
                None => Ok(true),
            },
            None if needed => Err(wrong(file, 0, "missing")),
            None => Ok(false),
        }
    }

    /// Every partial form of a tile that is there, up to a width, must be the first part of these bytes.
    fn partial_forms(&mut self, tile: Tile, bytes: &[u8], widest: u64) -> Result<(), Wrong> {
        let directory = tile.partials();
        let Ok(names) = fs::read_dir(self.public.join(&directory)) else { return Ok(()) };
        let mut ends = vec![0; WIDTH as usize + 1];
        for width in 1..=widest as usize {
            let start = ends[width - 1];
            let length = match tile.row {
                Row::Level(_) => 32,
                Row::Entries => 2 + usize::from(u16::from_be_bytes([bytes[start], bytes[start + 1]])),
            };
            ends[width] = start + length;
        }
        let names = names.filter_map(|name| name.ok()?.file_name().into_string().ok());
        let mut widths: Vec<u64> = names.filter_map(|name| name.parse().ok()).collect();
        widths.sort_unstable();
        for width in widths.into_iter().filter(|width| (1..=widest).contains(width)) {
            let part = &bytes[..ends[width as usize]];
            let file = Tile { width, ..tile }.to_string();
            self.counts.files += u64::from(self.equal(&file, part, false)?);
        }
        Ok(())
    }

    /// The published note and its checkpoint, after its signatures were verified.
    fn signed_checkpoint(
        &mut self,
        directory: &PublicDirectory,
        vkey: &str,
        witnesses: &[Verifier],
    ) -> Result<Option<(String, Checkpoint)>, Wrong> {
        let text = directory.checkpoint().map_err(|error| unreadable(CHECKPOINT, &error))?;
        if text.is_empty() {
            return if directory.path().join(CHECKPOINT).exists() {
                Err(wrong(CHECKPOINT, 0, "empty"))
            } else {
                Ok(None)
            };
        }
        let log = Verifier::parse(vkey).map_err(|error| unreadable(VKEY, &error))?;
        let verifiers: Vec<Verifier> = std::iter::once(&log).chain(witnesses).cloned().collect();
        let note = Note::parse(&text).map_err(|error| unreadable(CHECKPOINT, &error))?;
        let open = if witnesses.is_empty() { note.open(&verifiers) } else { note.open_whole(&verifiers) };
        let signed = open.map_err(|error| wrong(CHECKPOINT, note.text().len() + 1, error.to_string()))?;
        if signed.iter().all(|signer| signer.verifier != 0) {
            return Err(wrong(CHECKPOINT, note.text().len() + 1, "the log has not signed it"));
        }
        self.counts.signatures = signed.len() as u64;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|error| unreadable(CHECKPOINT, &error))?;
        Ok(Some((text, checkpoint)))
    }
}

/// Whatever stands under `tile/` must have the name of a tile or bundle of a log of this size.
fn nothing_else(directory: &Path, name: &str, size: u64) -> Result<(), Wrong> {
    let Ok(items) = fs::read_dir(directory) else { return Ok(()) };
    let mut items: Vec<_> = items.collect::<Result<_, _>>().map_err(|error| unreadable(name, &error))?;
    items.sort_by_key(fs::DirEntry::file_name);
    for item in items {
        let name = format!("{name}/{}", item.file_name().to_string_lossy());
        if item.file_type().map_err(|error| unreadable(&name, &error))?.is_dir() {
            nothing_else(&item.path(), &name, size)?;
            continue;
        }
        let end = |tile: Tile| tile.index.checked_mul(WIDTH)?.checked_add(tile.width);
        let known = Tile::parse(&name).is_some_and(|tile| end(tile).is_some_and(|end| end <= tile.row.length(size)));
        if !known {
            return Err(wrong(&name, 0, "not a part of a log of this size"));
        }
    }
    Ok(())
}
