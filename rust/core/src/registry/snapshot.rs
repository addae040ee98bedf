//! The registry as bytes: deterministic CBOR, for snapshots and for the state digest.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::cbor::{Decoder, Encoder, Malformed};
use crate::command::{Order, Role};
use crate::outcome::Location;
use crate::record::Record;
use crate::registry::shared::Shared;
use crate::registry::{Committed, Declared, Grant, Issuer, Key, Month, Registry, Waiting};
use crate::signature::PublicKey;
use crate::text::{TaxId, Text};

impl Registry {
    /// The whole registry; equal registries give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let genesis = Record::Genesis(alloc::boxed::Box::new(self.genesis.clone())).to_bytes();
        let mut e = Encoder::new(&mut out);
        e.array(13).bytes(&genesis).array(self.keys.len());
        for (kid, key) in self.keys.iter() {
            encode_key(&mut e, kid, key);
        }
        e.array(self.issuers.len());
        self.issuers.iter().for_each(|(tax_id, issuer)| encode_issuer(&mut e, tax_id, issuer));
        let scenes = Order::SceneTable { rows: self.scenes.values().cloned().collect() };
        let rates = Order::RateTable { rows: self.rates.clone() };
        e.bytes(&scenes.encode_canonical("")).bytes(&rates.encode_canonical("")).array(self.mandates.len());
        for (tax_id, rows) in &self.mandates {
            let mandate = Order::Mandate { rows: rows.clone() };
            e.array(2).text(tax_id.as_str()).bytes(&mandate.encode_canonical(""));
        }
        e.array(self.grants.len());
        for grant in &self.grants {
            e.array(6).text(grant.code.as_str()).uint(grant.from.into()).uint(grant.to.into()).uint(grant.next.into());
            e.optional_text(grant.tax_id.as_ref().map(Text::as_str)).bool(grant.closed);
        }
        e.array(self.places.len());
        for (seller, queue) in self.queues.iter() {
            queue.iter().for_each(|(place, waiting)| encode_waiting(&mut e, seller, *place, waiting));
        }
        self.encode_open(&mut e);
        match &self.committed {
            Some(Committed { location, height }) => _ = e.array(2).uint(location.pack()).uint(*height),
            None => _ = e.null(),
        }
        out
    }

    /// The registry without what depends on where blocks were cut: heights, block times, and places of arrival become
    /// ranks. Equal histories of inputs give equal bytes, however they were batched.
    pub fn encode_uncut(&self) -> Vec<u8> {
        let mut uncut = self.clone();
        for key in uncut.keys.values_mut() {
            (key.from_height, key.retired_ms) = (0, key.retired_ms.map(|_| 0));
        }
        uncut.forget_times();
        uncut.committed = None;
        let mut places: Vec<u64> = self.places.values().map(|(_, place)| *place).collect();
        places.sort_unstable();
        let rank = |place: &u64| places.binary_search(place).unwrap_or_default() as u64;
        for queue in uncut.queues.values_mut() {
            *queue = queue.iter().map(|(place, waiting)| (rank(place), *waiting)).collect();
        }
        uncut.encode()
    }

    /// The opposite of [`Registry::encode`]. Trusts the keys: the caller has checked the bytes' checksum.
    ///
    /// # Errors
    /// [`Malformed`]; the caller rebuilds the state from the log.
    pub fn decode(bytes: &[u8]) -> Result<Registry, Malformed> {
        let mut d = Decoder::new(bytes);
        d.array_of(13)?;
        let Record::Genesis(genesis) = Record::decode(d.bytes()?)? else { return Err(Malformed) };
        let keys: BTreeMap<_, Key> = map(&mut d, decode_key)?;
        let issuers = map(&mut d, decode_issuer)?;
        let Order::SceneTable { rows } = Order::from_canonical(d.bytes()?)? else { return Err(Malformed) };
        let scenes = rows.into_iter().map(|row| (row.code, row)).collect();
        let Order::RateTable { rows: rates } = Order::from_canonical(d.bytes()?)? else { return Err(Malformed) };
        let mandates = map(&mut d, |d| {
            d.array_of(2)?;
            let tax_id: TaxId = d.text_of()?;
            let Order::Mandate { rows } = Order::from_canonical(d.bytes()?)? else { return Err(Malformed) };
            Ok((tax_id, rows))
        })?;
        let grants = (0..d.array()?).map(|_| decode_grant(&mut d)).collect::<Result<_, _>>()?;
        let mut registry = Registry {
            genesis: *genesis,
            keys: Shared::default(),
            scene_lists: BTreeSet::from([Arc::default()]),
            issuers,
            scenes,
            rates,
            mandates,
            grants,
            queues: Shared::default(),
            places: Shared::default(),
            reversing: Shared::default(),
            delegations: Shared::default(),
            individuals: Shared::default(),
            pending: Shared::default(),
            owed: Shared::default(),
            committed: None,
        };
        for (kid, mut key) in keys {
            key.scenes = registry.shared(key.scenes);
            registry.keys.insert(kid, key);
        }
        for _ in 0..d.array()? {
            let (seller, place, waiting) = decode_waiting(&mut d)?;
            registry.enqueue(seller, place, waiting);
        }
        registry.decode_open(&mut d)?;
        registry.committed = d.optional(decode_committed)?;
        d.end()?;
        Ok(registry)
    }
}

