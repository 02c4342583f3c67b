//! What waits for the writer.

use tokio::sync::oneshot;

use super::SubmitError;
use super::batch_policy::Size;
use crate::domain::command::{Command, Request};
use crate::domain::decide::Outcome;
use crate::store::{Connection, StoreError};

/// A command and who waits for its outcome.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Result<Outcome, SubmitError>>,
}

type Run = Box<dyn FnOnce(Result<&mut Connection, StoreError>) + Send>;

/// A write in a transaction of its own; it answers by itself.
pub(super) struct Write {
    pub(super) operation: &'static str,
    pub(super) run: Run,
}

/// What waits for the writer.
pub(super) enum Job {
    Decide(Box<Asked>),
    Write(Write),
    /// Nothing more is taken after it.
    Stop,
}

impl Job {
    pub(super) fn size(&self) -> Size {
        match self {
            Self::Decide(asked) if !matches!(asked.request.command, Command::Seal(_)) => {
                Size::Command(bytes(&asked.request))
            }
            Self::Decide(_) | Self::Write(_) | Self::Stop => Size::Alone,
        }
    }
}

/// About how much a command holds in memory: what is fixed, and the texts that callers choose.
fn bytes(request: &Request) -> usize {
    let key = request.request.as_ref().map_or(0, |keyed| keyed.key.as_str().len() + keyed.hash.len());
    let texts = match &request.command {
        Command::Pay(pay) => pay.till.len() + pay.cashier.len() + pay.partner_reference.as_ref().map_or(0, String::len),
        Command::Reverse(reverse) => reverse.supervisor.len() + reverse.note.as_ref().map_or(0, String::len),
        Command::Close(close) => close.cashier.len() + 16 * close.denominations.len(),
        Command::Deposit(deposit) => deposit.slip_number.len() + 16 * deposit.sessions.len(),
        Command::MoveOrder(step) => step.reason.as_ref().map_or(0, String::len),
        _ => 0,
    };
    size_of::<Request>() + key + texts
}

/// Makes a job of a closure: begun, committed or rolled back around it, and answered at the end.
pub(super) fn write<T: Send + 'static>(
    operation: &'static str,
    job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    answer: oneshot::Sender<Result<T, SubmitError>>,
) -> Write {
    let run = move |connection: Result<&mut Connection, StoreError>| {
        let done = connection.map_err(SubmitError::Store).and_then(|connection| in_transaction(connection, job));
        // Whoever asked may have gone; the write stands all the same.
        _ = answer.send(done);
    };
    Write { operation, run: Box::new(run) }
}

fn in_transaction<T>(
    connection: &mut Connection,
    job: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, SubmitError> {
    connection.begin()?;
    // PostgreSQL answers COMMIT of a failed transaction with success and rolls back: a job that
    // swallowed an error must not be told that it wrote.
    let done = job(connection).and_then(|value| match connection.is_alive() {
        true => Ok(value),
        false => Err(StoreError::Database("the transaction had failed before its end".to_owned())),
    });
    match done {
        Err(error) => {
            connection.rollback();
            Err(SubmitError::Store(error))
        }
        Ok(value) => match connection.commit() {
            Ok(()) => Ok(value),
            Err(error) => {
                connection.rollback();
                Err(if connection.is_alive() { SubmitError::Store(error) } else { SubmitError::InDoubt })
            }
        },
    }
}
