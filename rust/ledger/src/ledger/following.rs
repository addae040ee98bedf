//! What readers that keep books of their own ask: the records that move more than a payment, what was rejected, what waits.

use std::ops::{Range, RangeInclusive};

use farechain_core::cbor::{Decoder, Malformed};
use farechain_core::error::Code;
use farechain_core::input::{Input, Kid};
use farechain_core::outcome::{Location, Verdict};
use farechain_core::record::Record;
use farechain_core::registry::{Key, Waiting};
use farechain_core::text::Text;

use crate::error::LedgerError;
use crate::ledger::{Ledger, read_outcomes};
use crate::log::body::{Body, ByteList, has_evidence};
use crate::outbox::state_name;

/// Red letters of the short form: of an invoice that may have been locked and freed before.
const SHORT_RED_LETTER: u8 = 2;
/// Claimed invoices and red letters of lines: their input's signer is in no record.
const CLAIMED_OR_RED: RangeInclusive<u8> = 5..=6;
/// An owed refund, the last kind of those that refunds make.
const OWED: u8 = 7;
/// The first kind of the commands' own records, which name their signer.
const FIRST_COMMAND: u8 = 16;

/// The records of an input in its block, and the key that signed it.
type Signer = (Range<u32>, Option<Kid>);

/// A record that moves more than a payment.
#[derive(Debug)]
pub struct ChangeRow {
    /// Where it stands.
    pub location: Location,
    /// The time of its block, milliseconds since 1970.
    pub time_ms: u64,
    /// Who signed its input; `None` for a drain's, for kind 2 and for kind 7.
    pub kid: Option<Kid>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A rejected input.
#[derive(Debug)]
pub struct RejectionRow {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The offset.
    pub offset: u64,
    /// The block with its outcome.
    pub height: u64,
    /// The block's time, milliseconds since 1970.
    pub time_ms: u64,
    /// Why.
    pub code: Code,
    /// The key that it names, which need not have signed it; `None` where it names none, or its bytes have expired.
    pub kid: Option<Kid>,
}

/// Something of a seller that waits.
#[derive(Debug)]
pub struct WaitingRow {
    /// The identity of the payment or refund.
    pub identity: farechain_core::digest::Digest,
    /// Its record.
    pub location: Location,
    /// `WAITING_GRANT` or `WAITING_CREDIT`, as recorded.
    pub state: &'static str,
    /// What would be invoiced or reversed now, fen.
    pub fen: u64,
    /// The time of its block, milliseconds since 1970.
    pub since_ms: u64,
}

impl Ledger {
    /// The records of blocks from `first`, at most `max_blocks`, that move more than a payment: all but genesis, invoices
    /// for one payment, payments, refunds without a red letter, and commitments to the state. Others are not decoded.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn changes(&self, first: u64, max_blocks: u64) -> Result<(u64, Vec<ChangeRow>), LedgerError> {
        self.tail(first, max_blocks, |body, out| {
            let header = body.header();
            let mut unsigned = Vec::new();
            for index in 0..body.record_count() {
                let bytes = body.record(index);
                let Ok((kind, signer)) = kind_and_signer(bytes) else { return Err(unreadable(header.height)) };
                if !(kind == SHORT_RED_LETTER || CLAIMED_OR_RED.contains(&kind) || kind == OWED || signer.is_some()) {
                    continue;
                }
                if CLAIMED_OR_RED.contains(&kind) {
                    unsigned.push(out.len());
                }
                let location = Location { height: header.height, index: index as u32 };
                out.push(ChangeRow { location, time_ms: header.time_ms, kid: signer, bytes: bytes.to_vec() });
            }
            if unsigned.is_empty() {
                return Ok(());
            }
            let signers = self.signers(body)?;
            for row in unsigned {
                let made = |range: &Range<u32>| range.contains(&out[row].location.index);
                out[row].kid = signers.iter().find(|(range, _)| made(range)).and_then(|(_, kid)| *kid);
            }
            Ok(())
        })
    }

