//! From a `CloudEvent`'s bytes to what it says, or to the one code for which it is refused (`docs/format.md`, section 2).

use alloc::vec::Vec;

use crate::command;
use crate::digest::{self, Digest};
use crate::error::Code;
use crate::event::fields::{INTEGER_LIMIT, digits, text};
use crate::event::preimages::Preimages;
use crate::event::{Signed, payment};
use crate::json::{self, Tokens, Value};

const PAYMENT_TYPE: &[u8] = b"farechain.payment.v1";
const COMMAND_TYPE: &[u8] = b"farechain.command.v1";

/// Decodes the value of an input, and makes its digests one at a time: the event and its canonical data.
///
/// # Errors
/// The code that the first failing check of `docs/format.md` gives.
pub fn decode(value: &[u8]) -> Result<(Signed, Vec<u8>), Code> {
    let mut preimages = Preimages::default();
    let mut signed = Decoder::default().decode(value, &mut preimages)?;
    let data_leaf = preimages.data().next().map_or(Digest::default(), digest::leaf);
    let mut identities = preimages.identities().map(|parts| digest::keyed(&digest::IDENTITY, parts));
    signed.set_digests(data_leaf, &mut identities);
    drop(identities);
    Ok((signed, preimages.into_data()))
}

/// Decodes values one after the other. A usual value allocates nothing: the tokens' place is used again.
#[derive(Debug, Default)]
pub struct Decoder {
    tokens: Tokens,
}

impl Decoder {
    /// Decodes a value without its digests, and appends what they are of to `preimages`; nothing if it is refused.
    /// The caller hashes many at once and gives them to [`Signed::set_digests`].
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(&mut self, value: &[u8], preimages: &mut Preimages) -> Result<Signed, Code> {
        let document = json::parse(value, &mut self.tokens)?;
        let (kind, data) = envelope(document.root())?;
        preimages.append(|preimages| match kind {
            EventType::Payment => payment::decode(data, preimages),
            EventType::Command => command::decode::decode(data, preimages),
        })
    }
}

enum EventType {
    Payment,
    Command,
}

fn envelope(root: Value<'_>) -> Result<(EventType, Value<'_>), Code> {
    let (mut spec, mut id, mut source, mut kind, mut data) = (false, false, false, None, None);
    for key in root.keys().ok_or(Code::Schema)? {
        let (name, value) = (text(key)?, key.member());
        let written = value.as_text_bytes();
        let bytes = written.map(<[u8]>::len);
        match name {
            b"specversion" => spec = written == Some(b"1.0"),
            b"id" => id = bytes.is_some_and(|bytes| (1..=128).contains(&bytes)),
            b"source" => source = bytes.is_some_and(|bytes| (1..=256).contains(&bytes)),
            b"type" => {
                kind = match written {
                    Some(PAYMENT_TYPE) => Some(EventType::Payment),
                    Some(COMMAND_TYPE) => Some(EventType::Command),
                    _ => return Err(Code::Schema),
                }
            }
            b"data" => data = Some(value),
            b"time" | b"subject" | b"dataschema" if written.is_some() => {}
            b"datacontenttype" if written == Some(b"application/json") => {}
            b"time" | b"subject" | b"dataschema" | b"datacontenttype" | b"data_base64" => return Err(Code::Schema),
            name => extension(name, value)?,
        }
    }
    if spec && id && source { kind.zip(data).ok_or(Code::Schema) } else { Err(Code::Schema) }
}

fn extension(name: &[u8], value: Value<'_>) -> Result<(), Code> {
    let named = (1..=20).contains(&name.len()) && name.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
    let number = || {
        let written = value.as_number_bytes().map(|written| written.strip_prefix(b"-").unwrap_or(written));
        written.and_then(digits).is_some_and(|value| value < INTEGER_LIMIT)
    };
    let scalar = value.is_null() || value.as_bool().is_some() || value.as_text_bytes().is_some() || number();
    if named && scalar { Ok(()) } else { Err(Code::Schema) }
}
