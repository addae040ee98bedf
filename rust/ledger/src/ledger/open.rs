//! Creating and opening: recovery is the normal path. The snapshot, if it is good, and the blocks behind it.

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, RwLock};

use farechain_core::block::{Genesis, Source, SourceRange};
use farechain_core::decide::{Block, Entry};
use farechain_core::digest::{self, Digest};
use farechain_core::outcome::{Location, Outcome};
use farechain_core::record::Record;
use farechain_core::registry::Registry;
use farechain_lanes::Verifier;

use crate::assemble::Assembled;
use crate::copied::Copies;
use crate::error::LedgerError;
use crate::index::snapshot::{self, Snapshot};
use crate::index::{Applied, Index, Secret};
use crate::ledger::{Ledger, Writer, query, state};
use crate::lock::Lock;
use crate::log::archived;
use crate::log::body::{Body, ByteList};
use crate::log::disk::{first_non_zero, segment_path};
use crate::log::{BlockPlace, LogReader, LogWriter, Recovered, recover, sync_dir};
use crate::prepare::Keyring;
use crate::recent::Recent;
use crate::rejected::RejectedStore;

/// What a new chain is.
#[derive(Debug, Clone)]
pub struct Create {
    /// The network's name, 1-64 bytes.
    pub network: String,
    /// The chain's name, 1-64 bytes without spaces or `+`: it is the public log's origin.
    pub chain: String,
    /// The bureau's public key.
    pub bureau: [u8; 32],
    /// The partitions; the engine's own source is put before them.
    pub sources: Vec<Source>,
    /// Regions for which numbers may be granted.
    pub regions: Vec<String>,
    /// Genesis time, milliseconds since 1970.
    pub time_ms: u64,
    /// Minutes east of UTC.
    pub utc_offset_min: i16,
    /// How many waiting items one block may issue.
    pub drain_max: u32,
    /// 16 random bytes: the secret of the index.
    pub secret: [u8; 16],
}

/// How to open.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    /// Take no lock, write nothing.
    pub readonly: bool,
    /// Threads for decoding and signatures.
    pub threads: usize,
    /// Most memory for the tables of known signers, bytes.
    pub table_bytes_max: usize,
    /// How long the bytes of rejected inputs are kept, days.
    pub rejected_days: u64,
    /// Of a ledger that is only read, blocks behind the snapshot are left aside once there are so many: its owner's newest
    /// may have no second copy yet.
    pub blocks_max: Option<u64>,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions { readonly: false, threads: 2, table_bytes_max: 192 << 20, rejected_days: 30, blocks_max: None }
    }
}

pub(super) fn blocks_dir(dir: &Path) -> PathBuf {
    dir.join("blocks")
}

/// Derived data: the secret, and the parts of the snapshot.
fn index_dir(dir: &Path) -> PathBuf {
    dir.join("index")
}

fn secret_path(dir: &Path) -> PathBuf {
    index_dir(dir).join("secret")
}

/// Confirms an identity in the log.
pub(crate) fn confirm(log: &LogReader) -> impl Fn(Location, &Digest) -> bool + '_ {
    |location, identity| crate::settled::read_record(log, location).identity() == Some(identity)
}

impl Ledger {
    /// Writes genesis into a directory that is no ledger yet.
    ///
    /// # Errors
    /// `Exists`, `Invalid` for names, regions or a bureau key that are not well formed, `Io`.
    pub fn create(dir: &Path, chain: &Create) -> Result<(), LedgerError> {
        let genesis = genesis(chain)?;
        Registry::new(&genesis).map_err(|error| LedgerError::Invalid(error.to_string()))?;
        let blocks = blocks_dir(dir);
        fs::create_dir_all(dir).map_err(|error| LedgerError::io(dir, "create", &error))?;
        let lock = Lock::take(dir)?;
        if genesis_is_there(dir)? {
            return Err(LedgerError::Exists(format!(
                "{} holds a ledger already: name another directory",
                dir.display()
            )));
        }
        write_secret(dir, &chain.secret)?;
        LogWriter::create(&blocks)?;
        let built = Assembled::genesis(Record::Genesis(Box::new(genesis.clone())));
        let index = Index::new([0; 2], genesis.sources.len(), genesis.utc_offset_min);
        let block = Block { height: 0, time_ms: chain.time_ms };
        let header = built.header(&genesis.chain, [0; 32], block, &index.positions).encode();
        let body = built.parts.pieces(&header);
        let mut evidence = ByteList::with_capacity(0);
        let end = Recovered { segment: 0, at: 0, size: 0 };
        let mut writer = LogWriter::open(LogReader::new(&blocks), end, [0; 32])?;
        writer.append(0, &[0; 32], digest::block(&header), &body.all(), &evidence.pieces(), &|| Ok(()))?;
        drop(lock);
        Ok(())
    }

