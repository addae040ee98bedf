//! Commands from JSON: what each kind says, which code each bad member gives, and what is looked at first.

use farechain_core::command::{
    Buyer, Change, ClaimedPayment, InvoiceId, Order, RedReason, Scope, command_id_of_canonical,
};
use farechain_core::error::Code;
use farechain_core::event::{self, Event};
use serde_json::{Map, Value, json};

use crate::{ALL_DIGITAL, CODE, OTHER_SELLER, SELLER, invoice_code, tax_id, words};

fn event_of(data: &Value) -> Vec<u8> {
    let event =
        json!({"specversion": "1.0", "id": "1", "source": "desk/1", "type": "farechain.command.v1", "data": data});
    event.to_string().into_bytes()
}

/// The members of an order as a command.
fn command(order: &Value) -> Value {
    changed(order, &json!({"network": "shenzhen", "command_id": "c-1"}))
}

/// An object with other members.
fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.as_object().expect("an object").clone();
    object.extend(changes.as_object().expect("changes").clone());
    Value::Object(object)
}

fn decode(order: &Value) -> Result<Order, Code> {
    let (signed, data) = event::decode(&event_of(&command(order)))?;
    let Event::Command(command) = signed.event else { panic!("no command: {order}") };
    assert_eq!(Order::from_canonical(&data).as_ref(), Ok(&command.order), "{order}");
    assert_eq!(command_id_of_canonical(&data), Ok("c-1"));
    Ok(command.order)
}

const MONTH: u32 = 2026 * 12 + 2;

fn conduct() -> Vec<(Value, Order)> {
    let kid = [0x0F; 16];
    vec![
        (json!({"kind": "REVOKE_KEY", "kid": "0f".repeat(16)}), Order::RevokeKey { kid }),
        (
            json!({"kind": "ADMIT", "kid": "0f".repeat(16), "until": "1970-01-01T08:00:00.25+08:01"}),
            Order::Admit { kid, until_ms: -59_750 },
        ),
        (
            json!({"kind": "DELEGATE", "agent": OTHER_SELLER, "scenes": ["METRO", "BUS"], "to_height": 9}),
            Order::Delegate { agent: tax_id(OTHER_SELLER), scenes: vec![words("METRO"), words("BUS")], to_height: 9 },
        ),
        (
            json!({"kind": "DELEGATE", "agent": SELLER, "scenes": [], "to_height": null}),
            Order::Delegate { agent: tax_id(SELLER), scenes: vec![], to_height: u64::MAX },
        ),
        (
            json!({"kind": "REIMBURSER_POLICY", "accepts_individuals": true}),
            Order::ReimburserPolicy { accepts_individuals: true },
        ),
        (json!({"kind": "APPLY_NUMBERS", "count": 99_999_999}), Order::ApplyNumbers { count: 99_999_999 }),
        (
            json!({"kind": "REFUSE_NUMBERS", "tax_id": SELLER, "reason": "未申报"}),
            Order::RefuseNumbers { tax_id: tax_id(SELLER), reason: words("未申报") },
        ),
        (
            json!({"kind": "DECLARE", "period": "2026-03", "invoiced_fen": 0, "uninvoiced_fen": 1, "red_fen": 2}),
            Order::Declare { period: MONTH, invoiced_fen: 0, uninvoiced_fen: 1, red_fen: 2 },
        ),
        (
            json!({"kind": "ACKNOWLEDGE", "tax_id": SELLER, "period": "2026-03"}),
            Order::Acknowledge { tax_id: tax_id(SELLER), period: MONTH },
        ),
        (
            json!({"kind": "ATTEST", "subject": "ERASURE", "digest": "ab".repeat(32)}),
            Order::Attest { subject: words("ERASURE"), digest: [0xab; 32] },
        ),
    ]
}

fn organization() -> Value {
    json!({"buyer": "ORGANIZATION", "buyer_tax_id": OTHER_SELLER, "title": "aa".repeat(32), "holder": null})
}

