//! Commands: who may give which, and when.

use alloc::borrow::Cow;

use crate::code;
use crate::command::{Change, Command, Order, Role};
use crate::decide::{Accepted, Block, Entry, Said, View, claim, invoice};
use crate::digest::{self, Digest};
use crate::error::Code;
use crate::outcome::Verdict;
use crate::record::{CommandRecord, Record};
use crate::registry::{Key, Registry};
use crate::signature::{self, PublicKey, ROTATE_TYPE};

pub(super) fn decide<'a, V: View>(
    view: &V,
    command: &Command,
    identity: Digest,
    data: &'a [u8],
    key: &Key,
    block: Block,
) -> Result<Accepted<'a>, Code> {
    if command.order.is_of_invoice() {
        let said = Said { key, identity, data: Cow::Borrowed(data), data_root: command.data_leaf };
        return of_invoice(view, &said, &command.order, block);
    }
    check(view.registry(), &command.order, key, block)?;
    let record =
        CommandRecord { kind: command.order.kind(), kid: key.public_key.kid(), identity, data_root: command.data_leaf };
    Ok((Verdict::Applied, Entry { record: Record::Command(record), annex: Some(Cow::Borrowed(data)) }))
}

/// A claim, or a change of an invoice.
pub(super) fn of_invoice<'a, V: View>(
    view: &V,
    said: &Said<'_, 'a>,
    order: &Order,
    block: Block,
) -> Result<Accepted<'a>, Code> {
    match order {
        Order::Claim { buyer, payments } => claim::claim(view, said, buyer, payments, block),
        Order::Change { invoice, change } => invoice::change(view, said, invoice, change, block),
        _ => Err(Code::Schema),
    }
}

/// The identity that a command occupies: its own under its signer's tax id, so that nobody can take another's.
pub(super) fn occupied(command: &Command, key: &Key) -> Digest {
    digest::identity(&[b"SIGNER", key.tax_id.as_str().as_bytes(), &command.identity])
}

/// Who may give which command: step 6, before anything else is looked at.
pub(super) fn check_role(registry: &Registry, order: &Order, key: &Key) -> Result<(), Code> {
    let (bureau, issuer, agent) = (key.role == Role::Bureau, key.role == Role::Issuer, key.role == Role::Agent);
    let allowed = match order {
        Order::AdmitIssuer { .. }
        | Order::SceneTable { .. }
        | Order::RateTable { .. }
        | Order::GrantNumbers { .. }
        | Order::CloseGrant { .. }
        | Order::RefuseNumbers { .. }
        | Order::Acknowledge { .. } => bureau,
        Order::RegisterKey { role, tax_id, .. } => {
            let own = (issuer && *role == Role::Device) || (agent && *role == Role::Holder);
            *role != Role::Bureau && (bureau || (own && key.tax_id == *tax_id))
        }
        Order::RotateKey { .. } => true,
        Order::RetireKey { kid } | Order::RevokeKey { kid } => {
            let ended = registry.key(kid).ok_or(Code::KeyUnknown)?;
            bureau || (issuer && key.tax_id == ended.tax_id)
        }
        Order::Admit { kid, .. } => {
            let admitted = registry.key(kid).ok_or(Code::KeyUnknown)?;
            issuer && admitted.role == Role::Device && key.tax_id == admitted.tax_id
        }
        Order::Mandate { .. } | Order::Delegate { .. } | Order::ApplyNumbers { .. } | Order::Declare { .. } => issuer,
        Order::ReimburserPolicy { .. } => key.role == Role::Reimburser,
        Order::Claim { .. } | Order::Retitle { .. } => issuer || agent,
        Order::Attest { .. } => !matches!(key.role, Role::Device | Role::Holder | Role::Auditor),
        Order::Change { change, .. } => may_change(key.role, change),
        Order::Batch { orders } => return orders.iter().try_for_each(|order| check_role(registry, order, key)),
    };
    if allowed { Ok(()) } else { Err(Code::Role) }
}

