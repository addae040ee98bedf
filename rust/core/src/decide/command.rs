//! Commands: who may give which, and when.

use crate::code;
use crate::command::{Change, Command, Order, Role};
use crate::decide::{Accepted, Block, Entry, View};
use crate::digest::{self, Digest};
use crate::error::Code;
use crate::outcome::Verdict;
use crate::record::{CommandRecord, Record};
use crate::registry::{Key, Registry};
use crate::signature::{self, PublicKey, ROTATE_TYPE};

pub(super) fn decide<'a, V: View>(
    view: &V,
    command: &Command,
    data: &'a [u8],
    key: &Key,
    _block: Block,
) -> Result<Accepted<'a>, Code> {
    check(view.registry(), &command.order, key)?;
    let record = CommandRecord {
        kind: command.order.kind(),
        kid: key.public_key.kid(),
        identity: occupied(command, key),
        data_root: command.data_leaf,
    };
    Ok((Verdict::Applied, Entry { record: Record::Command(record), annex: Some(data) }))
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

fn check(registry: &Registry, order: &Order, key: &Key) -> Result<(), Code> {
    match order {
        Order::AdmitIssuer { .. } | Order::SceneTable { .. } | Order::RateTable { .. } => Ok(()),
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
            if retired.retired { Err(Code::State) } else { Ok(()) }
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
        _ => Err(Code::Schema),
    }
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
