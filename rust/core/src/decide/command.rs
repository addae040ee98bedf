//! Commands: who may give which, and when.

use crate::code;
use crate::command::{Command, Order, Role};
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
    let (bureau, issuer) = (key.role == Role::Bureau, key.role == Role::Issuer);
    let allowed = match order {
        Order::AdmitIssuer { .. }
        | Order::SceneTable { .. }
        | Order::RateTable { .. }
        | Order::GrantNumbers { .. }
        | Order::CloseGrant { .. } => bureau,
        Order::RegisterKey { role, tax_id, .. } => {
            let own_device = issuer && *role == Role::Device && key.tax_id == *tax_id;
            *role != Role::Bureau && (bureau || own_device)
        }
        Order::RotateKey { .. } => true,
        Order::RetireKey { kid } => {
            let retired = registry.key(kid).ok_or(Code::KeyUnknown)?;
            bureau || (issuer && key.tax_id == retired.tax_id)
        }
        Order::Mandate { .. } => issuer,
    };
    if allowed { Ok(()) } else { Err(Code::Role) }
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
            if !registry.genesis().regions.iter().any(|region| region == code::region(code)) {
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
