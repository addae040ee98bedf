//! Laws of canonical data: what is written is read back, and nothing else is read.

use farechain_core::cbor::{Encoder, Malformed};
use farechain_core::command::{
    Buyer, Change, ClaimedPayment, InvoiceId, Order, RedReason, Role, Scope, command_id_of_canonical,
};
use farechain_core::text::{SceneCode, TaxId, Text};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::{ALL_DIGITAL, CODE, OTHER_SELLER, SELLER, invoice_code, tax_id, words};

fn tax_ids() -> impl Strategy<Value = TaxId> + Clone {
    prop_oneof![Just(tax_id(SELLER)), Just(tax_id(OTHER_SELLER))]
}

fn visible<const N: usize>() -> impl Strategy<Value = Text<N>> {
    vec(b'!'..=b'~', 1..=N).prop_map(|bytes| words(&String::from_utf8(bytes).expect("ASCII")))
}

fn scenes() -> impl Strategy<Value = Vec<SceneCode>> {
    vec("[A-Z0-9_]{1,16}".prop_map(|code| words(&code)), 0..4)
}

fn invoices() -> impl Strategy<Value = InvoiceId> {
    (prop_oneof![Just(CODE), Just(ALL_DIGITAL)], 1u32..=99_999_999)
        .prop_map(|(code, number)| InvoiceId { code: invoice_code(code), number })
}

fn buyers() -> impl Strategy<Value = Buyer> {
    let company = (tax_ids(), any::<[u8; 32]>()).prop_map(|(id, title)| (Some(id), Some(title)));
    let person = option::of(any::<[u8; 32]>()).prop_map(|title| (None, title));
    (prop_oneof![company, person], option::of(any::<[u8; 16]>())).prop_map(|((tax_id, title), holder)| Buyer {
        tax_id,
        title,
        holder,
    })
}

fn payments() -> impl Strategy<Value = Vec<[u8; 32]>> {
    btree_set(any::<[u8; 32]>(), 1..6).prop_map(|set| set.into_iter().rev().collect())
}

fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..300, 0u64..1 << 53, Just((1 << 53) - 1)]
}

fn periods() -> impl Strategy<Value = u32> {
    1970u32 * 12..2200 * 12
}

/// Null or an end.
fn ends() -> impl Strategy<Value = u64> {
    prop_oneof![0u64..1 << 53, Just(u64::MAX)]
}

fn changes() -> impl Strategy<Value = Change> {
    let reasons = (1u8..=4).prop_map(|number| RedReason::from_u8(number).expect("a reason"));
    let scopes = || prop_oneof![Just(Scope::All), payments().prop_map(Scope::Payments)];
    let plain = prop::sample::select(vec![
        Change::ConfirmUse,
        Change::Unpost,
        Change::RedConfirm,
        Change::RedRefuse,
        Change::RedWithdraw,
        Change::RedExpire,
        Change::Unfreeze,
    ]);
    prop_oneof![
        (option::of(any::<[u8; 32]>()), any::<[u8; 16]>())
            .prop_map(|(opening, holder)| Change::Bind { opening, holder }),
        any::<[u8; 16]>().prop_map(|holder| Change::Transfer { holder }),
        (visible(), option::of((any::<[u8; 32]>(), any::<[u8; 32]>()))).prop_map(|(claim_id, halves)| Change::Lock {
            claim_id,
            presentation: halves.map(|(r, s)| [r, s].concat().try_into().expect("64 bytes")),
        }),
        visible().prop_map(|claim_id| Change::Unlock { claim_id }),
        (visible(), 1u64..1 << 53).prop_map(|(claim_id, amount_fen)| Change::Reimburse { claim_id, amount_fen }),
        (visible(), periods()).prop_map(|(voucher, period)| Change::Post { voucher, period }),
        (reasons.clone(), scopes()).prop_map(|(reason, scope)| Change::RedIssue { reason, scope }),
        (reasons, prop_oneof![scopes(), Just(Scope::Owed)])
            .prop_map(|(reason, scope)| Change::RedRequest { reason, scope }),
        "\\PC{1,20}".prop_map(|note| Change::Freeze { note: words(&note) }),
        plain,
    ]
}