fn decode_committed(d: &mut Decoder<'_>) -> Result<Committed, Malformed> {
    d.array_of(2)?;
    Ok(Committed { location: Location::unpack(d.uint()?), height: d.uint()? })
}

pub(super) fn map<'a, K: Ord, V>(
    d: &mut Decoder<'a>,
    read: impl Fn(&mut Decoder<'a>) -> Result<(K, V), Malformed>,
) -> Result<BTreeMap<K, V>, Malformed> {
    (0..d.array()?).map(|_| read(d)).collect()
}

fn encode_key(e: &mut Encoder<'_>, kid: &[u8; 16], key: &Key) {
    e.array(11).bytes(kid).bytes(key.public_key.as_bytes()).uint(key.role as u64).text(key.tax_id.as_str());
    e.array(key.scenes.len());
    for scene in key.scenes.iter() {
        e.text(scene.as_str());
    }
    e.uint(key.from_height).uint(key.to_height).optional_uint(key.retired_ms).bool(key.revoked);
    match key.admitted_ms {
        Some(until_ms) => e.int(until_ms),
        None => e.null(),
    };
    e.optional_bytes(key.successor.as_ref().map(|kid| &kid[..]));
}

fn decode_key(d: &mut Decoder<'_>) -> Result<([u8; 16], Key), Malformed> {
    d.array_of(11)?;
    let kid = d.bytes_of()?;
    let key = Key {
        public_key: PublicKey::from_admitted(d.bytes_of()?),
        role: Role::from_u8(d.uint_as()?).ok_or(Malformed)?,
        tax_id: d.text_of()?,
        scenes: (0..d.array()?).map(|_| d.text_of()).collect::<Result<_, _>>()?,
        from_height: d.uint()?,
        to_height: d.uint()?,
        retired_ms: d.optional(Decoder::uint)?,
        revoked: d.bool()?,
        admitted_ms: d.optional(Decoder::int)?,
        successor: d.optional(Decoder::bytes_of)?,
    };
    Ok((kid, key))
}

fn encode_issuer(e: &mut Encoder<'_>, tax_id: &TaxId, issuer: &Issuer) {
    e.array(8).text(tax_id.as_str()).text(issuer.name.as_str()).optional_uint(issuer.credit_limit_fen);
    e.uint(u64::from(issuer.month)).uint(issuer.issued_fen).array(issuer.months.len());
    for (month, books) in &issuer.months {
        e.array(4).uint((*month).into()).int(books.invoiced_fen).int(books.uninvoiced_fen).int(books.red_fen);
    }
    e.array(issuer.declared.len());
    for (month, declared) in &issuer.declared {
        e.array(5).uint((*month).into()).bool(declared.acknowledged);
        declared.fen.iter().for_each(|fen| _ = e.uint(*fen));
    }
    e.optional_uint(issuer.applied_for.map(u64::from));
}

fn decode_issuer(d: &mut Decoder<'_>) -> Result<(TaxId, Issuer), Malformed> {
    d.array_of(8)?;
    let tax_id = d.text_of()?;
    let issuer = Issuer {
        name: d.text_of()?,
        credit_limit_fen: d.optional(Decoder::uint)?,
        month: d.uint_as()?,
        issued_fen: d.uint()?,
        months: map(d, |d| {
            d.array_of(4)?;
            let month = d.uint_as()?;
            Ok((month, Month { invoiced_fen: d.int()?, uninvoiced_fen: d.int()?, red_fen: d.int()? }))
        })?,
        declared: map(d, |d| {
            d.array_of(5)?;
            let (month, acknowledged) = (d.uint_as()?, d.bool()?);
            Ok((month, Declared { fen: [d.uint()?, d.uint()?, d.uint()?], acknowledged }))
        })?,
        applied_for: d.optional(Decoder::uint_as)?,
    };
    Ok((tax_id, issuer))
}

fn decode_grant(d: &mut Decoder<'_>) -> Result<Grant, Malformed> {
    d.array_of(6)?;
    Ok(Grant {
        code: d.text_of()?,
        from: d.uint_as()?,
        to: d.uint_as()?,
        next: d.uint_as()?,
        tax_id: d.optional(Decoder::text_of)?,
        closed: d.bool()?,
    })
}

fn encode_waiting(e: &mut Encoder<'_>, seller: &TaxId, place: u64, waiting: &Waiting) {
    match waiting {
        Waiting::Payment { identity, left_fen } => {
            e.array(4).text(seller.as_str()).uint(place).bytes(identity).uint(*left_fen);
        }
        Waiting::Refund { identity, payment, refund_fen, refund_root } => {
            e.array(6).text(seller.as_str()).uint(place).bytes(identity).uint(*refund_fen);
            e.bytes(payment).bytes(refund_root);
        }
    }
}

fn decode_waiting(d: &mut Decoder<'_>) -> Result<(TaxId, u64, Waiting), Malformed> {
    let length = d.array()?;
    let (seller, place, identity, fen) = (d.text_of()?, d.uint()?, d.bytes_of()?, d.uint()?);
    let waiting = match length {
        4 => Waiting::Payment { identity, left_fen: fen },
        6 => Waiting::Refund { identity, refund_fen: fen, payment: d.bytes_of()?, refund_root: d.bytes_of()? },
        _ => return Err(Malformed),
    };
    Ok((seller, place, waiting))
}
