//! Orders that a snapshot explains: it shows the supply in service after the order was placed.
//!
//! Only orders are looked at, and only those that are open: a handful of statements whatever the size
//! of the snapshot.

use super::report::ImportError;
use crate::billing::Office;
use crate::billing::door::Door;
use crate::domain::account::ServiceStatus;
use crate::domain::command::{Command, MoveOrder};
use crate::domain::decide::Outcome;
use crate::domain::fact::OrderStatus;
use crate::domain::ids::Id;
use crate::domain::position::Snapshot;
use crate::store::{OrderFilter, OrderRecord};

/// Orders looked at together.
const PAGE: u32 = 500;
/// Minutes of a day.
const DAY: i64 = 24 * 60;

/// Completes them, and says how many.
pub(super) fn complete(office: &Office, door: &impl Door, snapshot: &Snapshot) -> Result<u64, ImportError> {
    let mut conn = office.store.connect()?;
    let since = snapshot.as_of.plus_minutes(-DAY * i64::from(office.settings.order_look_back_days));
    let mut filter = OrderFilter { after: Some(first_id_at(since)), limit: PAGE, ..OrderFilter::default() };
    let mut completed = 0;
    loop {
        let page = conn.orders(&filter)?;
        let Some(last) = page.last().map(|record| record.order.id) else { return Ok(completed) };
        filter.after = Some(last);
        let open: Vec<OrderRecord> = page
            .into_iter()
            .filter(|record| record.status().is_open() && record.order.recorded_at < snapshot.as_of)
            .collect();
        let number = |record: &OrderRecord| record.order.account.as_ref().map(|place| place.of.clone());
        let accounts = conn.load_accounts(&open.iter().filter_map(number).collect::<Vec<_>>())?;
        let explained = open.iter().filter(|record| {
            number(record).and_then(|number| accounts.get(&number)).is_some_and(|state| {
                state.snapshot.as_of > record.order.recorded_at && state.account.service.status == ServiceStatus::Active
            })
        });
        for record in explained {
            completed += u64::from(complete_one(office, door, record.order.id, snapshot)?);
        }
    }
}

/// `false`: somebody else moved it meanwhile, which is as good.
fn complete_one(office: &Office, door: &impl Door, order_id: Id, snapshot: &Snapshot) -> Result<bool, ImportError> {
    let command = MoveOrder {
        order_id,
        status: OrderStatus::Completed,
        at: Some(snapshot.as_of),
        reason: Some(format!("billing shows the supply in service: {}", snapshot.id)),
        crew: None,
    };
    let outcome = door.submit(office.request(Command::MoveOrder(command)))?;
    Ok(matches!(outcome, Outcome::Done(_)))
}

/// The smallest id of an instant: an id begins with its milliseconds.
fn first_id_at(at: crate::domain::calendar::Timestamp) -> Id {
    let millis = u128::try_from(at.micros().max(0) / 1000).unwrap_or(0);
    Id::from_bits(millis << 80)
}