    /// The accepted inputs that made records, by the records that they made: who signed each.
    fn signers(&self, body: &Body) -> Result<Vec<Signer>, LedgerError> {
        let height = body.header().height;
        let evidence = self.log().evidence(height)?.unwrap_or_default();
        let spans = ByteList::spans(&evidence).ok_or_else(|| unreadable(height))?;
        let outcomes = read_outcomes(body)?;
        let accepted = outcomes.iter().filter(|outcome| has_evidence(outcome)).zip(spans);
        let made = accepted.filter(|(outcome, _)| outcome.record_count > 0);
        Ok(made
            .map(|(outcome, span)| {
                let range = outcome.first_record..outcome.first_record + outcome.record_count;
                (range, Input::parse(&evidence[span]).and_then(|input| input.kid))
            })
            .collect())
    }

    /// The rejected inputs of blocks from `first`, at most `max_blocks`.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn rejections(&self, first: u64, max_blocks: u64) -> Result<(u64, Vec<RejectionRow>), LedgerError> {
        self.tail(first, max_blocks, |body, out| {
            let header = body.header();
            let mut bytes = None;
            let refused = read_outcomes(body)?;
            let refused = refused.iter().filter_map(|outcome| match outcome.verdict {
                Verdict::Rejected(code) => Some((outcome, code)),
                _ => None,
            });
            for (number, (outcome, code)) in refused.enumerate() {
                if bytes.is_none() {
                    bytes = Some(self.rejected().read(header.height)?.unwrap_or_default());
                }
                let input = bytes.as_ref().and_then(|all| Input::parse(all.get(number)?));
                let Some(source) = self.genesis().sources.get(usize::from(outcome.source)) else { continue };
                out.push(RejectionRow {
                    topic: source.topic.clone(),
                    partition: source.partition,
                    offset: outcome.offset,
                    height: header.height,
                    time_ms: header.time_ms,
                    code,
                    kid: input.and_then(|input| input.kid),
                });
            }
            Ok(())
        })
    }

    /// What of a seller waits for numbers or credit, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn waiting(&self, seller: &str, limit: usize) -> Result<Vec<WaitingRow>, LedgerError> {
        let Some(seller) = Text::new(seller) else { return Ok(Vec::new()) };
        let first: Vec<(u64, Waiting)> =
            self.registry().waiting_of(&seller).take(limit).map(|(place, waiting)| (place, *waiting)).collect();
        let row = |(place, waiting): (u64, Waiting)| {
            let location = Location::unpack(place);
            let damaged = || unreadable(location.height);
            let bytes = self.log().record(location)?.ok_or_else(damaged)?;
            let record = Record::decode(&bytes).map_err(|_| damaged())?;
            let fen = match waiting {
                Waiting::Payment { left_fen, .. } => left_fen,
                Waiting::Refund { refund_fen, .. } => refund_fen,
            };
            Ok(WaitingRow {
                identity: *waiting.identity(),
                location,
                state: state_name(&record).ok_or_else(damaged)?,
                fen,
                since_ms: self.time_of(location.height)?,
            })
        };
        first.into_iter().map(row).collect()
    }

    /// A registered key.
    pub fn key(&self, kid: &Kid) -> Option<Key> {
        self.registry().key(kid).cloned()
    }

    /// The time of a durable block, milliseconds since 1970.
    pub(super) fn time_of(&self, height: u64) -> Result<u64, LedgerError> {
        let header = self.log().header(height)?.ok_or_else(|| unreadable(height))?;
        let header = farechain_core::block::Header::decode(&header).map_err(|_| unreadable(height))?;
        Ok(header.time_ms)
    }
}

fn unreadable(height: u64) -> LedgerError {
    LedgerError::Corrupt(format!("block {height} holds what cannot be read; stop and audit"))
}

/// A record's kind, and the signer that it names, without decoding the rest of it.
fn kind_and_signer(bytes: &[u8]) -> Result<(u8, Option<Kid>), Malformed> {
    let mut d = Decoder::new(bytes);
    d.array()?;
    d.uint()?;
    let kind = d.uint_as()?;
    Ok((kind, if kind >= FIRST_COMMAND { Some(d.bytes_of()?) } else { None }))
}
