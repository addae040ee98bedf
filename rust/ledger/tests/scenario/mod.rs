//! A small chain with real keys: commands, payments, refunds as signed inputs, and a ledger in a directory of its own.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use farechain_core::block::Source;
use farechain_core::input::{HEADER_KID, HEADER_SIGNATURE};
use farechain_core::signature::{PAYLOAD_TYPE, kid, pae, public_key, sign};
use farechain_ledger::intake::{Intake, SourceRecord};
use farechain_ledger::ledger::{Committed, Create, Ledger, OpenOptions};

pub const BUREAU: [u8; 32] = [1; 32];
pub const ISSUER: [u8; 32] = [2; 32];
pub const DEVICE: [u8; 32] = [3; 32];
pub const SELLER: &str = "91440300708461136T";
pub const METRO_TAX_CODE: &str = "3010101020202000000";
pub const START_MS: u64 = 1_772_323_200_000;

/// A directory that is removed with its owner.
pub struct Dir(pub PathBuf);

impl Dir {
    pub fn new(name: &str) -> Dir {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("farechain-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary directory");
        Dir(path)
    }

    pub fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

pub struct Signed {
    pub seed: [u8; 32],
    pub value: String,
}

pub fn envelope(kind: &str, id: &str, data: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"test","type":"farechain.{kind}.v1","data":{data}}}"#)
}

pub fn command(seed: [u8; 32], id: &str, rest: &str) -> Signed {
    let data = format!(r#"{{"network":"shenzhen","command_id":"{id}",{rest}}}"#);
    Signed { seed, value: envelope("command", id, &data) }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

/// Everything that lets `DEVICE` sign metro payments of `SELLER`; numbers 1 to `numbers`.
pub fn setup(numbers: u32) -> Vec<Signed> {
    let hex = |seed: &[u8; 32]| hex(&public_key(seed));
    let key = |seed, role, scenes| {
        format!(
            r#""kind":"REGISTER_KEY","public_key":"{}","role":"{role}","tax_id":"{SELLER}","scenes":{scenes},"from_height":0,"to_height":null"#,
            hex(seed)
        )
    };
    let rate = format!(r#""scene":"METRO","tax_code":"{METRO_TAX_CODE}","rate":300"#);
    vec![
        command(BUREAU, "scenes", r#""kind":"SCENE_TABLE","rows":[{"code":"METRO","name":"地铁","detail":[]}]"#),
        command(BUREAU, "rates", &format!(r#""kind":"RATE_TABLE","rows":[{{{rate},"from":"2020-01-01","to":null}}]"#)),
        command(
            BUREAU,
            "admit",
            &format!(r#""kind":"ADMIT_ISSUER","tax_id":"{SELLER}","name":"Metro","credit_limit_fen":null"#),
        ),
        command(BUREAU, "issuer", &key(&ISSUER, "ISSUER", "[]")),
        command(ISSUER, "device", &key(&DEVICE, "DEVICE", r#"["METRO"]"#)),
        command(
            ISSUER,
            "mandate",
            &format!(r#""kind":"MANDATE","rows":[{{{rate},"policy":"AUTO","stored_value":"AT_RIDE"}}]"#),
        ),
        command(BUREAU, "grant", &grant("144032619110", 1, numbers)),
    ]
}

pub fn grant(code: &str, from: u32, to: u32) -> String {
    format!(r#""kind":"GRANT_NUMBERS","code":"{code}","from":{from},"to":{to},"tax_id":null"#)
}

pub fn payment(txn: &str, fen: u64) -> Signed {
    let data = format!(
        r#"{{"kind":"PAID","network":"shenzhen","channel":"WECHAT","txn_id":"{txn}","scene":"METRO","gross_fen":{fen},"paid_fen":{fen},"paid_at":"2026-03-01T08:00:00+08:00","seller_tax_id":"{SELLER}"}}"#
    );
    Signed { seed: DEVICE, value: envelope("payment", txn, &data) }
}

pub fn refund(txn: &str, refund: &str, fen: u64) -> Signed {
    let data = format!(
        r#"{{"kind":"REFUNDED","network":"shenzhen","channel":"WECHAT","txn_id":"{txn}","refund_id":"{refund}","refund_fen":{fen},"paid_at":"2026-03-01T09:00:00+08:00","seller_tax_id":"{SELLER}"}}"#
    );
    Signed { seed: DEVICE, value: envelope("payment", refund, &data) }
}

pub fn create(dir: &Dir) {
    let chain = Create {
        network: "shenzhen".into(),
        chain: "shenzhen/0".into(),
        bureau: public_key(&BUREAU),
        sources: vec![Source { topic: "payments".into(), topic_id: [7; 16], partition: 0 }],
        regions: vec!["4403".into()],
        time_ms: START_MS,
        utc_offset_min: 480,
        drain_max: 2,
        secret: [9; 16],
    };
    Ledger::create(&dir.ledger(), &chain).expect("a new ledger");
}

pub fn open(dir: &Dir) -> Ledger {
    Ledger::open(&dir.ledger(), OpenOptions::default()).expect("a ledger that opens")
}

/// Pushes signed inputs at consecutive offsets of the only partition.
pub fn push(intake: &mut Intake, inputs: &[Signed]) {
    for input in inputs {
        let signature = sign(&input.seed, &pae(PAYLOAD_TYPE, input.value.as_bytes()));
        let kid = hex(&kid(&public_key(&input.seed)));
        let headers = [(HEADER_KID, Some(kid.as_bytes())), (HEADER_SIGNATURE, Some(&signature[..]))];
        let record = SourceRecord {
            offset: intake.expected(1),
            timestamp_ms: START_MS.cast_signed() + 100_000_000,
            key: Some(b"key"),
            headers: &headers,
            value: Some(input.value.as_bytes()),
        };
        intake.push_records(1, std::iter::once(record), None, false);
    }
}

/// Commits inputs in blocks of `cut`.
pub fn commit(ledger: &Ledger, inputs: &[Signed], cut: usize) -> Vec<Committed> {
    let mut intake = ledger.intake();
    push(&mut intake, inputs);
    let mut committed = Vec::new();
    while !intake.is_empty() {
        let (batch, _) = ledger.prepare(intake.seal(cut));
        committed.push(ledger.commit(&batch, START_MS + 1000).expect("a block"));
    }
    committed
}

/// A little of everything: issued, duplicate, conflict, refunds before and after, a bad signature, waiting and drained.
pub fn story() -> Vec<Signed> {
    let mut forged = payment("forged", 500);
    forged.seed = [8; 32];
    let mut inputs = setup(6);
    inputs.extend([
        payment("a", 200),
        payment("b", 665),
        payment("a", 200),
        payment("a", 300),
        forged,
        refund("b", "b-1", 165),
        refund("c", "c-1", 100),
        payment("c", 300),
        refund("b", "b-2", 500),
        refund("b", "b-3", 1),
        payment("d", 400),
        payment("e", 500),
        payment("f", 600),
        refund("e", "e-1", 100),
        payment("g", 700),
        command(BUREAU, "more", &grant("144032619110", 1000, 1001)),
        payment("h", 800),
        command(BUREAU, "more-2", &grant("144032619110", 2000, 2100)),
        payment("i", 900),
    ]);
    inputs
}
