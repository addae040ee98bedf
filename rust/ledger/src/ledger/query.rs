//! What readers ask: status, blocks, records, invoices, evidence, proofs. Durable blocks only; every checksum compared.

use std::sync::{Arc, PoisonError};

use farechain_core::block::{Header, SourceRange};
use farechain_core::command::InvoiceId;
use farechain_core::decide::{self, LineNow, PaymentNow, View};
use farechain_core::digest::{self, Digest};
use farechain_core::outcome::{Location, Outcome};
use farechain_core::record::Record;
use farechain_core::record::composed::Part;
use farechain_core::registry::Registry;
use farechain_core::standing::Standing;
use farechain_lanes::blake3::{self, Tree};

use crate::error::LedgerError;
use crate::index::Counts;
use crate::ledger::Ledger;
use crate::log::body::{Body, ByteList, has_evidence};
use crate::settled::Settled;

/// Bytes of records' trees in memory. One of 8,192 records has 0.5 MiB, so that three days of 170,000 invoices stay:
/// proofs are asked for soon after the payment.
pub(super) const TREES_BYTES_MAX: usize = 32 << 20;

/// Counts and the head.
#[derive(Debug, Clone)]
pub struct Status {
    /// The height of the last durable block.
    pub height: u64,
    /// Its hash.
    pub head: Digest,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// What waits for numbers or credit.
    pub waiting: u64,
    /// Counts since genesis.
    pub counts: Counts,
}

/// A block as people look at it.
#[derive(Debug)]
pub struct BlockView {
    /// Its header.
    pub header: Header,
    /// The header's bytes.
    pub header_bytes: Vec<u8>,
    /// Its hash.
    pub hash: Digest,
    /// The ranges that moved.
    pub ranges: Vec<SourceRange>,
    /// Its outcomes.
    pub outcomes: Vec<Outcome>,
}

/// An invoice, blue or red, and what became of it.
#[derive(Debug)]
pub struct InvoiceView {
    /// Where it stands.
    pub location: Location,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// It.
    pub record: Record,
    /// Its hash.
    pub hash: Digest,
    /// Where a blue invoice stands; `None` for a red one.
    pub standing: Option<Standing>,
    /// The record that says so, its own where nothing has moved it, and the time of that one's block.
    pub latest: (Location, u64),
}

/// What a blue invoice is made of.
#[derive(Debug)]
pub struct InvoiceParts {
    /// Its lines as issued, and what is left of each.
    pub lines: Vec<LineNow>,
    /// Its payments as issued, each after what is live of it, fen.
    pub parts: Vec<(u64, Part)>,
}

/// An accepted input as it was received.
#[derive(Debug)]
pub struct InputFrame {
    /// Index into the genesis list of sources.
    pub source: u16,
    /// The broker's append time, milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Its canonical bytes.
    pub bytes: Vec<u8>,
}

impl Ledger {
    /// Counts and the head, of one moment.
    pub fn status(&self) -> Status {
        let waiting = self.registry().waiting() as u64;
        let index = self.index();
        Status {
            height: index.counts.blocks - 1,
            head: index.head,
            time_ms: index.time_ms,
            waiting,
            counts: index.counts.clone(),
        }
    }

