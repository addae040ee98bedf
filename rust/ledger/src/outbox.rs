//! The block log as outbox: receipts, dead letters and outcome rows, derived from durable blocks, at least once.

mod json;

use farechain_core::input::Input;
use farechain_core::outcome::{Location, Outcome, Verdict};
use farechain_core::record::{Invoice, OwedState, PaymentState, Record, RedLetter, RefundState, Sum};

use crate::error::LedgerError;
use crate::ledger::{Ledger, read_outcomes};
use crate::log::body::{Body, ByteList, has_evidence};

use json::Object;

/// Key and value of a message.
pub type Receipt = (Option<Vec<u8>>, Vec<u8>);
/// Name and value of a header.
pub type MessageHeader = (String, Option<Vec<u8>>);

/// A rejected input as it goes to the dead-letter topic: key, value and headers as received, and why.
#[derive(Debug)]
pub struct DeadLetter {
    /// The key as received.
    pub key: Option<Vec<u8>>,
    /// The value as received.
    pub value: Option<Vec<u8>>,
    /// The headers as received, then the reason's.
    pub headers: Vec<MessageHeader>,
}

/// One outcome as a row.
#[derive(Debug)]
pub struct OutcomeRow {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The offset.
    pub offset: u64,
    /// `ISSUED`, `RECORDED`, `REVERSED`, `APPLIED`, `DUPLICATE` or `REJECTED`.
    pub verdict: &'static str,
    /// The code of a rejection.
    pub code: Option<&'static str>,
    /// Why something was recorded and not invoiced.
    pub state: Option<&'static str>,
    /// Total, net and tax of an invoice, fen; negative for a red letter.
    pub amounts: Option<(i64, i64, i64)>,
    /// The first record of a duplicate.
    pub first: Option<Location>,
}

/// The name of a verdict in receipts and rows; the engine's drain has none.
pub fn verdict_name(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Issued => Some("ISSUED"),
        Verdict::Recorded => Some("RECORDED"),
        Verdict::Reversed => Some("REVERSED"),
        Verdict::Applied => Some("APPLIED"),
        Verdict::Drained => None,
        Verdict::Duplicate(_) => Some("DUPLICATE"),
        Verdict::Rejected(_) => Some("REJECTED"),
    }
}

/// Why a payment is recorded only.
pub fn payment_state_name(state: PaymentState) -> &'static str {
    match state {
        PaymentState::NothingToInvoice => "NOTHING_TO_INVOICE",
        PaymentState::CoveredByTopup => "COVERED_BY_TOPUP",
        PaymentState::Claimable => "CLAIMABLE",
        PaymentState::WaitingGrant => "WAITING_GRANT",
        PaymentState::WaitingCredit => "WAITING_CREDIT",
        PaymentState::Refunded => "REFUNDED",
        PaymentState::InvoicedAtRide => "INVOICED_AT_RIDE",
    }
}

/// Why a record is recorded only, as people and receipts write it.
pub fn state_name(record: &Record) -> Option<&'static str> {
    match record {
        Record::Payment(payment) => Some(payment_state_name(payment.state)),
        Record::Refund(refund) => Some(match refund.state {
            RefundState::BeforePayment => "BEFORE_PAYMENT",
            RefundState::Reduced => "REDUCED",
            RefundState::NotInvoiced => "NOT_INVOICED",
            RefundState::WaitingGrant => "WAITING_GRANT",
        }),
        Record::Owed(owed) => Some(match owed.state {
            OwedState::Requested => "RED_REQUESTED",
            OwedState::Queued => "RED_QUEUED",
        }),
        _ => None,
    }
}