/// Which roles may ever give a change; whether this signer may of this invoice is looked at later.
fn may_change(role: Role, change: &Change) -> bool {
    match change {
        Change::Bind { .. } | Change::RedIssue { .. } => matches!(role, Role::Issuer | Role::Agent),
        Change::Transfer { .. } => matches!(role, Role::Holder | Role::Agent),
        Change::Lock { .. } | Change::Reimburse { .. } | Change::ConfirmUse | Change::Post { .. } | Change::Unpost => {
            role == Role::Reimburser
        }
        Change::Unlock { .. } => matches!(role, Role::Reimburser | Role::Bureau),
        Change::RedRequest { .. } | Change::RedConfirm | Change::RedRefuse | Change::RedWithdraw => {
            matches!(role, Role::Issuer | Role::Agent | Role::Reimburser)
        }
        Change::RedExpire => true,
        Change::Freeze { .. } | Change::Unfreeze => role == Role::Bureau,
    }
}

fn check(registry: &Registry, order: &Order, key: &Key, block: Block) -> Result<(), Code> {
    match order {
        Order::AdmitIssuer { .. }
        | Order::SceneTable { .. }
        | Order::RateTable { .. }
        | Order::ReimburserPolicy { .. }
        | Order::Attest { .. } => Ok(()),
        Order::RegisterKey { public_key, role, tax_id, .. } => {
            let outsider = matches!(role, Role::Auditor | Role::Holder | Role::Reimburser);
            if !outsider && registry.issuer(tax_id).is_none() {
                return Err(Code::Role);
            }
            new_key(registry, public_key).map(|_| ())
        }
        Order::RotateKey { public_key, proof } => check_rotation(registry, public_key, proof, key),
        Order::RetireKey { kid } => {
            let retired = registry.key(kid).ok_or(Code::KeyUnknown)?;
            permitted(retired.retired_ms.is_none())
        }
        Order::RevokeKey { kid } => permitted(!registry.key(kid).ok_or(Code::KeyUnknown)?.revoked),
        Order::Admit { kid, until_ms } => {
            let retired = registry.key(kid).ok_or(Code::KeyUnknown)?;
            let in_its_time = |at: u64| u64::try_from(*until_ms).is_ok_and(|until| until <= at) || *until_ms < 0;
            permitted(!retired.revoked && retired.retired_ms.is_some_and(in_its_time))
        }
        Order::Mandate { rows } => {
            let allowed = rows.iter().all(|row| registry.allows(&row.scene, &row.tax_code, row.rate, None));
            if allowed { Ok(()) } else { Err(Code::RateNotAllowed) }
        }
        Order::GrantNumbers { code, from, to, tax_id } => {
            if !registry.genesis().regions.iter().any(|region| code::is_of_region(code, region)) {
                return Err(Code::CodeRegion);
            }
            if registry.overlaps(code, *from, *to) {
                return Err(Code::NumberReused);
            }
            let known = tax_id.is_none_or(|tax_id| registry.issuer(&tax_id).is_some());
            if known { Ok(()) } else { Err(Code::Role) }
        }
        Order::CloseGrant { code, from } => {
            let open = registry.grants().iter().any(|g| g.code == *code && g.from == *from && !g.closed);
            if open { Ok(()) } else { Err(Code::State) }
        }
        Order::Delegate { agent, .. } => {
            let known = registry.keys().any(|(_, key)| key.role == Role::Agent && key.tax_id == *agent);
            if known { Ok(()) } else { Err(Code::Role) }
        }
        Order::ApplyNumbers { .. } => {
            let issuer = registry.issuer(&key.tax_id).ok_or(Code::Role)?;
            permitted(issuer.applied_for.is_none())
        }
        Order::RefuseNumbers { tax_id, .. } => {
            permitted(registry.issuer(tax_id).is_some_and(|issuer| issuer.applied_for.is_some()))
        }
        Order::Declare { period, invoiced_fen, uninvoiced_fen, red_fen } => {
            let issuer = registry.issuer(&key.tax_id).ok_or(Code::Role)?;
            let is_over = *period < registry.month_of(block.time_ms.cast_signed());
            permitted(is_over && issuer.next_to_declare().is_none_or(|next| next == *period))?;
            let right = issuer.books_of(*period).to_declare() == [*invoiced_fen, *uninvoiced_fen, *red_fen];
            if right { Ok(()) } else { Err(Code::SumLines) }
        }
        Order::Acknowledge { tax_id, period } => {
            let declared = registry.issuer(tax_id).and_then(|issuer| issuer.declared.get(period));
            permitted(declared.is_some_and(|declared| !declared.acknowledged))
        }
        Order::Claim { .. } | Order::Retitle { .. } | Order::Change { .. } | Order::Batch { .. } => Err(Code::Schema),
    }
}