    /// A block; `None` beyond the head.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn block(&self, height: u64) -> Result<Option<BlockView>, LedgerError> {
        let Some(body) = self.log.block(height)? else { return Ok(None) };
        Ok(Some(BlockView {
            header: body.header().clone(),
            header_bytes: body.header_bytes().to_vec(),
            hash: farechain_core::digest::block(body.header_bytes()),
            ranges: body.ranges().collect(),
            outcomes: read_outcomes(&body)?,
        }))
    }

    /// Bytes of the headers of durable blocks from `first`, at most `count`.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn headers(&self, first: u64, count: usize) -> Result<Vec<Vec<u8>>, LedgerError> {
        let last = first.saturating_add(count as u64).min(self.log.blocks());
        (first..last).filter_map(|height| self.log.header(height).transpose()).collect()
    }

    /// The invoice codes under which numbers were issued, in order.
    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self.index().numbers.runs().map(|(code, _)| code.as_str().to_owned()).collect();
        codes.dedup();
        codes
    }

    /// An invoice by number.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn invoice(&self, code: &str, number: u32) -> Result<Option<InvoiceView>, LedgerError> {
        let Some(code) = farechain_core::text::Text::new(code) else { return Ok(None) };
        let location = self.index().of_number(&code, number);
        location.map(|location| self.invoice_at(location)).transpose()
    }

    /// An invoice by the hash of its record.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn invoice_by_hash(&self, hash: &Digest) -> Result<Option<InvoiceView>, LedgerError> {
        let candidates: Vec<Location> = self.index().of_hash(hash).collect();
        for location in candidates {
            let found = self.invoice_at(location)?;
            if found.hash == *hash {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn invoice_at(&self, location: Location) -> Result<InvoiceView, LedgerError> {
        let damaged = || LedgerError::Corrupt(format!("the record at {location:?} cannot be read; stop and audit"));
        let bytes = self.log.record(location)?.ok_or_else(damaged)?;
        let record = Record::decode(&bytes).map_err(|_| damaged())?;
        let hash = farechain_core::digest::leaf(&bytes);
        let (standing, latest) = match record.invoice_id() {
            Some(id) if !record.is_red() => self.view(|view| {
                let standing = view.invoice(&id).map(|now| now.standing);
                (standing, view.index.standing(location).unwrap_or(location))
            }),
            _ => (None, location),
        };
        let latest = (latest, self.time_of(latest.height)?);
        Ok(InvoiceView { location, bytes, record, hash, standing, latest })
    }

    /// The lines of a blue invoice with what is left of each, and its payments with what is live of each.
    pub fn invoice_parts(&self, code: &str, number: u32) -> Option<InvoiceParts> {
        let id = InvoiceId { code: farechain_core::text::Text::new(code)?, number };
        self.view(|view| {
            view.invoice(&id)?;
            let live_fen = |part: &Part| {
                let live = view.payment(&part.identity).and_then(|payment| payment.live);
                live.filter(|live| live.invoice == id).map_or(0, |live| live.fen)
            };
            let parts = view.parts(&id).into_iter().map(|part| (live_fen(&part), part)).collect();
            Some(InvoiceParts { lines: view.lines(&id), parts })
        })
    }

    /// A payment, what may still be invoiced of it and is not, fen, and where its first record stands.
    pub fn payment(&self, identity: &Digest) -> Option<(PaymentNow, u64, Location)> {
        self.view(|view| {
            let payment = view.payment(identity)?;
            let left_fen = decide::uninvoiced_fen(view, &payment);
            let first = view.occupant(identity)?.location;
            Some((payment, left_fen, first))
        })
    }

    /// Where the first record of an identity stands, be it of a payment, a refund or a command.
    pub fn occupant(&self, identity: &Digest) -> Option<Location> {
        self.view(|view| view.occupant(identity).map(|first| first.location))
    }

    /// The registry as it is now.
    pub fn registry_now(&self) -> Registry {
        self.registry().clone()
    }

    /// Reads the durable state as `decide` does.
    pub fn view<T>(&self, read: impl FnOnce(&Settled<'_>) -> T) -> T {
        let (index, registry) = (self.index(), self.registry());
        read(&Settled { index: &index, log: &self.log, registry: &registry })
    }

    /// The accepted inputs of a block, in the order of their outcomes.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn input_frames(&self, height: u64) -> Result<Vec<InputFrame>, LedgerError> {
        let (Some(body), Some(evidence)) = (self.log.block(height)?, self.log.evidence(height)?) else {
            return Ok(Vec::new());
        };
        let damaged = || LedgerError::Corrupt(format!("the evidence of block {height} cannot be read; stop and audit"));
        let spans = ByteList::spans(&evidence).ok_or_else(damaged)?;
        let outcomes = read_outcomes(&body)?;
        let accepted: Vec<&Outcome> = outcomes.iter().filter(|outcome| has_evidence(outcome)).collect();
        if accepted.len() != spans.len() {
            return Err(damaged());
        }
        let frames = accepted.into_iter().zip(spans).map(|(outcome, span)| InputFrame {
            source: outcome.source,
            timestamp_ms: outcome.timestamp_ms,
            bytes: evidence[span].to_vec(),
        });
        Ok(frames.collect())
    }

    /// The path of a record to the `records_root` of its block; `None` where there is no such record.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn record_path(&self, location: Location) -> Result<Option<Vec<Digest>>, LedgerError> {
        Ok(self.tree(location.height)?.and_then(|tree| tree.path(location.index as usize)))
    }

    /// The tree over a block's records, made when the block is asked for and none is in memory.
    fn tree(&self, height: u64) -> Result<Option<Arc<Tree>>, LedgerError> {
        let trees = || self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = trees().get(&height) {
            return Ok(Some(tree));
        }
        let Some(body) = self.log.block(height)? else { return Ok(None) };
        let mut leaves = Vec::new();
        blake3::keyed_many(&digest::LEAF, (0..body.record_count()).map(|index| body.record(index)), &mut leaves);
        let tree = Arc::new(Tree::new(leaves));
        trees().insert(height, Arc::clone(&tree), tree.memory_bytes());
        Ok(Some(tree))
    }
}

pub(crate) fn read_outcomes(body: &Body) -> Result<Vec<Outcome>, LedgerError> {
    let height = body.header().height;
    let outcomes: Option<Vec<Outcome>> = body.outcomes().collect();
    outcomes.ok_or_else(|| {
        LedgerError::Corrupt(format!("block {height} has an outcome that cannot be read; stop and audit"))
    })
}