impl Ledger {
    /// The receipts of blocks from `first`, at most `max_blocks`: the next height, and a message per outcome.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn receipts(&self, first: u64, max_blocks: u64) -> Result<(u64, Vec<Receipt>), LedgerError> {
        self.tail(first, max_blocks, |body, out| {
            let evidence = self.evidence_of(body.header().height)?;
            let rejected = self.rejected().read(body.header().height)?.unwrap_or_default();
            let (mut accepted, mut refused) = (evidence.iter(), rejected.iter());
            for (index, outcome) in read_outcomes(body)?.iter().enumerate() {
                let bytes = match outcome.verdict {
                    Verdict::Drained => continue,
                    Verdict::Rejected(_) => refused.next(),
                    _ => accepted.next(),
                };
                let key = bytes.and_then(|bytes| Input::parse(bytes)?.key.map(<[u8]>::to_vec));
                out.push((key, self.receipt(body, index, outcome)));
            }
            Ok(())
        })
    }

    /// The dead letters of blocks from `first`, at most `max_blocks`. Inputs whose bytes have expired are left out.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn dead_letters(&self, first: u64, max_blocks: u64) -> Result<(u64, Vec<DeadLetter>), LedgerError> {
        self.tail(first, max_blocks, |body, out| {
            let outcomes = read_outcomes(body)?;
            let refused = outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Rejected(_)));
            let bytes = self.rejected().read(body.header().height)?.unwrap_or_default();
            out.extend(refused.zip(&bytes).filter_map(|(outcome, bytes)| self.dead_letter(outcome, bytes)));
            Ok(())
        })
    }

    /// One row per outcome of blocks from `first`, at most `max_blocks`; the engine's own left out.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn outcome_rows(&self, first: u64, max_blocks: u64) -> Result<(u64, Vec<OutcomeRow>), LedgerError> {
        self.tail(first, max_blocks, |body, out| {
            for outcome in read_outcomes(body)? {
                out.extend(self.row(body, &outcome));
            }
            Ok(())
        })
    }

    /// What `each` finds in blocks from `first`, at most `max_blocks`, and the next height.
    pub(crate) fn tail<T>(
        &self,
        first: u64,
        max_blocks: u64,
        mut each: impl FnMut(&Body, &mut Vec<T>) -> Result<(), LedgerError>,
    ) -> Result<(u64, Vec<T>), LedgerError> {
        let mut out = Vec::new();
        let last = first.saturating_add(max_blocks).min(self.log().blocks());
        for height in first..last {
            let Some(body) = self.log().block(height)? else { break };
            each(&body, &mut out)?;
        }
        Ok((last.max(first), out))
    }

    fn evidence_of(&self, height: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        let evidence = self.log().evidence(height)?.unwrap_or_default();
        let spans = ByteList::spans(&evidence).unwrap_or_default();
        Ok(spans.into_iter().map(|span| evidence[span].to_vec()).collect())
    }

    fn row(&self, body: &Body, outcome: &Outcome) -> Option<OutcomeRow> {
        let source = self.genesis().sources.get(usize::from(outcome.source))?;
        let record = record_of(body, outcome);
        Some(OutcomeRow {
            topic: source.topic.clone(),
            partition: source.partition,
            offset: outcome.offset,
            verdict: verdict_name(&outcome.verdict)?,
            code: code_name(outcome),
            state: record.as_ref().and_then(|(_, record)| state_name(record)),
            amounts: record.as_ref().and_then(|(_, record)| amounts(record)),
            first: first_record(outcome),
        })
    }

    fn receipt(&self, body: &Body, index: usize, outcome: &Outcome) -> Vec<u8> {
        let header = body.header();
        let mut data = Object::new();
        data.text("verdict", verdict_name(&outcome.verdict).unwrap_or_default());
        data.optional_text("code", code_name(outcome));
        let record = record_of(body, outcome);
        data.optional_text("state", record.as_ref().and_then(|(_, record)| state_name(record)));
        if let Some(invoice) = record.as_ref().and_then(|(index, record)| invoice_of(body, *index, record)) {
            data.object("invoice", invoice);
        }
        if let Some(first) = first_record(outcome) {
            let mut place = Object::new();
            place.number("height", first.height).number("index", u64::from(first.index));
            data.object("first", place);
        }
        data.number("height", header.height).hex("input_digest", &outcome.digest);
        let source = self.genesis().sources.get(usize::from(outcome.source));
        let subject = source.map(|source| format!("{}/{}/{}", source.topic, source.partition, outcome.offset));
        let mut event = Object::new();
        event.text("specversion", "1.0").text("id", &format!("{}/{}/{index}", header.chain, header.height));
        event.text("source", &header.chain).text("type", "farechain.receipt.v1");
        event.optional_text("subject", subject.as_deref());
        event.text("time", &json::rfc3339(header.time_ms)).text("datacontenttype", "application/json");
        event.object("data", data);
        event.into_bytes()
    }

    fn dead_letter(&self, outcome: &Outcome, bytes: &[u8]) -> Option<DeadLetter> {
        let input = Input::parse(bytes)?;
        let Verdict::Rejected(code) = outcome.verdict else { return None };
        let source = self.genesis().sources.get(usize::from(outcome.source))?;
        let mut headers: Vec<MessageHeader> = farechain_core::input::headers(bytes)?
            .map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.map(<[u8]>::to_vec)))
            .collect();
        let first_seen = json::rfc3339(u64::try_from(outcome.timestamp_ms).unwrap_or(0));
        for (name, value) in [
            ("fc-dlq-topic", source.topic.clone()),
            ("fc-dlq-partition", source.partition.to_string()),
            ("fc-dlq-offset", outcome.offset.to_string()),
            ("fc-dlq-stage", stage(code).into()),
            ("fc-dlq-code", code.as_str().into()),
            ("fc-dlq-message", json::message(code).into()),
            ("fc-dlq-first-seen", first_seen),
        ] {
            headers.push((name.into(), Some(value.into_bytes())));
        }
        Some(DeadLetter { key: input.key.map(<[u8]>::to_vec), value: input.value.map(<[u8]>::to_vec), headers })
    }
}

