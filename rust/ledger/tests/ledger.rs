//! The ledger as a whole: decisions, recovery, audit. Every test works on files and real signatures.

mod scenario;

use farechain_core::error::Code;
use farechain_ledger::audit::{AuditOptions, audit};
use farechain_ledger::error::LedgerError;
use farechain_ledger::ledger::{Ledger, OpenOptions};
use scenario::{Dir, commit, create, open, payment, push, setup, story};

const AUDIT: AuditOptions = AuditOptions { signatures: true, threads: 1 };

fn rows(ledger: &Ledger) -> Vec<String> {
    let (_, rows) = ledger.outcome_rows(0, u64::MAX).expect("readable");
    rows.iter()
        .map(|row| {
            let amounts = row.amounts.map_or(String::new(), |(total, net, tax)| format!(" {total}={net}+{tax}"));
            let why = row.code.or(row.state).map_or(String::new(), |why| format!(" {why}"));
            format!("{} {}{why}{amounts}", row.offset, row.verdict)
        })
        .collect()
}

#[test]
fn a_story_becomes_what_the_rules_say_and_audit_agrees() {
    let dir = Dir::new("story");
    create(&dir);
    let ledger = open(&dir);
    commit(&ledger, &story(), 100);
    let rows = rows(&ledger);
    assert_eq!(
        rows[7..],
        [
            "7 ISSUED 200=194+6",
            "8 ISSUED 665=646+19",
            "9 DUPLICATE",
            "10 REJECTED E_PAYMENT_CONFLICT",
            "11 REJECTED E_KEY_UNKNOWN",
            "12 REVERSED -165=-161+-4",
            "13 RECORDED BEFORE_PAYMENT",
            "14 ISSUED 200=194+6",
            "15 REVERSED -500=-485+-15",
            "16 REJECTED E_RED_EXCEEDS",
            "17 ISSUED 400=388+12",
            "18 RECORDED WAITING_GRANT",
            "19 RECORDED WAITING_GRANT",
            "20 RECORDED REDUCED",
            "21 RECORDED WAITING_GRANT",
            "22 APPLIED",
            "23 RECORDED WAITING_GRANT",
            "24 APPLIED",
            "25 RECORDED WAITING_GRANT",
        ]
    );
    assert!(ledger.is_drainable(0));
    let mut drained = 0;
    while ledger.is_drainable(0) {
        let (batch, _) = ledger.prepare(ledger.intake().seal(1));
        drained += ledger.commit(&batch, 0).expect("a drain").invoices;
    }
    assert_eq!(drained, 5);
    let status = ledger.status();
    assert_eq!((status.waiting, status.counts.invoices, status.counts.red_letters), (0, 9, 2));
    let e = ledger.invoice("144032619110", 1000).expect("readable").expect("issued");
    assert_eq!(e.standing.map(|standing| standing.remaining_fen), Some(400));
    assert_eq!(ledger.invoice_by_hash(&e.hash).expect("readable").expect("there").location, e.location);
    let digest = ledger.state_digest();
    ledger.close().expect("closed");
    let (report, _) = audit(&dir.ledger(), &AUDIT).expect("readable");
    assert_eq!((report.failure, report.invoices, report.red_letters), (None, 9, 2));
    assert_eq!((report.inputs, report.duplicates, report.rejected, report.state_digest), (26, 1, 3, digest));
}

#[test]
fn other_cuts_give_the_same_decisions() {
    let outcomes = [1, 2, 5, 100].map(|cut| {
        let dir = Dir::new("cuts");
        create(&dir);
        let ledger = open(&dir);
        // The numbers last: a drain falls between blocks, so what waits depends on the cut.
        let inputs: Vec<_> = story().into_iter().take(18).collect();
        commit(&ledger, &inputs, cut);
        (rows(&ledger), ledger.status().counts.verdicts, ledger.state_digest())
    });
    for other in &outcomes[1..] {
        assert_eq!(*other, outcomes[0]);
    }
}