fn of_invoices() -> impl Strategy<Value = Order> {
    let claims = (buyers(), payments(), option::of(any::<[u8; 32]>())).prop_map(|(buyer, payments, opening)| {
        let payments = payments.into_iter().map(|identity| ClaimedPayment { identity, opening }).collect();
        Order::Claim { buyer, payments }
    });
    prop_oneof![
        1 => claims,
        1 => (invoices(), buyers()).prop_map(|(invoice, buyer)| Order::Retitle { invoice, buyer }),
        6 => (invoices(), changes()).prop_map(|(invoice, change)| Order::Change { invoice, change }),
    ]
}

fn conduct() -> impl Strategy<Value = Order> {
    prop_oneof![
        any::<[u8; 16]>().prop_map(|kid| Order::RevokeKey { kid }),
        (any::<[u8; 16]>(), any::<i64>()).prop_map(|(kid, until_ms)| Order::Admit { kid, until_ms }),
        (tax_ids(), scenes(), ends()).prop_map(|(agent, scenes, to_height)| Order::Delegate {
            agent,
            scenes,
            to_height
        }),
        any::<bool>().prop_map(|accepts_individuals| Order::ReimburserPolicy { accepts_individuals }),
        (1u32..=99_999_999).prop_map(|count| Order::ApplyNumbers { count }),
        (tax_ids(), "\\PC{1,20}").prop_map(|(tax_id, reason)| Order::RefuseNumbers { tax_id, reason: words(&reason) }),
        (periods(), amounts(), amounts(), amounts()).prop_map(|(period, invoiced_fen, uninvoiced_fen, red_fen)| {
            Order::Declare { period, invoiced_fen, uninvoiced_fen, red_fen }
        }),
        (tax_ids(), periods()).prop_map(|(tax_id, period)| Order::Acknowledge { tax_id, period }),
        ("[A-Z][A-Z0-9_]{0,31}", any::<[u8; 32]>())
            .prop_map(|(subject, digest)| Order::Attest { subject: words(&subject), digest }),
    ]
}