/// Which stage refused it.
fn stage(code: farechain_core::error::Code) -> &'static str {
    use farechain_core::error::Code;
    match code {
        Code::Signature | Code::KeyUnknown | Code::KeyExpired => "verify",
        Code::Schema
        | Code::Size
        | Code::Depth
        | Code::UsccFormat
        | Code::UsccChecksum
        | Code::AmountNegative
        | Code::AmountFloat
        | Code::AmountOverflow
        | Code::TimeNoOffset => "decode",
        _ => "decide",
    }
}

fn code_name(outcome: &Outcome) -> Option<&'static str> {
    match outcome.verdict {
        Verdict::Rejected(code) => Some(code.as_str()),
        _ => None,
    }
}

fn first_record(outcome: &Outcome) -> Option<Location> {
    match outcome.verdict {
        Verdict::Duplicate(location) => Some(location),
        _ => None,
    }
}

/// The record that an outcome is told by: the last of several, which of a retitle is the new invoice.
fn record_of(body: &Body, outcome: &Outcome) -> Option<(usize, Record)> {
    let index = (outcome.first_record + outcome.record_count.checked_sub(1)?) as usize;
    let made = has_evidence(outcome) && index < body.record_count();
    made.then(|| Record::decode(body.record(index)).ok()).flatten().map(|record| (index, record))
}

fn amounts(record: &Record) -> Option<(i64, i64, i64)> {
    match record {
        Record::Invoice(Invoice { line, .. }) | Record::RedLetter(RedLetter { line, .. }) => {
            Some(Sum { net_fen: line.net_fen, tax_fen: line.tax_fen, total_fen: line.total_fen })
        }
        Record::Claimed(invoice) => Some(invoice.sum),
        Record::LineRedLetter(red) => Some(red.sum),
        _ => None,
    }
    .map(|sum| (sum.total_fen, sum.net_fen, sum.tax_fen))
}

/// The invoice that a record is, or whose standing it says.
fn invoice_of(body: &Body, index: usize, record: &Record) -> Option<Object> {
    let mut invoice = Object::new();
    if let (Some((total_fen, net_fen, tax_fen)), Some(id)) = (amounts(record), record.invoice_id()) {
        let hash = json::hex(&farechain_core::digest::leaf(body.record(index)));
        invoice.text("code", id.code.as_str()).number("number", u64::from(id.number));
        invoice.text("check_code", &hash[hash.len() - 5..]).text("hash", &hash);
        invoice.integer("net_fen", net_fen).integer("tax_fen", tax_fen).integer("total_fen", total_fen);
        return Some(invoice);
    }
    let standing = record.standing()?;
    let id = record.stands_for()?;
    invoice.text("code", id.code.as_str()).number("number", u64::from(id.number));
    invoice.text("fiscal", standing.fiscal.as_str()).text("claim", standing.claim.as_str());
    invoice.text("use", standing.deduction.as_str()).number("remaining_fen", standing.remaining_fen);
    Some(invoice)
}