fn individual() -> Value {
    json!({"buyer": "INDIVIDUAL", "buyer_tax_id": null, "title": null, "holder": "0f".repeat(16)})
}

fn claims() -> Vec<(Value, Order)> {
    let payments = json!([{"payment": "02".repeat(32), "opening": null},
                          {"payment": "01".repeat(32), "opening": "03".repeat(32)}]);
    let claimed = vec![
        ClaimedPayment { identity: [2; 32], opening: None },
        ClaimedPayment { identity: [1; 32], opening: Some([3; 32]) },
    ];
    let company = Buyer { tax_id: Some(tax_id(OTHER_SELLER)), title: Some([0xAA; 32]), holder: None };
    let passenger = Buyer { holder: Some([0x0F; 16]), ..Buyer::default() };
    let invoice = InvoiceId { code: invoice_code(CODE), number: 7 };
    vec![
        (
            changed(&organization(), &json!({"kind": "CLAIM", "payments": payments})),
            Order::Claim { buyer: company, payments: claimed.clone() },
        ),
        (
            changed(&individual(), &json!({"kind": "CLAIM", "payments": payments})),
            Order::Claim { buyer: passenger, payments: claimed },
        ),
        (
            changed(&organization(), &json!({"kind": "RETITLE", "code": CODE, "number": 7})),
            Order::Retitle { invoice, buyer: company },
        ),
    ]
}

fn changes() -> Vec<(Value, Change)> {
    let (all, one) = (Scope::All, Scope::Payments(vec![[2; 32], [1; 32]]));
    let pair = json!(["02".repeat(32), "01".repeat(32)]);
    let red = |kind: &str, reason: &str, payments| json!({"kind": kind, "reason": reason, "payments": payments});
    vec![
        (
            json!({"kind": "BIND", "opening": null, "holder": "0f".repeat(16)}),
            Change::Bind { opening: None, holder: [0x0F; 16] },
        ),
        (json!({"kind": "TRANSFER", "holder": "0f".repeat(16)}), Change::Transfer { holder: [0x0F; 16] }),
        (
            json!({"kind": "LOCK", "claim_id": "E-2026/1", "presentation": "05".repeat(64)}),
            Change::Lock { claim_id: words("E-2026/1"), presentation: Some([5; 64]) },
        ),
        (json!({"kind": "UNLOCK", "claim_id": "E"}), Change::Unlock { claim_id: words("E") }),
        (
            json!({"kind": "REIMBURSE", "claim_id": "E", "amount_fen": 1}),
            Change::Reimburse { claim_id: words("E"), amount_fen: 1 },
        ),
        (json!({"kind": "CONFIRM_USE"}), Change::ConfirmUse),
        (
            json!({"kind": "POST", "voucher": "V-1", "period": "2026-03"}),
            Change::Post { voucher: words("V-1"), period: MONTH },
        ),
        (json!({"kind": "UNPOST"}), Change::Unpost),
        (
            red("RED_ISSUE", "ISSUE_ERROR", Value::Null),
            Change::RedIssue { reason: RedReason::IssueError, scope: all.clone() },
        ),
        (
            red("RED_ISSUE", "SALES_RETURN", pair.clone()),
            Change::RedIssue { reason: RedReason::SalesReturn, scope: one.clone() },
        ),
        (
            red("RED_REQUEST", "SERVICE_SUSPENSION", Value::Null),
            Change::RedRequest { reason: RedReason::ServiceSuspension, scope: all },
        ),
        (
            red("RED_REQUEST", "SALES_DISCOUNT", pair),
            Change::RedRequest { reason: RedReason::SalesDiscount, scope: one },
        ),
        (
            red("RED_REQUEST", "SALES_RETURN", json!([])),
            Change::RedRequest { reason: RedReason::SalesReturn, scope: Scope::Owed },
        ),
        (json!({"kind": "RED_CONFIRM"}), Change::RedConfirm),
        (json!({"kind": "RED_REFUSE"}), Change::RedRefuse),
        (json!({"kind": "RED_WITHDRAW"}), Change::RedWithdraw),
        (json!({"kind": "RED_EXPIRE"}), Change::RedExpire),
        (json!({"kind": "FREEZE", "note": "查"}), Change::Freeze { note: words("查") }),
        (json!({"kind": "UNFREEZE"}), Change::Unfreeze),
    ]
}