    /// Opens and recovers.
    ///
    /// # Errors
    /// `Missing`, `Locked` where another process owns it, `Corrupt` where the log contradicts itself, `Io`.
    pub fn open(dir: &Path, options: OpenOptions) -> Result<Ledger, LedgerError> {
        if !genesis_is_there(dir)? {
            return Err(LedgerError::Missing(format!("no ledger in {}: run `farechain init` first", dir.display())));
        }
        let lock = if options.readonly { None } else { Some(Lock::take(dir)?) };
        let secret = read_secret(dir, options.readonly)?;
        let log = LogReader::new(&blocks_dir(dir));
        let snapshot = snapshot::read(&index_dir(dir), secret, &log);
        let mut row = snapshot::Row::new(&index_dir(dir));
        let most = options.blocks_max.filter(|_| options.readonly).unwrap_or(u64::MAX).max(1);
        let (state, end) = catch_up(&log, snapshot, secret, &mut row, !options.readonly, most)?;
        let missing = || LedgerError::Missing(format!("no genesis in {}: run `farechain init` again", dir.display()));
        let State { index, registry } = state.ok_or_else(missing)?;
        let writer = match lock {
            Some(lock) => {
                let writer = LogWriter::open(log.clone(), end, index.head)?;
                Some(Writer { log: writer, snapshot: row, _lock: lock })
            }
            None => None,
        };
        Ok(Ledger {
            genesis: registry.genesis().clone(),
            rejected: RejectedStore::open(&dir.join("rejected"), !options.readonly)?,
            log,
            index: RwLock::new(index),
            registry: RwLock::new(registry),
            writer: Mutex::new(writer),
            poisoned: AtomicBool::new(false),
            keyring: Keyring::default(),
            verifier: Verifier::new(1, options.table_bytes_max),
            threads: options.threads,
            rejected_days: options.rejected_days,
            trees: Mutex::new(Recent::new(query::TREES_BYTES_MAX)),
            readonly: AtomicBool::new(options.readonly),
            state_dir: state::state_dir(dir),
            follower: Mutex::default(),
            views: Mutex::default(),
            copies: Copies::default(),
        })
    }
}

fn genesis(chain: &Create) -> Result<Genesis, LedgerError> {
    let named = |name: &str| (1..=64).contains(&name.len()) && !name.contains([' ', '+', '\n']) && name.is_ascii();
    if !named(&chain.network) || !named(&chain.chain) {
        let what = "the names of network and chain have 1 to 64 visible ASCII characters, no space or +";
        return Err(LedgerError::Invalid(what.into()));
    }
    let region = |region: &String| region.len() == 4 && region.bytes().all(|byte| byte.is_ascii_digit());
    if chain.regions.is_empty() || !chain.regions.iter().all(region) {
        return Err(LedgerError::Invalid("regions are four digits each, at least one: 4403 for example".into()));
    }
    if chain.sources.is_empty() || chain.sources.len() > 4096 || chain.drain_max == 0 {
        return Err(LedgerError::Invalid("a chain has 1 to 4,096 partitions and drains at least 1 a block".into()));
    }
    let engine = Source { topic: "system".into(), topic_id: [0; 16], partition: 0 };
    Ok(Genesis {
        network: chain.network.clone(),
        chain: chain.chain.clone(),
        utc_offset_min: chain.utc_offset_min,
        bureau: chain.bureau,
        drain_max: chain.drain_max,
        regions: chain.regions.clone(),
        sources: std::iter::once(engine).chain(chain.sources.iter().cloned()).collect(),
    })
}

/// A directory whose first segment holds a block. One that was cut off while it was created is none, and is made again.
pub(crate) fn genesis_is_there(dir: &Path) -> Result<bool, LedgerError> {
    let path = segment_path(&blocks_dir(dir), 0);
    if !archived::is_there(&blocks_dir(dir), 0)? {
        return Ok(false);
    }
    let Some((file, size)) = archived::open_local(&blocks_dir(dir), 0)? else { return Ok(true) };
    Ok(first_non_zero(&file, &path, 0, size.min(4096))?.is_some())
}

pub(super) fn write_secret(dir: &Path, secret: &[u8; 16]) -> Result<(), LedgerError> {
    let path = secret_path(dir);
    let parent = index_dir(dir);
    let written = fs::create_dir_all(&parent).and_then(|()| {
        let mut file = fs::File::create(&path)?;
        file.write_all(secret)?;
        file.sync_all()
    });
    written.map_err(|error| LedgerError::io(&path, "write", &error))?;
    sync_dir(&path)?;
    sync_dir(&parent)
}

/// The secret belongs to derived data: where it is lost, a new one is drawn and the index is rebuilt.
fn read_secret(dir: &Path, readonly: bool) -> Result<Secret, LedgerError> {
    let path = secret_path(dir);
    if let Some(bytes) = fs::read(&path).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()) {
        return Ok(snapshot::secret(&bytes));
    }
    let mut bytes = [0u8; 16];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| LedgerError::Io(format!("no random bytes: {error}")))?;
    if !readonly {
        write_secret(dir, &bytes)?;
    }
    Ok(snapshot::secret(&bytes))
}

