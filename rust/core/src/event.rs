//! What a signed input says: the types. `decode` turns a `CloudEvent` into one of them, or into a code.

mod decode;
pub(crate) mod fields;
mod payment;
pub(crate) mod preimages;

use crate::command::Command;
use crate::digest::Digest;
use crate::text::{SceneCode, TaxId};

pub use decode::{Decoder, decode};
pub use preimages::Preimages;

/// How a payment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Channel {
    /// `WeChat` Pay.
    Wechat = 1,
    /// Alipay.
    Alipay = 2,
    /// `UnionPay`.
    Unionpay = 3,
    /// A stored-value card.
    Card = 4,
    /// Cash.
    Cash = 5,
}

/// The three kinds of payment event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A ride, a stay, a ticket.
    Paid = 1,
    /// Money back for an earlier payment or top-up.
    Refunded = 2,
    /// Money put on a stored-value card.
    ToppedUp = 3,
}

/// A decoded payment or top-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// `Paid` or `ToppedUp`.
    pub kind: Kind,
    /// How it was paid.
    pub channel: Channel,
    /// Where.
    pub scene: SceneCode,
    /// The seller.
    pub seller: TaxId,
    /// List price, fen.
    pub gross_fen: u64,
    /// What was paid, fen.
    pub paid_fen: u64,
    /// What may be invoiced, fen.
    pub invoiceable_fen: u64,
    /// When, milliseconds since 1970.
    pub paid_at_ms: i64,
    /// The payer's commitment.
    pub payer: Option<[u8; 32]>,
    /// Where `detail` begins in the canonical data.
    pub detail_at: u32,
    /// Who this payment is, for ever: see `docs/format.md`.
    pub identity: Digest,
    /// The key under which refunds that come first wait: the identity without its kind.
    pub origin: Digest,
    /// The leaf hash of the canonical data; the `payments_root` of an invoice for this payment alone.
    pub data_leaf: Digest,
}

impl Payment {
    /// The fields that `detail` has in the payment's canonical data: name and type, in canonical order; to be checked
    /// against the scene's table.
    pub fn detail<'a>(&self, data: &'a [u8]) -> impl Iterator<Item = (&'a str, DetailType)> + use<'a> {
        payment::detail(data.get(self.detail_at as usize..).unwrap_or_default())
    }
}

/// The type of a field of `detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DetailType {
    /// Text of at most 128 bytes.
    Text = 1,
    /// An integer, 0 to 2^53 - 1.
    Integer = 2,
}

/// A decoded refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// How the payment was made.
    pub channel: Channel,
    /// The seller.
    pub seller: TaxId,
    /// What goes back, fen, at least 1.
    pub refund_fen: u64,
    /// When, milliseconds since 1970.
    pub refunded_at_ms: i64,
    /// The refund's own identity.
    pub identity: Digest,
    /// The identity of the payment, if it was a `PAID`.
    pub paid_identity: Digest,
    /// The identity of the payment, if it was a `TOPPED_UP`.
    pub topped_up_identity: Digest,
    /// The payment's identity without its kind.
    pub origin: Digest,
    /// The leaf hash of the canonical data.
    pub data_leaf: Digest,
}

/// What an input says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A payment or a top-up.
    Payment(Payment),
    /// A refund.
    Refund(Refund),
    /// A command of the bureau or an issuer.
    Command(Command),
}

impl Event {
    /// The identity that a payment, top-up or refund will occupy; a command's depends on its signer.
    pub fn identity(&self) -> Option<&Digest> {
        match self {
            Event::Payment(payment) => Some(&payment.identity),
            Event::Refund(refund) => Some(&refund.identity),
            Event::Command(_) => None,
        }
    }
}

/// An event with the name of the network it was signed for (checked by `decide`, not by the decoder).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What `data.network` says.
    pub network: crate::text::Text<64>,
    /// The event.
    pub event: Event,
}

/// The origin and the amount of a refund, read from its canonical data; `None` where that is not a refund's.
pub fn refund_of_annex(annex: &[u8]) -> Option<(Digest, u64)> {
    payment::refund_of_annex(annex).ok()
}

/// The kind, what may be invoiced (fen) and the origin of a payment or top-up, read from its canonical data; `None`
/// where that is not a payment's.
pub fn payment_of_annex(annex: &[u8]) -> Option<(Kind, u64, Digest)> {
    payment::payment_of_annex(annex).ok()
}