#[test]
fn opening_with_and_without_the_snapshot_gives_the_same_state() {
    let dir = Dir::new("snapshot");
    create(&dir);
    let ledger = open(&dir);
    commit(&ledger, &story(), 4);
    let digest = ledger.state_digest();
    drop(ledger);
    let ledger = open(&dir);
    assert_eq!(ledger.state_digest(), digest, "from the log");
    ledger.close().expect("a snapshot");
    let ledger = open(&dir);
    assert_eq!(ledger.state_digest(), digest, "from the snapshot");
    commit(&ledger, &[payment("after", 100), payment("a", 200)], 1);
    assert_eq!(ledger.status().counts.verdicts[5], 2, "a duplicate across the snapshot");
    let digest = ledger.state_digest();
    drop(ledger);
    assert_eq!(open(&dir).state_digest(), digest, "snapshot and tail");
    std::fs::write(dir.ledger().join("index").join("secret"), [5; 16]).expect("writable");
    assert_eq!(open(&dir).state_digest(), digest, "a changed secret makes the snapshot useless");
    assert_eq!(audit(&dir.ledger(), &AUDIT).expect("readable").0.failure, None);
}

#[test]
fn a_second_owner_waits_and_a_stale_batch_is_refused() {
    let dir = Dir::new("owner");
    create(&dir);
    assert!(matches!(Ledger::open(&dir.0, OpenOptions::default()), Err(LedgerError::Missing(_))));
    let ledger = open(&dir);
    assert!(matches!(Ledger::open(&dir.ledger(), OpenOptions::default()), Err(LedgerError::Locked(_))));
    let readonly = OpenOptions { readonly: true, ..OpenOptions::default() };
    let reader = Ledger::open(&dir.ledger(), readonly).expect("readers need no lock");
    let mut intake = ledger.intake();
    push(&mut intake, &setup(10));
    let (stale, _) = ledger.prepare(intake.seal(3));
    assert!(matches!(reader.commit(&stale, 0), Err(LedgerError::Invalid(_))));
    ledger.commit(&stale, 0).expect("in order");
    assert!(matches!(ledger.commit(&stale, 0), Err(LedgerError::Conflict(_))));
    let (next, _) = ledger.prepare(intake.seal(100));
    ledger.commit(&next, 0).expect("a conflict poisons nothing");
}

#[test]
fn a_key_registered_in_the_same_block_counts() {
    let dir = Dir::new("same-block");
    create(&dir);
    let ledger = open(&dir);
    let mut inputs = setup(10);
    inputs.push(payment("a", 200));
    let committed = commit(&ledger, &inputs, 100);
    assert_eq!((committed.len(), committed[0].invoices, committed[0].rejected.len()), (1, 1, 0));
}

#[test]
fn dead_letters_keep_the_bytes_and_say_why() {
    let dir = Dir::new("dead");
    create(&dir);
    let ledger = open(&dir);
    commit(&ledger, &story(), 7);
    let (next, letters) = ledger.dead_letters(0, u64::MAX).expect("readable");
    assert_eq!((next, letters.len()), (ledger.height() + 1, 3));
    let header = |name: &str| {
        let found = letters[0].headers.iter().find(|(found, _)| found == name).and_then(|(_, value)| value.clone());
        String::from_utf8(found.expect("a header")).expect("text")
    };
    assert_eq!(header("fc-dlq-code"), Code::PaymentConflict.as_str());
    assert_eq!((header("fc-dlq-offset"), header("fc-dlq-topic")), ("10".into(), "payments".into()));
    assert_eq!(letters[0].value.as_deref(), Some(payment("a", 300).value.as_bytes()));
    assert_eq!(letters[0].key.as_deref(), Some(&b"key"[..]));
    let (_, receipts) = ledger.receipts(0, u64::MAX).expect("readable");
    assert_eq!(receipts.len() as u64, ledger.status().counts.inputs());
    let (later, _) = ledger.prepare({
        let mut intake = ledger.intake();
        push(&mut intake, &[payment("later", 100)]);
        intake.seal(1)
    });
    ledger.commit(&later, scenario::START_MS + 40 * 86_400_000).expect("a block of another day");
    assert_eq!(ledger.dead_letters(0, u64::MAX).expect("readable").1.len(), 0);
    drop(ledger);
    let (report, _) = audit(&dir.ledger(), &AUDIT).expect("readable");
    assert_eq!((report.failure, report.rejected_expired, report.rejected_rederived), (None, 3, 0));
}