/// Every kind that a batch may have.
fn of_invoices() -> Vec<(Value, Order)> {
    let mut all = claims();
    for (members, change) in changes() {
        let order = |code| Order::Change {
            invoice: InvoiceId { code: invoice_code(code), number: 99_999_999 },
            change: change.clone(),
        };
        for code in [CODE, ALL_DIGITAL] {
            all.push((changed(&members, &json!({"code": code, "number": 99_999_999})), order(code)));
        }
    }
    all
}

fn batch(orders: &[Value]) -> Value {
    json!({"kind": "BATCH", "orders": orders})
}

/// A sample of this kind.
fn sample(kind: &str) -> Value {
    let mut all = conduct().into_iter().chain(of_invoices());
    all.find(|(members, _)| members["kind"] == kind).expect("a sample").0
}

#[test]
fn each_kind_says_its_order() {
    for (members, order) in conduct().into_iter().chain(of_invoices()) {
        assert_eq!(decode(&members), Ok(order), "{members}");
    }
}

#[test]
fn a_batch_says_its_orders() {
    let (members, orders): (Vec<Value>, Vec<Order>) = of_invoices().into_iter().unzip();
    assert_eq!(decode(&batch(&members)), Ok(Order::Batch { orders: orders.clone() }));
    assert_eq!(decode(&batch(&members[..1])), Ok(Order::Batch { orders: orders[..1].to_vec() }));
}

#[test]
fn an_order_of_a_batch_is_written_as_if_given_singly() {
    for (members, order) in of_invoices() {
        let (_, data) = event::decode(&event_of(&command(&members))).expect("a command");
        assert_eq!(order.encode_canonical("c-1"), data);
        let Ok(Order::Batch { orders }) = decode(&batch(&[members])) else { panic!("no batch") };
        assert_eq!(orders[0].encode_canonical("c-1"), data);
    }
}

#[test]
fn all_members_are_there_and_no_others() {
    for (members, _) in conduct().into_iter().chain(of_invoices()) {
        let alone = command(&members);
        for name in alone.as_object().expect("an object").keys() {
            let mut less: Map<String, Value> = alone.as_object().expect("an object").clone();
            less.remove(name);
            let decoded = event::decode(&event_of(&Value::Object(less)));
            assert_eq!(decoded.err(), Some(Code::Schema), "{members} without {name}");
        }
        for more in ["kid", "number", "orders", "extra"] {
            if members.get(more).is_none() {
                assert_eq!(decode(&changed(&members, &json!({more: 1}))), Err(Code::Schema), "{members} with {more}");
            }
        }
    }
    for (members, _) in of_invoices() {
        for name in members.as_object().expect("an object").keys() {
            let mut less = members.as_object().expect("an object").clone();
            less.remove(name);
            assert_eq!(decode(&batch(&[Value::Object(less)])), Err(Code::Schema), "{members} without {name}");
        }
        for more in ["network", "command_id", "kid"] {
            assert_eq!(decode(&batch(&[changed(&members, &json!({more: "c-1"}))])), Err(Code::Schema));
        }
    }
}

