//! Inputs that make several records: a retitle, and a batch. Each record is decided on what the ones before it left, and
//! all of them happen or none.

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::command::canonical::command_id_of_canonical;
use crate::command::{Command, Order};
use crate::decide::claim::{self, Reissue};
use crate::decide::{Block, Entry, Said, View, command};
use crate::digest::{self, Digest};
use crate::error::Code;
use crate::outcome::Verdict;
use crate::record::{CommandRecord, Record};
use crate::registry::Key;

/// The records of one input, still to be decided: ask for the next, apply it, ask again.
#[derive(Clone, Debug)]
pub struct Several {
    key: Key,
    identity: Digest,
    made: u32,
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Batch(Vec<u8>),
    Order(Order, Vec<u8>),
    Blue(Reissue, Vec<u8>),
}

impl Several {
    /// `None` for a command that makes one record.
    pub(super) fn of(command: &Command, key: &Key, identity: Digest, data: &[u8]) -> Option<(Verdict, Several)> {
        let command_id = command_id_of_canonical(data).unwrap_or_default();
        let (verdict, steps) = match &command.order {
            order @ Order::Retitle { .. } => {
                (Verdict::Issued, VecDeque::from([Step::Order(order.clone(), data.to_vec())]))
            }
            Order::Batch { orders } => {
                let step = |order: &Order| Step::Order(order.clone(), order.encode_canonical(command_id));
                let itself = core::iter::once(Step::Batch(data.to_vec()));
                (Verdict::Applied, itself.chain(orders.iter().map(step)).collect())
            }
            _ => return None,
        };
        Some((verdict, Several { key: key.clone(), identity, made: 0, steps }))
    }

    /// The next record; `None` when all are made.
    ///
    /// # Errors
    /// The code that rejects the whole input: the caller takes back what it has applied.
    pub fn next<V: View>(&mut self, view: &V, block: Block) -> Result<Option<Entry<'static>>, Code> {
        let Some(step) = self.steps.pop_front() else { return Ok(None) };
        let identity = match self.made {
            0 => self.identity,
            made => digest::identity(&[b"PART", &self.identity, &made.to_be_bytes()]),
        };
        self.made += 1;
        let (Step::Batch(data) | Step::Order(_, data) | Step::Blue(_, data)) = &step;
        let data_root = digest::leaf(data);
        let said = |data: Vec<u8>| Said { key: &self.key, identity, data: Cow::Owned(data), data_root };
        match step {
            Step::Batch(data) => {
                let kid = self.key.public_key.kid();
                let record = Record::Command(CommandRecord { kind: 60, kid, identity, data_root });
                Ok(Some(Entry { record, annex: Some(Cow::Owned(data)) }))
            }
            Step::Order(Order::Retitle { invoice, buyer }, data) => {
                let (red, reissue) = claim::retitle(view, &said(data.clone()), &invoice, &buyer, block)?;
                self.steps.push_front(Step::Blue(reissue, data));
                Ok(Some(red))
            }
            Step::Order(order, data) => {
                command::of_invoice(view, &said(data), &order, block).map(|(_, entry)| Some(entry))
            }
            Step::Blue(reissue, data) => claim::reissue(view, &said(data), &reissue, block).map(Some),
        }
    }
}