/// Applies the blocks behind the snapshot, or all.
fn catch_up(
    log: &LogReader,
    snapshot: Option<Snapshot>,
    secret: Secret,
    row: &mut snapshot::Row,
    repair: bool,
    most: u64,
) -> Result<(Option<State>, Recovered), LedgerError> {
    let last = snapshot.as_ref().and_then(|_| log.blocks().checked_sub(1));
    let known = last.and_then(|height| Some((height, log.place(height)?)));
    let mut state = snapshot.map(|snapshot| {
        *row = snapshot.row;
        State { index: snapshot.index, registry: snapshot.registry }
    });
    let end = recover(log.dir(), known, repair, &mut |place, body| {
        if log.blocks() >= most {
            return Ok(());
        }
        log.push(place);
        match &mut state {
            Some(state) => state.apply(log, &place, &body)?,
            None => state = Some(State::genesis(secret, &place, &body).map_err(|what| damaged(log, &place, what))?),
        }
        if let Some(State { index, registry }) = state.as_mut().filter(|state| row.is_due(&state.index)) {
            if repair {
                // As in committing: what cannot be written now is tried again with the next part.
                let _written = row.write(index, registry, log);
            } else {
                row.skip(index);
            }
        }
        Ok(())
    })?;
    Ok((state, end))
}

fn damaged(log: &LogReader, place: &BlockPlace, what: &str) -> LedgerError {
    let path = segment_path(log.dir(), place.segment);
    LedgerError::corrupt(&path, u64::from(place.at), what)
}

/// Index and registry as a fold over blocks.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) index: Index,
    pub(crate) registry: Registry,
}

impl State {
    /// The state after block 0.
    pub(crate) fn genesis(secret: Secret, place: &BlockPlace, body: &Body) -> Result<State, &'static str> {
        let one = body.record_count() == 1 && body.header().height == 0;
        let record = one.then(|| Record::decode(body.record(0)).ok()).flatten();
        let Some(Record::Genesis(genesis)) = record else { return Err("block 0 is not a genesis") };
        let registry = Registry::new(&genesis).map_err(|damage| damage.0)?;
        let mut index = Index::new(secret, genesis.sources.len(), genesis.utc_offset_min);
        let applied = Applied {
            height: 0,
            hash: digest::block(body.header_bytes()),
            time_ms: body.header().time_ms,
            bytes: place.frames_bytes(4),
            ranges: &[],
            outcomes: &[],
            entries: &[Entry { record: Record::Genesis(genesis), annex: None }],
            hashes: &[digest::leaf(body.record(0))],
        };
        index.apply(&applied, &|_, _| false);
        Ok(State { index, registry })
    }

    /// Applies the next block, trusting what its checksum covers; the reader knows its place.
    fn apply(&mut self, log: &LogReader, place: &BlockPlace, body: &Body) -> Result<(), LedgerError> {
        apply(&mut self.index, &mut self.registry, log, place, body)
    }
}

/// Applies the next block to index and registry, trusting what its checksum covers; the reader knows its place.
pub(super) fn apply(
    index: &mut Index,
    registry: &mut Registry,
    log: &LogReader,
    place: &BlockPlace,
    body: &Body,
) -> Result<(), LedgerError> {
    let (height, time_ms) = (body.header().height, body.header().time_ms);
    let damaged = |what| damaged(log, place, what);
    if body.header().previous != index.head {
        return Err(damaged("a block that does not follow the one before it"));
    }
    let mut entries = Vec::with_capacity(body.record_count());
    let mut hashes = Vec::with_capacity(body.record_count());
    for number in 0..body.record_count() {
        let record = Record::decode(body.record(number)).map_err(|_| damaged("a record that cannot be decoded"))?;
        let annex = body.annex(number);
        if annex.is_some_and(|annex| !record.names(annex)) {
            return Err(damaged("an annex is not what its record names"));
        }
        let location = Location { height, index: number as u32 };
        registry.apply(&record, annex, location, time_ms).map_err(|damage| damaged(damage.0))?;
        entries.push(Entry { record, annex: annex.map(Cow::Borrowed) });
        hashes.push(digest::leaf(body.record(number)));
    }
    let outcomes: Option<Vec<Outcome>> = body.outcomes().collect();
    let outcomes = outcomes.ok_or_else(|| damaged("an outcome that cannot be read"))?;
    let evidence = log.evidence_bytes(place)?;
    let ranges: Vec<SourceRange> = body.ranges().collect();
    let applied = Applied {
        height,
        hash: digest::block(body.header_bytes()),
        time_ms: body.header().time_ms,
        bytes: place.frames_bytes(evidence),
        ranges: &ranges,
        outcomes: &outcomes,
        entries: &entries,
        hashes: &hashes,
    };
    index.apply(&applied, &confirm(log));
    Ok(())
}