/// Each breaks one rule of a kind.
fn spoiled() -> Vec<(&'static str, Value, Code)> {
    let (long, hex) = ("x".repeat(101), "AB".repeat(32));
    let twice = json!(["01".repeat(32), "01".repeat(32)]);
    let claimed_twice = json!([{"payment": "01".repeat(32), "opening": null},
                               {"payment": "01".repeat(32), "opening": "02".repeat(32)}]);
    let many: Vec<String> = (0..257).map(|at| format!("{at:064x}")).collect();
    let many_claimed: Vec<Value> = many.iter().map(|one| json!({"payment": one, "opening": null})).collect();
    vec![
        ("REVOKE_KEY", json!({"kid": "0f"}), Code::Schema),
        ("ADMIT", json!({"kid": null}), Code::Schema),
        ("ADMIT", json!({"until": 5}), Code::Schema),
        ("ADMIT", json!({"until": "2026-03-01T00:00:60Z"}), Code::Schema),
        ("ADMIT", json!({"until": "2026-03-01T00:00:00"}), Code::TimeNoOffset),
        ("DELEGATE", json!({"agent": "9144030070846113"}), Code::UsccFormat),
        ("DELEGATE", json!({"agent": "91440300708461136U"}), Code::UsccChecksum),
        ("DELEGATE", json!({"scenes": null}), Code::Schema),
        ("DELEGATE", json!({"scenes": ["metro"]}), Code::Schema),
        ("DELEGATE", json!({"scenes": vec!["METRO"; 257]}), Code::Schema),
        ("DELEGATE", json!({"to_height": -1}), Code::Schema),
        ("REIMBURSER_POLICY", json!({"accepts_individuals": 1}), Code::Schema),
        ("REIMBURSER_POLICY", json!({"accepts_individuals": null}), Code::Schema),
        ("APPLY_NUMBERS", json!({"count": 0}), Code::NumberRange),
        ("APPLY_NUMBERS", json!({"count": 100_000_000}), Code::NumberRange),
        ("APPLY_NUMBERS", json!({"count": 1.5}), Code::Schema),
        ("APPLY_NUMBERS", json!({"count": null}), Code::Schema),
        ("REFUSE_NUMBERS", json!({"tax_id": null}), Code::Schema),
        ("REFUSE_NUMBERS", json!({"reason": ""}), Code::Schema),
        ("REFUSE_NUMBERS", json!({"reason": long}), Code::Schema),
        ("DECLARE", json!({"period": "2026-13"}), Code::Schema),
        ("DECLARE", json!({"period": 202_603}), Code::Schema),
        ("DECLARE", json!({"invoiced_fen": -1}), Code::AmountNegative),
        ("DECLARE", json!({"uninvoiced_fen": 1.5}), Code::AmountFloat),
        ("DECLARE", json!({"red_fen": 1u64 << 53}), Code::AmountOverflow),
        ("DECLARE", json!({"red_fen": null}), Code::Schema),
        ("ACKNOWLEDGE", json!({"tax_id": "91440300708461136U"}), Code::UsccChecksum),
        ("ACKNOWLEDGE", json!({"period": "1969-12"}), Code::Schema),
        ("ATTEST", json!({"subject": ""}), Code::Schema),
        ("ATTEST", json!({"subject": "0ERASURE"}), Code::Schema),
        ("ATTEST", json!({"subject": "Erasure"}), Code::Schema),
        ("ATTEST", json!({"subject": "E".repeat(33)}), Code::Schema),
        ("ATTEST", json!({"digest": "ab".repeat(31)}), Code::Schema),
        ("ATTEST", json!({"digest": "AB".repeat(32)}), Code::Schema),
        ("ATTEST", json!({"digest": null}), Code::Schema),
        ("CLAIM", json!({"buyer": "COMPANY"}), Code::Schema),
        ("CLAIM", json!({"buyer": "INDIVIDUAL"}), Code::Schema),
        ("CLAIM", json!({"buyer_tax_id": null}), Code::TitleRequired),
        ("CLAIM", json!({"buyer_tax_id": "x"}), Code::UsccFormat),
        ("CLAIM", json!({"title": null}), Code::TitleRequired),
        ("CLAIM", json!({"title": hex}), Code::Schema),
        ("CLAIM", json!({"holder": "0f"}), Code::Schema),
        ("CLAIM", json!({"payments": []}), Code::Schema),
        ("CLAIM", json!({"payments": null}), Code::Schema),
        ("CLAIM", json!({"payments": ["01".repeat(32)]}), Code::Schema),
        ("CLAIM", json!({"payments": [{"payment": "01".repeat(32)}]}), Code::Schema),
        ("CLAIM", json!({"payments": [{"payment": hex, "opening": null}]}), Code::Schema),
        ("CLAIM", json!({"payments": [{"payment": "01".repeat(32), "opening": "01"}]}), Code::Schema),
        ("CLAIM", json!({"payments": claimed_twice}), Code::Schema),
        ("CLAIM", json!({"payments": many_claimed}), Code::Schema),
        ("RETITLE", json!({"code": "144032009111"}), Code::CodeFormat),
        ("RETITLE", json!({"title": null}), Code::TitleRequired),
        ("BIND", json!({"opening": "01"}), Code::Schema),
        ("BIND", json!({"holder": null}), Code::Schema),
        ("TRANSFER", json!({"holder": "0F".repeat(16)}), Code::Schema),
        ("LOCK", json!({"claim_id": ""}), Code::Schema),
        ("LOCK", json!({"claim_id": "x".repeat(33)}), Code::Schema),
        ("LOCK", json!({"claim_id": "a b"}), Code::Schema),
        ("LOCK", json!({"presentation": "05".repeat(63)}), Code::Schema),
        ("UNLOCK", json!({"claim_id": "水"}), Code::Schema),
        ("REIMBURSE", json!({"claim_id": null}), Code::Schema),
        ("REIMBURSE", json!({"amount_fen": 0}), Code::Schema),
        ("REIMBURSE", json!({"amount_fen": "1"}), Code::Schema),
        ("REIMBURSE", json!({"amount_fen": -1}), Code::AmountNegative),
        ("REIMBURSE", json!({"amount_fen": 1u64 << 53}), Code::AmountOverflow),
        ("POST", json!({"voucher": "x".repeat(65)}), Code::Schema),
        ("POST", json!({"period": "2026-3"}), Code::Schema),
        ("RED_ISSUE", json!({"reason": "RETITLED"}), Code::Schema),
        ("RED_ISSUE", json!({"payments": []}), Code::Schema),
        ("RED_ISSUE", json!({"payments": [hex]}), Code::Schema),
        ("RED_ISSUE", json!({"payments": twice}), Code::Schema),
        ("RED_ISSUE", json!({"payments": many}), Code::Schema),
        ("RED_REQUEST", json!({"reason": 1}), Code::Schema),
        ("RED_REQUEST", json!({"payments": twice}), Code::Schema),
        ("RED_REQUEST", json!({"payments": {}}), Code::Schema),
        ("FREEZE", json!({"note": ""}), Code::Schema),
        ("FREEZE", json!({"note": long}), Code::Schema),
    ]
}

