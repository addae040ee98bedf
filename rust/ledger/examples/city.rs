//! Fills a ledger with invoices, quickly: `city LEDGER TEMPLATE SOURCE COUNT` (see `bench/city.py`).
//!
//! TEMPLATE holds the canonical bytes of one signed payment. Its copies have an identity, an origin and data of their own
//! and go through the code that decides, hashes, appends and indexes every block; they were never JSON, and only the first
//! was signed, so that this ledger can be opened and rebuilt but not audited.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use farechain_core::digest::{Digest, leaf};
use farechain_core::event::{Event, Payment, Signed};
use farechain_core::input::{self, Places};
use farechain_ledger::batch::{BatchRange, PreparedBatch, PreparedInput};
use farechain_ledger::intake::{RawBatch, RawInput};
use farechain_ledger::ledger::{Ledger, OpenOptions};

const BLOCK_INPUTS: u64 = 8192;

/// The payment that is copied.
struct Template {
    timestamp_ms: i64,
    prepared: PreparedInput,
    payment: Payment,
    network: Signed,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Its canonical data: that of a copy has the offset behind it.
    data: Vec<u8>,
}

impl Template {
    fn new(ledger: &Ledger, bytes: Vec<u8>, source: u16) -> Result<Template, Box<dyn Error>> {
        let headers = input::headers(&bytes).ok_or("no canonical bytes")?;
        let headers = headers.map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
        let end = bytes.len() as u32;
        let only = RawInput { source, timestamp_ms: 0, buffer: 0, start: 0, end };
        let raw = RawBatch { buffers: vec![Arc::new(bytes)], inputs: vec![only], ranges: Vec::new() };
        let mut batch = ledger.prepare(raw).0;
        let mut prepared = batch.inputs.pop().ok_or("one input")?;
        let data = batch.data(&prepared).to_vec();
        let signed = prepared.event.clone().map_err(|code| format!("the template is refused: {code:?}"))?;
        let Event::Payment(payment) = signed.event.clone() else { return Err("the template is no payment".into()) };
        prepared.source = source;
        Ok(Template { timestamp_ms: payment.paid_at_ms, prepared, payment, network: signed, headers, data })
    }

    fn copy(&self, offset: u64, batch: &mut PreparedBatch, buffer: &mut Vec<u8>) -> PreparedInput {
        let start = buffer.len();
        let headers = self.headers.iter().map(|(name, value)| (&name[..], value.as_deref()));
        input::encode(buffer, offset, None, headers, Some(b"{}"));
        let unique: Digest = leaf(&offset.to_be_bytes());
        let data = &mut batch.data[0];
        let data_start = data.len();
        data.extend_from_slice(&self.data);
        data.extend_from_slice(&offset.to_be_bytes());
        let data_leaf = leaf(&data[data_start..]);
        let payment = Payment { identity: unique, origin: unique, data_leaf, ..self.payment.clone() };
        PreparedInput {
            source: self.prepared.source,
            timestamp_ms: self.timestamp_ms,
            buffer: 0,
            start: start as u32,
            end: buffer.len() as u32,
            digest: unique,
            places: Places::find(&buffer[start..]).expect("canonical bytes"),
            check: self.prepared.check,
            event: Ok(Signed { event: Event::Payment(payment), ..self.network.clone() }),
            share: 0,
            data_start: data_start as u32,
            data_end: data.len() as u32,
        }
    }

    fn block(&self, first_offset: u64, count: u64) -> PreparedBatch {
        let mut batch = PreparedBatch { data: vec![Vec::new()], ..PreparedBatch::default() };
        let mut buffer = Vec::new();
        for offset in first_offset..first_offset + count {
            let input = self.copy(offset, &mut batch, &mut buffer);
            batch.inputs.push(input);
        }
        batch.buffers.push(Arc::new(buffer));
        let next_offset = first_offset + count;
        batch.ranges.push(BatchRange { source: self.prepared.source, first_offset, next_offset });
        batch
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [ledger, template, source, count] = &words[..] else { return Err("LEDGER TEMPLATE SOURCE COUNT".into()) };
    let (source, count): (u16, u64) = (source.parse()?, count.parse()?);
    let ledger = Ledger::open(&PathBuf::from(ledger), OpenOptions::default())?;
    let template = Template::new(&ledger, std::fs::read(template)?, source)?;
    let started = Instant::now();
    let (mut offset, end) = (ledger.positions()[usize::from(source)].next_offset, count);
    let (mut index_ns, mut decide_ns) = (0, 0);
    while offset < end {
        let inputs = (end - offset).min(BLOCK_INPUTS);
        let committed = ledger.commit(&template.block(offset, inputs), template.timestamp_ms.cast_unsigned())?;
        if committed.invoices != inputs {
            return Err(format!("{} of {inputs} copies became invoices: {committed:?}", committed.invoices).into());
        }
        (index_ns, decide_ns) = (index_ns + committed.index_ns, decide_ns + committed.decide_ns);
        offset += inputs;
    }
    let status = ledger.status();
    println!(
        r#"{{"invoices":{},"bytes":{},"seconds":{:.3},"index_ns":{index_ns},"decide_ns":{decide_ns}}}"#,
        status.counts.invoices,
        status.counts.bytes,
        started.elapsed().as_secs_f64()
    );
    ledger.close()?;
    Ok(())
}
