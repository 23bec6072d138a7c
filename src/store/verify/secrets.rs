//! What is encrypted: the keys, and whether everything opens, as far as the master key is at hand.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, EntityTrait, ModelTrait};

use super::{Findings, rows};
use crate::entity::{secret_key, secret_key_wrap, signing_key};
use crate::error::Result;
use crate::secret_key::{DataKey, is_sealed, is_wrap};
use crate::store::secrets::{SealedTable, Secrets, Visitor, place, visit_all};
use crate::user_token::SigningKey;

pub(super) async fn check<'a>(
    connection: &impl ConnectionTrait,
    secrets: &Secrets,
    mut findings: Findings<'a>,
) -> Result<Findings<'a>> {
    let mut keys: HashMap<String, Option<DataKey>> = HashMap::new();
    rows::each::<secret_key::Entity>(connection, secret_key::Column::KeyId, |key| {
        findings.row();
        keys.insert(key.key_id, None);
    })
    .await?;
    let master = secrets.master().ok();
    let mut theirs = BTreeSet::new();
    let (master_id, mut kept) = (master.map(crate::secret_key::MasterKey::id), HashSet::new());
    rows::each::<secret_key_wrap::Entity>(connection, secret_key_wrap::Column::KeyId, |wrap| {
        let id = &wrap.key_id;
        findings.expect(is_wrap(&wrap.wrapped), || format!("data key {id}: not an encrypted key"));
        findings.expect(keys.contains_key(id), || format!("data key {id}: it is not there"));
        kept.insert(wrap.key_id.clone());
        theirs.insert(wrap.master_id.clone());
        if let Some(master) = master.filter(|_| master_id.as_ref() == Some(&wrap.master_id)) {
            let key = master.unwrap(id, &wrap.wrapped);
            findings.expect(key.is_some(), || format!("data key {id}: its master key does not open it"));
            keys.insert(wrap.key_id, key);
        }
    })
    .await?;
    for id in keys.keys().filter(|id| !kept.contains(*id)) {
        findings.fault(format!("data key {id}: no master key opens it"));
    }
    let mut sealed = Sealed { connection, keys: &keys, findings, unopened: 0 };
    visit_all(&mut sealed).await?;
    let Sealed { mut findings, unopened, .. } = sealed;
    check_pairs(connection, &keys, &mut findings).await?;
    if unopened > 0 {
        let theirs = theirs.into_iter().collect::<Vec<_>>().join(" or ");
        let why = match &master_id {
            None => format!("there is no master key; it is {theirs}"),
            Some(ours) => format!("the master key {ours} does not open their data key; it is {theirs}"),
        };
        findings.note(format!("{unopened} rows were not opened: {why}"));
    }
    Ok(findings)
}

/// Whether the halves of signing keys belong together, as far as they open: else every token would be refused.
async fn check_pairs(
    connection: &impl ConnectionTrait,
    keys: &HashMap<String, Option<DataKey>>,
    findings: &mut Findings<'_>,
) -> Result<()> {
    rows::each::<signing_key::Entity>(connection, signing_key::Column::Kid, |row| {
        let Some(Some(key)) = keys.get(&row.key_id) else { return };
        let place = place::<signing_key::Entity>(&row.kid, signing_key::Column::PrivateKey);
        let Some(bytes) = key.open(place, &row.private_key) else { return };
        let pair = SigningKey::from_bytes(row.kid.clone(), &bytes).is_some_and(|key| key.public() == row.public_key);
        findings.expect(pair, || format!("signing key {}: its halves are no pair", row.kid));
    })
    .await
}

/// The rows of the tables that have something encrypted.
struct Sealed<'a, 'c, C> {
    connection: &'c C,
    /// The data keys; those that are not open are none.
    keys: &'c HashMap<String, Option<DataKey>>,
    findings: Findings<'a>,
    unopened: u64,
}

impl<C: ConnectionTrait> Visitor for Sealed<'_, '_, C> {
    async fn visit<T: SealedTable>(&mut self) -> Result<()> {
        rows::each::<T>(self.connection, T::ROW, |row| self.look::<T>(&row)).await
    }
}

impl<C> Sealed<'_, '_, C> {
    fn look<T: SealedTable>(&mut self, row: &T::Model) {
        self.findings.row();
        let table = T::default();
        let (table, id) = (sea_orm::IdenStatic::as_str(&table), text(row, T::ROW).unwrap_or_default());
        let key_id = text(row, T::KEY_ID).unwrap_or_default();
        let Some(key) = self.keys.get(&key_id) else {
            return self.findings.fault(format!("{table} {id}: its data key {key_id} is not there"));
        };
        self.unopened += u64::from(key.is_none());
        for column in T::SEALED {
            let Some(text) = text(row, *column) else { continue };
            let place = place::<T>(&id, *column);
            let sound = key.as_ref().map_or_else(|| is_sealed(&text), |key| key.open(place, &text).is_some());
            self.findings.expect(sound, || format!("{table} {id}: its {} does not open", place.column));
        }
    }
}

fn text<M: ModelTrait>(row: &M, column: <M::Entity as EntityTrait>::Column) -> Option<String> {
    row.get(column).unwrap()
}
