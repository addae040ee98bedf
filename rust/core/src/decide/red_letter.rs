//! Red letters: what they take off the lines and payments of an invoice, and the two forms of their records.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::command::{InvoiceId, RedReason};
use crate::decide::{Block, Entry, InvoiceNow, LineNow, View, headroom_fen};
use crate::digest::Digest;
use crate::error::Code;
use crate::money;
use crate::record::composed::{self, Loss, Part, RedLine};
use crate::record::{Line, LineRedLetter, Record, RedLetter, Sum};
use crate::registry::Grant;
use crate::standing::Standing;

/// A payment of an invoice with what is live of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LivePart {
    pub(super) part: Part,
    pub(super) live_fen: u64,
}

/// What is to be taken off.
pub(super) struct Takes {
    pub(super) payment: Digest,
    pub(super) fen: u64,
}

/// Why a red letter is issued, and by which input.
pub(super) struct Cause<'d> {
    pub(super) reason: RedReason,
    pub(super) identity: Digest,
    /// The canonical data; `None` in a drain.
    pub(super) data: Option<&'d [u8]>,
    pub(super) data_root: Digest,
    /// The refund that is being decided, fen: the view does not count it yet. `None`: it is not a refund's own.
    pub(super) refunding_fen: Option<u64>,
    /// Whether it may have the short form: a refund's.
    pub(super) is_refund: bool,
}

/// The payments of an invoice of which something is live, in its order.
pub(super) fn live_parts<V: View>(view: &V, id: &InvoiceId) -> Vec<LivePart> {
    let live_fen = |part: &Part| {
        let live = view.payment(&part.identity).and_then(|payment| payment.live);
        live.filter(|live| live.invoice == *id).map(|live| live.fen)
    };
    view.parts(id).into_iter().filter_map(|part| Some(LivePart { live_fen: live_fen(&part)?, part })).collect()
}

/// The red letter that takes these amounts off an invoice: recomputed on what remains of each line, the difference
/// booked, so that all reds together never exceed the blue.
///
/// # Errors
/// `E_STATE` where there is nothing to take off.
pub(super) fn red_letter<'a, V: View>(
    view: &V,
    now: &InvoiceNow,
    takes: &[Takes],
    cause: &Cause<'_>,
    grant: &Grant,
    block: Block,
) -> Result<Entry<'a>, Code> {
    let parts = live_parts(view, &now.id);
    let losses: Vec<Loss> = parts.iter().filter_map(|part| loss(part, takes)).collect();
    if losses.is_empty() {
        return Err(Code::State);
    }
    let lines: Vec<RedLine> =
        (0..).zip(view.lines(&now.id)).map(|(index, line)| red_line(index, &line, &losses)).collect();
    let sum = lines.iter().map(|red| &red.line).fold(Sum::default(), Sum::plus);
    let remaining_fen = lines.iter().map(|red| red.remaining_fen).sum();
    let id = InvoiceId { code: grant.code, number: grant.next };
    let is_short =
        cause.is_refund && now.is_single && now.standing == Standing::untouched(now.standing.remaining_fen, None);
    if let ([red], true) = (&lines[..], is_short) {
        let record = Record::RedLetter(short(now, id, red, cause, block));
        return Ok(Entry { record, annex: cause.data.map(|data| Cow::Owned(data.to_vec())) });
    }
    let annex = composed::write_red_letter(cause.data, &lines, &losses);
    let record = LineRedLetter {
        id,
        issued_at_ms: block.time_ms,
        seller: now.seller,
        original: now.id,
        original_hash: now.hash,
        sum,
        reason: cause.reason,
        released_fen: losses.iter().map(|loss| released_fen(view, loss, cause)).sum(),
        lines_root: annex.lines_root,
        payments_root: annex.payments_root,
        identity: cause.identity,
        data_root: cause.data_root,
        standing: now.standing.reversed_to(remaining_fen),
    };
    Ok(Entry { record: Record::LineRedLetter(Box::new(record)), annex: Some(Cow::Owned(annex.bytes)) })
}

fn loss(part: &LivePart, takes: &[Takes]) -> Option<Loss> {
    let of_part = takes.iter().filter(|take| take.payment == part.part.identity);
    let taken_fen = of_part.map(|take| take.fen).fold(0u64, u64::saturating_add).min(part.live_fen);
    (taken_fen > 0).then_some(Loss {
        identity: part.part.identity,
        line: part.part.line,
        before_fen: part.live_fen,
        after_fen: part.live_fen - taken_fen,
    })
}

fn red_line(index: u32, now: &LineNow, losses: &[Loss]) -> RedLine {
    let of_line = || losses.iter().filter(|loss| loss.line == index);
    let taken_fen: u64 = of_line().map(|loss| loss.before_fen - loss.after_fen).sum();
    let remaining_fen = now.remaining_fen.saturating_sub(taken_fen);
    let gone = of_line().filter(|loss| loss.after_fen == 0).fold(0, |count, _| count + 1);
    let (net_before, tax_before) = money::split(now.remaining_fen.cast_signed(), now.line.rate);
    let (net_after, tax_after) = money::split(remaining_fen.cast_signed(), now.line.rate);
    let line = Line {
        tax_code: now.line.tax_code,
        rate: now.line.rate,
        quantity: -gone,
        net_fen: net_after - net_before,
        tax_fen: tax_after - tax_before,
        total_fen: remaining_fen.cast_signed() - now.remaining_fen.cast_signed(),
    };
    RedLine { line, remaining_fen }
}

/// By how much what may be invoiced of a payment, and is not, rises.
fn released_fen<V: View>(view: &V, loss: &Loss, cause: &Cause<'_>) -> u64 {
    let Some(payment) = view.payment(&loss.identity) else { return 0 };
    let refunded_fen = view.refunded_fen(&payment.origin);
    let before = headroom_fen(&payment, refunded_fen).saturating_sub(loss.before_fen);
    let refunded_fen = refunded_fen.saturating_add(cause.refunding_fen.unwrap_or(0));
    let after = headroom_fen(&payment, refunded_fen).saturating_sub(loss.after_fen);
    after.saturating_sub(before)
}

fn short(now: &InvoiceNow, id: InvoiceId, red: &RedLine, cause: &Cause<'_>, block: Block) -> RedLetter {
    RedLetter {
        code: id.code,
        number: id.number,
        issued_at_ms: block.time_ms,
        seller: now.seller,
        original_code: now.id.code,
        original_number: now.id.number,
        original_hash: now.hash,
        line: red.line,
        remaining_fen: red.remaining_fen,
        identity: cause.identity,
        refund_root: cause.data_root,
    }
}

impl Sum {
    pub(super) fn plus(self, line: &Line) -> Sum {
        Sum {
            net_fen: self.net_fen + line.net_fen,
            tax_fen: self.tax_fen + line.tax_fen,
            total_fen: self.total_fen + line.total_fen,
        }
    }
}
