//! Records of invoices of several lines, and of changes of an invoice, as bytes (`docs/format.md`, section 4).

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::{InvoiceId, RedReason};
use crate::record::{ChangeRecord, ClaimedInvoice, LineRedLetter, OwedRefund, OwedState, Sum};
use crate::standing::Standing;
use crate::text::Text;

impl InvoiceId {
    fn encode<'e, 'b>(&self, e: &'e mut Encoder<'b>) -> &'e mut Encoder<'b> {
        e.text(self.code.as_str()).uint(u64::from(self.number))
    }

    fn decode(d: &mut Decoder<'_>) -> Result<InvoiceId, Malformed> {
        Ok(InvoiceId { code: d.text_of()?, number: d.uint_as()? })
    }
}

impl Sum {
    fn encode<'e, 'b>(&self, e: &'e mut Encoder<'b>) -> &'e mut Encoder<'b> {
        e.int(self.net_fen).int(self.tax_fen).int(self.total_fen)
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Sum, Malformed> {
        Ok(Sum { net_fen: d.int()?, tax_fen: d.int()?, total_fen: d.int()? })
    }
}

impl ClaimedInvoice {
    pub(super) fn encode_fields(&self, e: &mut Encoder<'_>) {
        self.id.encode(e).uint(self.issued_at_ms).text(self.seller.as_str());
        self.sum.encode(e).optional_text(self.buyer_tax_id.as_ref().map(Text::as_str));
        e.optional_bytes(self.title.as_ref().map(|title| &title[..]));
        e.optional_bytes(self.holder.as_ref().map(|holder| &holder[..]));
        e.bytes_32(&self.lines_root).bytes_32(&self.payments_root);
        e.bytes_32(&self.identity).bytes_32(&self.data_root);
    }

    pub(super) fn decode_fields(d: &mut Decoder<'_>) -> Result<ClaimedInvoice, Malformed> {
        Ok(ClaimedInvoice {
            id: InvoiceId::decode(d)?,
            issued_at_ms: d.uint()?,
            seller: d.text_of()?,
            sum: Sum::decode(d)?,
            buyer_tax_id: d.optional(Decoder::text_of)?,
            title: d.optional(Decoder::bytes_of)?,
            holder: d.optional(Decoder::bytes_of)?,
            lines_root: d.bytes_of()?,
            payments_root: d.bytes_of()?,
            identity: d.bytes_of()?,
            data_root: d.bytes_of()?,
        })
    }
}

impl LineRedLetter {
    pub(super) fn encode_fields(&self, e: &mut Encoder<'_>) {
        self.id.encode(e).uint(self.issued_at_ms).text(self.seller.as_str());
        self.original.encode(e).bytes_32(&self.original_hash);
        self.sum.encode(e).uint(self.reason as u64).uint(self.released_fen);
        e.bytes_32(&self.lines_root).bytes_32(&self.payments_root);
        e.bytes_32(&self.identity).bytes_32(&self.data_root);
        self.standing.encode(e);
    }

    pub(super) fn decode_fields(d: &mut Decoder<'_>) -> Result<LineRedLetter, Malformed> {
        Ok(LineRedLetter {
            id: InvoiceId::decode(d)?,
            issued_at_ms: d.uint()?,
            seller: d.text_of()?,
            original: InvoiceId::decode(d)?,
            original_hash: d.bytes_of()?,
            sum: Sum::decode(d)?,
            reason: RedReason::from_u8(d.uint_as()?).ok_or(Malformed)?,
            released_fen: d.uint()?,
            lines_root: d.bytes_of()?,
            payments_root: d.bytes_of()?,
            identity: d.bytes_of()?,
            data_root: d.bytes_of()?,
            standing: Standing::decode(d)?,
        })
    }
}

impl OwedRefund {
    pub(super) fn encode_fields(&self, e: &mut Encoder<'_>) {
        e.text(self.seller.as_str()).uint(self.state as u64).uint(self.refund_fen).bytes_32(&self.payment);
        self.original.encode(e).bytes_32(&self.original_hash);
        e.bytes_32(&self.identity).bytes_32(&self.refund_root);
        self.standing.encode(e);
    }

    pub(super) fn decode_fields(d: &mut Decoder<'_>) -> Result<OwedRefund, Malformed> {
        Ok(OwedRefund {
            seller: d.text_of()?,
            state: match d.uint()? {
                1 => OwedState::Requested,
                2 => OwedState::Queued,
                _ => return Err(Malformed),
            },
            refund_fen: d.uint()?,
            payment: d.bytes_of()?,
            original: InvoiceId::decode(d)?,
            original_hash: d.bytes_of()?,
            identity: d.bytes_of()?,
            refund_root: d.bytes_of()?,
            standing: Standing::decode(d)?,
        })
    }
}

impl ChangeRecord {
    pub(super) fn encode_fields(&self, e: &mut Encoder<'_>) {
        e.bytes(&self.kid);
        self.invoice.encode(e).bytes_32(&self.invoice_hash).bytes_32(&self.identity).bytes_32(&self.data_root);
        self.standing.encode(e);
    }

    pub(super) fn decode_fields(kind: u8, d: &mut Decoder<'_>) -> Result<ChangeRecord, Malformed> {
        Ok(ChangeRecord {
            kind,
            kid: d.bytes_of()?,
            invoice: InvoiceId::decode(d)?,
            invoice_hash: d.bytes_of()?,
            identity: d.bytes_of()?,
            data_root: d.bytes_of()?,
            standing: Standing::decode(d)?,
        })
    }
}
