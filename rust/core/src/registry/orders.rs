//! What commands that took effect change: keys, issuers, tables, grants, delegations, declarations.

use crate::code::MAX_NUMBER;
use crate::command::{Order, Role};
use crate::record::CommandRecord;
use crate::registry::{Damage, Declared, Delegation, Grant, Issuer, Key, Registry};
use crate::signature::PublicKey;
use crate::text::TaxId;

impl Registry {
    pub(super) fn apply_order(
        &mut self,
        command: &CommandRecord,
        order: Order,
        height: u64,
        time_ms: u64,
    ) -> Result<(), Damage> {
        match order {
            Order::AdmitIssuer { tax_id, name, credit_limit_fen } => {
                let issuer = self.issuers.entry(tax_id).or_insert_with(|| Issuer::new(name, credit_limit_fen));
                (issuer.name, issuer.credit_limit_fen) = (name, credit_limit_fen);
            }
            Order::SceneTable { rows } => {
                self.scenes = rows.into_iter().map(|row| (row.code, row)).collect();
            }
            Order::RateTable { rows } => self.rates = rows,
            Order::Mandate { rows } => {
                let tax_id = self.party(command, Role::Issuer)?;
                self.mandates.insert(tax_id, rows);
            }
            Order::RegisterKey { .. }
            | Order::RotateKey { .. }
            | Order::RetireKey { .. }
            | Order::RevokeKey { .. }
            | Order::Admit { .. } => return self.apply_key_order(command, order, height, time_ms),
            Order::GrantNumbers { .. }
            | Order::CloseGrant { .. }
            | Order::ApplyNumbers { .. }
            | Order::RefuseNumbers { .. } => return self.apply_number_order(command, &order),
            Order::Delegate { agent, scenes, to_height } => {
                let seller = self.party(command, Role::Issuer)?;
                if scenes.is_empty() {
                    self.delegations.remove(&(seller, agent));
                } else {
                    self.delegations.insert((seller, agent), Delegation { scenes, to_height });
                }
            }
            Order::ReimburserPolicy { accepts_individuals } => {
                let tax_id = self.party(command, Role::Reimburser)?;
                if accepts_individuals {
                    self.individuals.insert(tax_id);
                } else {
                    self.individuals.remove(&tax_id);
                }
            }
            Order::Declare { period, invoiced_fen, uninvoiced_fen, red_fen } => {
                let tax_id = self.party(command, Role::Issuer)?;
                let declared = Declared { fen: [invoiced_fen, uninvoiced_fen, red_fen], acknowledged: false };
                self.issuer_mut(&tax_id)?.declared.insert(period, declared);
            }
            Order::Acknowledge { tax_id, period } => {
                let declared = self.issuer_mut(&tax_id)?.declared.get_mut(&period);
                declared.ok_or(Damage("an acknowledgement of nothing declared"))?.acknowledged = true;
            }
            // A batch's orders have records of their own; what is attested the ledger only keeps.
            Order::Batch { .. } | Order::Attest { .. } => {}
            Order::Claim { .. } | Order::Retitle { .. } | Order::Change { .. } => {
                return Err(Damage("a command's record of an invoice's command"));
            }
        }
        Ok(())
    }

    fn apply_key_order(
        &mut self,
        command: &CommandRecord,
        order: Order,
        height: u64,
        time_ms: u64,
    ) -> Result<(), Damage> {
        match order {
            Order::RegisterKey { public_key, role, tax_id, scenes, from_height, to_height } => {
                let public_key = PublicKey::from_admitted(public_key);
                let scenes = self.shared(scenes.into());
                self.insert_key(Key { role, tax_id, scenes, from_height, to_height, ..Key::new(public_key) })
            }
            Order::RotateKey { public_key, .. } => {
                let public_key = PublicKey::from_admitted(public_key);
                let old = self.keys.get_mut(&command.kid).ok_or(Damage("a rotation of no key"))?;
                let new = Key { public_key, from_height: height, ..old.clone() };
                (old.retired_ms, old.successor) = (Some(time_ms), Some(public_key.kid()));
                self.insert_key(new)
            }
            Order::RetireKey { kid } => {
                self.keys.get_mut(&kid).ok_or(Damage("a retirement of no key"))?.retired_ms = Some(time_ms);
                Ok(())
            }
            Order::RevokeKey { kid } => {
                let key = self.keys.get_mut(&kid).ok_or(Damage("a revocation of no key"))?;
                (key.retired_ms, key.revoked) = (key.retired_ms.or(Some(time_ms)), true);
                Ok(())
            }
            Order::Admit { kid, until_ms } => {
                self.keys.get_mut(&kid).ok_or(Damage("an admission of no key"))?.admitted_ms = Some(until_ms);
                Ok(())
            }
            _ => Err(Damage("not an order of keys")),
        }
    }

    fn apply_number_order(&mut self, command: &CommandRecord, order: &Order) -> Result<(), Damage> {
        match *order {
            Order::GrantNumbers { code, from, to, tax_id } => {
                if from == 0 || from > to || to > MAX_NUMBER || self.overlaps(&code, from, to) {
                    return Err(Damage("a grant of numbers that cannot be granted"));
                }
                if let Some(tax_id) = tax_id {
                    self.issuer_mut(&tax_id)?.applied_for = None;
                }
                self.grants.push(Grant { code, from, to, next: from, tax_id, closed: false });
            }
            Order::CloseGrant { code, from } => {
                let open = |grant: &&mut Grant| grant.code == code && grant.from == from && !grant.closed;
                self.grants.iter_mut().find(open).ok_or(Damage("a closing of no open grant"))?.closed = true;
            }
            Order::ApplyNumbers { count } => {
                let tax_id = self.party(command, Role::Issuer)?;
                self.issuer_mut(&tax_id)?.applied_for = Some(count);
            }
            Order::RefuseNumbers { tax_id, .. } => self.issuer_mut(&tax_id)?.applied_for = None,
            _ => return Err(Damage("not an order of numbers")),
        }
        Ok(())
    }

    /// The tax id that a command's signer speaks for.
    fn party(&self, command: &CommandRecord, role: Role) -> Result<TaxId, Damage> {
        let key = self.keys.get(&command.kid).filter(|key| key.role == role);
        Ok(key.ok_or(Damage("a command of somebody who may not give it"))?.tax_id)
    }
}