fn register() -> impl Strategy<Value = Order> {
    prop_oneof![
        (tax_ids(), option::of(amounts())).prop_map(|(tax_id, credit_limit_fen)| Order::AdmitIssuer {
            tax_id,
            name: words("深圳地铁"),
            credit_limit_fen
        }),
        (any::<[u8; 32]>(), tax_ids(), scenes(), 0u64..1 << 53, ends()).prop_map(
            |(public_key, tax_id, scenes, from_height, to_height)| {
                let role = if scenes.is_empty() { Role::Agent } else { Role::Device };
                Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height }
            }
        ),
        any::<[u8; 16]>().prop_map(|kid| Order::RetireKey { kid }),
        (1u32..5, 5u32..=99_999_999, option::of(tax_ids()))
            .prop_map(|(from, to, tax_id)| { Order::GrantNumbers { code: invoice_code(CODE), from, to, tax_id } }),
        (1u32..=99_999_999).prop_map(|from| Order::CloseGrant { code: invoice_code(ALL_DIGITAL), from }),
    ]
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![
        1 => register(),
        2 => conduct(),
        4 => of_invoices(),
        2 => vec(of_invoices(), 1..=64).prop_map(|orders| Order::Batch { orders }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(order in orders(), command_id in visible::<64>()) {
        let data = order.encode_canonical(command_id.as_str());
        prop_assert_eq!(Order::from_canonical(&data), Ok(order));
        prop_assert_eq!(command_id_of_canonical(&data), Ok(command_id.as_str()));
    }

    #[test]
    fn what_is_read_is_written_the_same(order in orders(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut data = order.encode_canonical("c-1");
        let at = at.index(data.len());
        data[at] = byte;
        if let Ok(read) = Order::from_canonical(&data) {
            let command_id = command_id_of_canonical(&data).expect("an id").to_owned();
            prop_assert_eq!(read.encode_canonical(&command_id), data);
        }
    }

    #[test]
    fn a_part_or_more_is_refused(order in orders(), cut in any::<prop::sample::Index>()) {
        let mut data = order.encode_canonical("c-1");
        prop_assert_eq!(Order::from_canonical(&data[..cut.index(data.len())]), Err(Malformed));
        data.push(0);
        prop_assert_eq!(Order::from_canonical(&data), Err(Malformed));
    }
}

#[test]
fn orders_that_no_command_gives_are_refused() {
    let invoice = InvoiceId { code: invoice_code(CODE), number: 1 };
    let change = |change| Order::Change { invoice, change };
    let red = |reason, scope| change(Change::RedIssue { reason, scope });
    let claim = |buyer, payments: &[[u8; 32]]| {
        let claimed = payments.iter().map(|identity| ClaimedPayment { identity: *identity, opening: None });
        Order::Claim { buyer, payments: claimed.collect() }
    };
    let individual = Buyer::default();
    let batch = |orders: &[Order]| Order::Batch { orders: orders.to_vec() };
    let unpost = change(Change::Unpost);
    for order in [
        red(RedReason::SalesReturn, Scope::Owed),
        red(RedReason::SalesReturn, Scope::Payments(vec![[1; 32]; 2])),
        red(RedReason::Retitled, Scope::All),
        change(Change::Reimburse { claim_id: words("E"), amount_fen: 0 }),
        change(Change::Reimburse { claim_id: words("E"), amount_fen: 1 << 53 }),
        change(Change::Unlock { claim_id: words("") }),
        change(Change::Unlock { claim_id: words("a b") }),
        change(Change::Freeze { note: words("") }),
        change(Change::Post { voucher: words("V"), period: 2200 * 12 }),
        Order::Change { invoice: InvoiceId { number: 0, ..invoice }, change: Change::Unpost },
        Order::Change { invoice: InvoiceId { code: words("144032609111"), ..invoice }, change: Change::Unpost },
        claim(individual, &[]),
        claim(individual, &[[1; 32], [1; 32]]),
        claim(Buyer { tax_id: Some(tax_id(SELLER)), ..individual }, &[[1; 32]]),
        batch(&[]),
        batch(&vec![unpost.clone(); 65]),
        batch(&[batch(&[unpost])]),
        batch(&[Order::RevokeKey { kid: [1; 16] }]),
        Order::ApplyNumbers { count: 0 },
        Order::Declare { period: 1969, invoiced_fen: 0, uninvoiced_fen: 0, red_fen: 0 },
        Order::Delegate { agent: tax_id(SELLER), scenes: vec![], to_height: 1 << 53 },
        Order::Acknowledge { tax_id: words("91440300708461136U"), period: 2026 * 12 },
        Order::Attest { subject: words(""), digest: [1; 32] },
        Order::Attest { subject: words("_ERASURE"), digest: [1; 32] },
        Order::Attest { subject: words("erasure"), digest: [1; 32] },
    ] {
        assert_eq!(Order::from_canonical(&order.encode_canonical("c-1")), Err(Malformed), "{order:?}");
    }
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let mut expected = Vec::new();
    let mut e = Encoder::new(&mut expected);
    e.array(4).uint(1).uint(60).text("b-1").array(3);
    e.array(6).uint(40).uint(1).null().null().bytes(&[7; 16]).array(1).array(2).bytes(&[1; 32]).bytes(&[2; 32]);
    e.array(7).uint(41).text(CODE).uint(5).uint(2).text(SELLER).bytes(&[3; 32]).null();
    e.array(5).uint(51).text(CODE).uint(5).uint(2).array(0);
    let invoice = InvoiceId { code: invoice_code(CODE), number: 5 };
    let passenger = Buyer { holder: Some([7; 16]), ..Buyer::default() };
    let company = Buyer { tax_id: Some(tax_id(SELLER)), title: Some([3; 32]), holder: None };
    let orders = vec![
        Order::Claim { buyer: passenger, payments: vec![ClaimedPayment { identity: [1; 32], opening: Some([2; 32]) }] },
        Order::Retitle { invoice, buyer: company },
        Order::Change { invoice, change: Change::RedRequest { reason: RedReason::SalesReturn, scope: Scope::Owed } },
    ];
    assert_eq!(Order::Batch { orders }.encode_canonical("b-1"), expected);
}