#[test]
fn each_bad_member_has_its_code() {
    for (kind, change, code) in spoiled() {
        let bad = changed(&sample(kind), &change);
        assert_eq!(decode(&bad), Err(code), "{bad}");
        if !conduct().iter().any(|(members, _)| members["kind"] == kind) {
            assert_eq!(decode(&batch(&[sample("UNPOST"), bad])), Err(code), "in a batch");
        }
    }
    for (members, _) in of_invoices().into_iter().filter(|(members, _)| members["kind"] != "CLAIM") {
        for (change, code) in [
            (json!({"code": "144032609111"}), Code::CodeFormat),
            (json!({"code": "064400000001"}), Code::CodeFormat),
            (json!({"code": 144_032_609_110u64}), Code::Schema),
            (json!({"number": 0}), Code::NumberRange),
            (json!({"number": 100_000_000}), Code::NumberRange),
            (json!({"number": 1u64 << 53}), Code::Schema),
            (json!({"number": -1}), Code::Schema),
            (json!({"number": null}), Code::Schema),
        ] {
            assert_eq!(decode(&changed(&members, &change)), Err(code), "{members} {change}");
        }
    }
}

#[test]
fn the_earlier_member_gives_the_code() {
    for (kind, changes, code) in [
        ("ADMIT", json!({"kid": "", "until": "2026-03-01T00:00:00"}), Code::Schema),
        ("DELEGATE", json!({"agent": "x", "scenes": null}), Code::UsccFormat),
        ("REFUSE_NUMBERS", json!({"tax_id": "x", "reason": ""}), Code::UsccFormat),
        ("DECLARE", json!({"period": "", "invoiced_fen": -1}), Code::Schema),
        ("DECLARE", json!({"invoiced_fen": -1, "uninvoiced_fen": 0.5}), Code::AmountNegative),
        ("DECLARE", json!({"uninvoiced_fen": 0.5, "red_fen": -1}), Code::AmountFloat),
        ("ACKNOWLEDGE", json!({"tax_id": "x", "period": ""}), Code::UsccFormat),
        ("CLAIM", json!({"buyer": "", "buyer_tax_id": "x"}), Code::Schema),
        ("CLAIM", json!({"buyer_tax_id": "x", "title": ""}), Code::UsccFormat),
        ("CLAIM", json!({"title": null, "holder": ""}), Code::Schema),
        ("CLAIM", json!({"title": null, "payments": []}), Code::TitleRequired),
        ("RETITLE", json!({"code": "", "number": 0}), Code::CodeFormat),
        ("RETITLE", json!({"number": 0, "title": null}), Code::NumberRange),
        ("BIND", json!({"number": 0, "opening": ""}), Code::NumberRange),
        ("TRANSFER", json!({"code": "", "holder": ""}), Code::CodeFormat),
        ("LOCK", json!({"number": 0, "claim_id": ""}), Code::NumberRange),
        ("UNLOCK", json!({"number": 0, "claim_id": ""}), Code::NumberRange),
        ("REIMBURSE", json!({"claim_id": "", "amount_fen": -1}), Code::Schema),
        ("POST", json!({"number": 0, "voucher": ""}), Code::NumberRange),
        ("RED_ISSUE", json!({"number": 0, "payments": []}), Code::NumberRange),
        ("RED_REQUEST", json!({"code": "", "reason": ""}), Code::CodeFormat),
        ("FREEZE", json!({"number": 0, "note": ""}), Code::NumberRange),
        ("LOCK", json!({"number": 0, "extra": 1}), Code::Schema),
    ] {
        assert_eq!(decode(&changed(&sample(kind), &changes)), Err(code), "{kind} {changes}");
    }
}

#[test]
fn a_batch_is_bounded_flat_and_looked_at_from_its_front() {
    let (good, bad) = (sample("UNPOST"), changed(&sample("UNPOST"), &json!({"number": 0})));
    assert!(decode(&batch(&vec![good.clone(); 64])).is_ok());
    for orders in [vec![], vec![good.clone(); 65], vec![bad.clone(); 65]] {
        assert_eq!(decode(&batch(&orders)), Err(Code::Schema), "{} orders", orders.len());
    }
    for foreign in
        [batch(std::slice::from_ref(&good)), sample("REVOKE_KEY"), json!({"kind": "NOTHING"}), json!("UNPOST")]
    {
        assert_eq!(decode(&batch(&[good.clone(), foreign.clone()])), Err(Code::Schema), "{foreign}");
        assert_eq!(decode(&batch(&[bad.clone(), foreign])), Err(Code::NumberRange));
    }
    assert_eq!(decode(&json!({"kind": "BATCH", "orders": {}})), Err(Code::Schema));
    assert_eq!(decode(&json!({"kind": "BATCH", "orders": null})), Err(Code::Schema));
}
