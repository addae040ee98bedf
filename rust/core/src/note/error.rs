//! What may be wrong with a note, a verifier key or a checkpoint body.

use alloc::string::String;
use core::fmt;

/// Why a note, a verifier key or a checkpoint is refused. The text says what did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// Larger than [`super::MAX_NOTE_BYTES`].
    TooLarge,
    /// A control character other than the newline.
    ControlCharacter,
    /// No blank line with signature lines behind it, or no newline at the end.
    NoSignatureLines,
    /// This signature line (from 1) is not of the form.
    SignatureLine(usize),
    /// More than [`super::MAX_SIGNATURES`] lines.
    TooManySignatures,
    /// The signature of this known key does not verify.
    BadSignature(String),
    /// None of the keys signed.
    Unsigned,
    /// A line of a key that is not among those given, where every line must verify.
    UnknownSigner(String),
    /// Two lines of one key, where each key signs once.
    RepeatedSigner(String),
    /// This part of a verifier key is wrong.
    VerifierKey(&'static str),
    /// This part of a checkpoint body is wrong.
    Checkpoint(&'static str),
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the note is larger than 1,000,000 bytes"),
            Self::ControlCharacter => f.write_str("the note contains a control character"),
            Self::NoSignatureLines => f.write_str("the note has no signature lines behind a blank line"),
            Self::SignatureLine(number) => write!(f, "signature line {number} of the note is malformed"),
            Self::TooManySignatures => f.write_str("the note has more than 100 signature lines"),
            Self::BadSignature(name) => write!(f, "the signature of {name} does not verify"),
            Self::Unsigned => f.write_str("the note is signed by none of the given keys"),
            Self::UnknownSigner(name) => write!(f, "the signature line of {name} is by none of the given keys"),
            Self::RepeatedSigner(name) => write!(f, "{name} signs the note twice"),
            Self::VerifierKey(what) => write!(f, "verifier key: {what}"),
            Self::Checkpoint(what) => write!(f, "checkpoint: {what}"),
        }
    }
}

impl core::error::Error for NoteError {}