/// `E_STATE` where the state is another.
fn permitted(is: bool) -> Result<(), Code> {
    if is { Ok(()) } else { Err(Code::State) }
}

fn new_key(registry: &Registry, public_key: &[u8; 32]) -> Result<PublicKey, Code> {
    let public_key = PublicKey::admit(*public_key).map_err(|_| Code::Signature)?;
    if registry.key(&public_key.kid()).is_some() { Err(Code::State) } else { Ok(public_key) }
}

fn check_rotation(registry: &Registry, public_key: &[u8; 32], proof: &[u8; 64], old: &Key) -> Result<(), Code> {
    let new = new_key(registry, public_key)?;
    let mut both = [0u8; 48];
    both[..16].copy_from_slice(&old.public_key.kid());
    both[16..].copy_from_slice(public_key);
    if signature::verify(&new, &signature::pae(ROTATE_TYPE, &both), proof) { Ok(()) } else { Err(Code::Signature) }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::block::Genesis;
    use crate::command::{Buyer, InvoiceId, RedReason, Scope};
    use crate::input::Kid;
    use crate::text::{Text, unhex};
    use Role::{Agent, Bureau, Holder, Issuer, Reimburser};

    const ALL: [Role; 7] = [Bureau, Issuer, Role::Device, Agent, Holder, Reimburser, Role::Auditor];

    fn words<const N: usize>(text: &str) -> Text<N> {
        Text::new(text).expect("short")
    }

    fn registry() -> (Registry, Kid) {
        let bureau = unhex(b"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").expect("hex");
        let genesis = Genesis {
            network: "shenzhen".into(),
            chain: "shenzhen/0".into(),
            utc_offset_min: 480,
            bureau,
            drain_max: 1,
            regions: vec!["4403".into()],
            sources: vec![],
        };
        (Registry::new(&genesis).expect("a key"), PublicKey::from_admitted(bureau).kid())
    }

    /// Each role's answer where the signer's tax id is `SELLER`.
    fn answers(order: &Order) -> Vec<Result<(), Code>> {
        let (registry, kid) = registry();
        let bureau = registry.key(&kid).expect("the bureau's");
        let signer = |role| Key { role, tax_id: words("SELLER"), ..bureau.clone() };
        ALL.iter().map(|role| check_role(&registry, order, &signer(*role))).collect()
    }

    fn assert_allowed(order: &Order, allowed: &[Role]) {
        let expected: Vec<_> =
            ALL.iter().map(|role| if allowed.contains(role) { Ok(()) } else { Err(Code::Role) }).collect();
        assert_eq!(answers(order), expected, "{order:?}");
    }

    fn change(change: Change) -> Order {
        let invoice = InvoiceId { code: words("144032609110"), number: 1 };
        Order::Change { invoice, change }
    }

    fn register(role: Role, tax_id: &str) -> Order {
        let (scenes, tax_id) = (vec![], words(tax_id));
        Order::RegisterKey { public_key: [1; 32], role, tax_id, scenes, from_height: 0, to_height: 1 }
    }

    #[test]
    fn roles_that_may_change_an_invoice() {
        let (reason, scope, claim_id) = (RedReason::SalesReturn, Scope::All, words("E"));
        for (order, allowed) in [
            (Change::Bind { opening: None, holder: [1; 16] }, &[Issuer, Agent][..]),
            (Change::Transfer { holder: [1; 16] }, &[Holder, Agent]),
            (Change::Lock { claim_id, presentation: None }, &[Reimburser]),
            (Change::Unlock { claim_id }, &[Reimburser, Bureau]),
            (Change::Reimburse { claim_id, amount_fen: 1 }, &[Reimburser]),
            (Change::ConfirmUse, &[Reimburser]),
            (Change::Post { voucher: words("V"), period: 24_314 }, &[Reimburser]),
            (Change::Unpost, &[Reimburser]),
            (Change::RedIssue { reason, scope: scope.clone() }, &[Issuer, Agent]),
            (Change::RedRequest { reason, scope }, &[Issuer, Agent, Reimburser]),
            (Change::RedConfirm, &[Issuer, Agent, Reimburser]),
            (Change::RedRefuse, &[Issuer, Agent, Reimburser]),
            (Change::RedWithdraw, &[Issuer, Agent, Reimburser]),
            (Change::RedExpire, &ALL),
            (Change::Freeze { note: words("x") }, &[Bureau]),
            (Change::Unfreeze, &[Bureau]),
        ] {
            assert_allowed(&change(order), allowed);
        }
    }

    #[test]
    fn roles_that_may_give_a_command() {
        let (tax_id, period) = (words("SELLER"), 24_314);
        let invoice = InvoiceId { code: words("144032609110"), number: 1 };
        for (order, allowed) in [
            (Order::Delegate { agent: tax_id, scenes: vec![], to_height: 1 }, &[Issuer][..]),
            (Order::ReimburserPolicy { accepts_individuals: true }, &[Reimburser]),
            (Order::ApplyNumbers { count: 1 }, &[Issuer]),
            (Order::RefuseNumbers { tax_id, reason: words("x") }, &[Bureau]),
            (Order::Declare { period, invoiced_fen: 0, uninvoiced_fen: 0, red_fen: 0 }, &[Issuer]),
            (Order::Acknowledge { tax_id, period }, &[Bureau]),
            (Order::Attest { subject: words("ERASURE"), digest: [1; 32] }, &[Bureau, Issuer, Agent, Reimburser]),
            (Order::Claim { buyer: Buyer::default(), payments: vec![] }, &[Issuer, Agent]),
            (Order::Retitle { invoice, buyer: Buyer::default() }, &[Issuer, Agent]),
            (register(Role::Device, "SELLER"), &[Bureau, Issuer]),
            (register(Holder, "SELLER"), &[Bureau, Agent]),
            (register(Holder, "OTHER"), &[Bureau]),
            (register(Agent, "SELLER"), &[Bureau]),
        ] {
            assert_allowed(&order, allowed);
        }
    }

    #[test]
    fn a_batch_may_be_given_by_who_may_give_all_its_orders() {
        let batch = |changes: &[Change]| Order::Batch { orders: changes.iter().cloned().map(change).collect() };
        let unlock = Change::Unlock { claim_id: words("E") };
        assert_allowed(&batch(&[unlock.clone(), Change::Unpost]), &[Reimburser]);
        assert_allowed(&batch(&[Change::RedExpire, unlock.clone()]), &[Bureau, Reimburser]);
        assert_allowed(&batch(&[unlock, Change::Transfer { holder: [1; 16] }]), &[]);
    }

    #[test]
    fn a_key_that_nobody_knows_comes_before_the_role() {
        let (_, bureau) = registry();
        assert_allowed(&Order::RevokeKey { kid: bureau }, &[Bureau]);
        assert_allowed(&Order::Admit { kid: bureau, until_ms: 0 }, &[]);
        for order in [Order::RevokeKey { kid: [9; 16] }, Order::Admit { kid: [9; 16], until_ms: 0 }] {
            assert_eq!(answers(&order), [Err(Code::KeyUnknown); 7]);
        }
    }
}
