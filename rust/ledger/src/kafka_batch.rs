//! Kafka's record batches (message format 2), as a broker sends them: checked, decompressed, taken apart.
//!
//! Knows the wire format and nothing of the ledger. A batch that is damaged, or made to hurt, is an error that
//! names its first offset; the caller stops that partition rather than skip it.

mod aborted;
mod bytes;
mod decompress;
mod header;
mod records;

pub use aborted::Aborted;
pub use decompress::MAX_BATCH_BYTES;
pub use records::{Header, MAX_BATCH_RECORDS, Record};

use aborted::AbortedProducers;
use header::BatchHeader;

/// Why a batch cannot be read; its partition must not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchError {
    /// The batch's base offset, or the offset expected where not even that can be read.
    pub offset: u64,
    /// What is wrong.
    pub what: &'static str,
}

impl std::fmt::Display for BatchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "record batch at offset {}: {}", self.offset, self.what)
    }
}

impl std::error::Error for BatchError {}

/// What a fetch brought of one partition: whole batches, and perhaps a cut one behind them.
#[derive(Debug, Clone, Copy)]
pub struct Fetched<'a> {
    /// The bytes as the broker sent them.
    pub bytes: &'a [u8],
    /// The offset that was asked for.
    pub offset: u64,
    /// What the response says of transactions that were aborted; their data is passed over.
    pub aborted: &'a [Aborted],
}

impl Fetched<'_> {
    /// The offset after the last whole batch, read from the headers alone; where a header makes no sense, the offset
    /// before it. What to fetch next, and what [`Batches`] reaches unless it ends with an error.
    pub fn next_offset(&self) -> u64 {
        let (mut rest, mut next) = (self.bytes, self.offset);
        while let Ok(Some(header)) = BatchHeader::read(rest, next) {
            rest = &rest[header.bytes..];
            next = next.max(header.next_offset);
        }
        next
    }
}

/// Walks the whole batches of what was fetched, checking each as it comes.
#[derive(Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
    asked: u64,
    expected: u64,
    aborted: AbortedProducers,
}

/// One batch whose header and CRC are good.
#[derive(Debug)]
pub struct Batch<'a> {
    header: BatchHeader,
    body: &'a [u8],
    has_data: bool,
}

impl<'a> Batches<'a> {
    /// At the beginning of what was fetched.
    pub fn new(fetched: Fetched<'a>) -> Batches<'a> {
        Batches {
            rest: fetched.bytes,
            asked: fetched.offset,
            expected: 0,
            aborted: AbortedProducers::new(fetched.aborted),
        }
    }

    /// The next whole batch. A cut one behind it is left alone, as brokers send them; a response without a whole batch
    /// is an error, since a broker sends the first one whole, whatever its size.
    ///
    /// # Errors
    /// [`BatchError`]: a length, offset or count that cannot be, another message format, a bad CRC.
    pub fn step(&mut self) -> Result<Option<Batch<'a>>, BatchError> {
        let expected = self.expected.max(self.asked);
        let Some(header) = BatchHeader::read(self.rest, expected)? else {
            let nothing_whole = self.expected == 0 && !self.rest.is_empty();
            let cut = BatchError { offset: self.asked, what: "cut short" };
            return if nothing_whole { Err(cut) } else { Ok(None) };
        };
        let bad = |what| BatchError { offset: header.base, what };
        if header.base < self.expected {
            return Err(bad("offsets of batches are out of order"));
        }
        if header.next_offset <= self.asked {
            return Err(bad("all of it lies below the offset that was asked for"));
        }
        let (batch, rest) = self.rest.split_at(header.bytes);
        header.check_crc(batch).map_err(bad)?;
        let body = &batch[header::BYTES..];
        let has_data = self.aborted.keeps(&header, body).map_err(bad)?;
        self.rest = rest;
        self.expected = header.next_offset;
        Ok(Some(Batch { header, body, has_data }))
    }
}

impl Batch<'_> {
    /// The offset after it.
    pub fn next_offset(&self) -> u64 {
        self.header.next_offset
    }

    /// Hands each record to `each` with its headers, in offset order; nothing of control batches and of aborted ones.
    ///
    /// # Errors
    /// [`BatchError`]: `each` may have seen a part of it, which the caller forgets.
    pub fn records(&self, each: impl FnMut(&Record<'_>, &[Header<'_>])) -> Result<(), BatchError> {
        if !self.has_data {
            return Ok(());
        }
        let bad = |what| BatchError { offset: self.header.base, what };
        let body = decompress::decompress(self.header.codec(), self.body).map_err(bad)?;
        records::read(&self.header, &body, each).map_err(bad)
    }
}
