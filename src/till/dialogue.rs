//! What the cashier sees and types. Spanish, one line at a time, so that it works on any terminal
//! and in a pipe.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Settled, Tally, Till, TillError};
use crate::client::ClientError;

/// Notes and coins in use, in pesos.
const DENOMINATIONS: [u32; 11] = [100_000, 50_000, 20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50];

/// Where tickets go and how wide they are.
#[derive(Clone, Debug)]
pub struct Printer {
    /// Columns: 32, 42 or 48.
    pub columns: u8,
    /// A folder for one file a ticket; none: the terminal.
    pub folder: Option<PathBuf>,
}

/// Why a dialogue ends early.
#[derive(Debug, thiserror::Error)]
pub enum DialogueError {
    /// The till cannot go on.
    #[error(transparent)]
    Till(#[from] TillError),
    /// The terminal or a ticket file failed.
    #[error("terminal: {0}")]
    Terminal(#[from] std::io::Error),
}

impl From<ClientError> for DialogueError {
    fn from(error: ClientError) -> Self {
        Self::Till(error.into())
    }
}

impl From<crate::store::journal::JournalError> for DialogueError {
    fn from(error: crate::store::journal::JournalError) -> Self {
        Self::Till(error.into())
    }
}

/// One cashier at one till.
pub struct Dialogue<'a> {
    runtime: &'a Runtime,
    till: Till,
    printer: Printer,
    input: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
    last_payment: Option<String>,
}

impl<'a> Dialogue<'a> {
    /// A dialogue over these two ends of a terminal.
    pub fn new(
        runtime: &'a Runtime,
        till: Till,
        printer: Printer,
        input: &'a mut dyn BufRead,
        out: &'a mut dyn Write,
    ) -> Self {
        Self { runtime, till, printer, input, out, last_payment: None }
    }

    /// Talks until the cashier leaves or the input ends.
    ///
    /// # Errors
    /// The journal, the identity or the terminal failed.
    pub fn run(&mut self) -> Result<(), DialogueError> {
        let recovered = self.recover();
        self.go_on(recovered)?;
        writeln!(self.out, "Caja {} - {}. Escriba 'ayuda' para ver las órdenes.", self.till.name, self.till.cashier)?;
        while let Some(line) = self.ask("Cuenta u orden: ")? {
            let mut words = line.split_whitespace();
            let done = match (words.next(), words.next(), words.next()) {
                (None, ..) => Ok(()),
                (Some("salir"), ..) => break,
                (Some("ayuda"), ..) => self.help(),
                (Some("abrir"), base, _) => self.open(base.unwrap_or("0")),
                (Some("cerrar"), ..) => self.close(),
                (Some("anular"), reason, supervisor) => self.reverse(reason, supervisor),
                (Some("pendientes"), ..) => self.recover(),
                (Some(account), ..) => self.serve(account),
            };
            self.go_on(done)?;
        }
        Ok(())
    }

    /// A line that is down is said and waited out; anything else ends the dialogue.
    fn go_on(&mut self, done: Result<(), DialogueError>) -> Result<(), DialogueError> {
        match done {
            Err(DialogueError::Till(TillError::Client(ClientError::NoAnswer { .. }))) => {
                writeln!(self.out, "SIN LÍNEA. Lo que quedó sin respuesta está en el diario; intente de nuevo.")?;
                Ok(())
            }
            done => done,
        }
    }

    fn help(&mut self) -> Result<(), DialogueError> {
        writeln!(self.out, "  NÚMERO                    consulta una cuenta y recibe su pago")?;
        writeln!(self.out, "  abrir [BASE]              abre el turno con esa base")?;
        writeln!(self.out, "  cerrar                    cuenta la caja y cierra el turno")?;
        writeln!(self.out, "  anular MOTIVO SUPERVISOR  anula el último pago")?;
        writeln!(self.out, "  pendientes                repite lo que quedó sin respuesta")?;
        writeln!(self.out, "  salir")?;
        Ok(())
    }

    fn ask(&mut self, prompt: &str) -> Result<Option<String>, DialogueError> {
        write!(self.out, "{prompt}")?;
        self.out.flush()?;
        let mut line = String::new();
        let read = self.input.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }

    fn recover(&mut self) -> Result<(), DialogueError> {
        for (entry, settled) in self.runtime.block_on(self.till.recover())? {
            writeln!(self.out, "Pendiente {}:", entry.key)?;
            self.tell(&settled)?;
        }
        Ok(())
    }

    fn serve(&mut self, account: &str) -> Result<(), DialogueError> {
        let answer = self.runtime.block_on(self.till.look_up(account))?;
        let position = answer.json();
        if !answer.is_success() {
            return self.problem(&position);
        }
        writeln!(self.out, "{}  {}", text(&position["holder"]), text(&position["municipality_code"]))?;
        writeln!(
            self.out,
            "Total {}  En reclamo {}  A pagar {}",
            text(&position["total_due"]),
            text(&position["disputed"]),
            text(&position["payable_now"])
        )?;
        let service = &position["service"];
        if service["status"] != "active" {
            writeln!(
                self.out,
                "Servicio: {}  Para reconectar: {}",
                text(&service["status"]),
                text(&position["reconnection"]["amount_to_reconnect"])
            )?;
        }
        let options = position["payment_options"].as_array().cloned().unwrap_or_default();
        if options.is_empty() {
            writeln!(self.out, "No hay nada por pagar.")?;
            return Ok(());
        }
        for (ordinal, option) in options.iter().enumerate() {
            writeln!(self.out, "  {}. {}", ordinal + 1, describe(option))?;
        }
        let Some(choice) = self.ask("Opción y valor (vacío: ninguna): ")? else { return Ok(()) };
        let mut words = choice.split_whitespace();
        let option = words
            .next()
            .and_then(|word| word.parse::<usize>().ok())
            .and_then(|ordinal| options.get(ordinal.wrapping_sub(1)));
        let Some(option) = option else { return Ok(()) };
        let amount = words.next().map_or_else(|| default_amount(option), str::to_owned);
        self.pay(account, option, &amount)
    }

    fn pay(&mut self, account: &str, option: &Value, amount: &str) -> Result<(), DialogueError> {
        let (kind, agreement) = (text(&option["type"]), option["agreement_id"].as_str());
        let mut settled = self.runtime.block_on(self.till.pay(account, &kind, amount, agreement, None))?;
        if let Settled::Refused(problem) = &settled
            && problem["code"] == "possible-duplicate"
        {
            self.problem(problem)?;
            let earlier = text(&problem["earlier"]["payment_id"]);
            if self.ask("¿Es otro pago distinto? (si/no): ")?.as_deref() != Some("si") {
                return Ok(());
            }
            settled = self.runtime.block_on(self.till.pay(account, &kind, amount, agreement, Some(&earlier)))?;
        }
        self.tell(&settled)?;
        if let Settled::Done(payment) = &settled {
            if self.till.tally(payment)? == Tally::Differs {
                writeln!(self.out, "ATENCIÓN: el turno tiene movimientos que esta caja no conoce. Llame a la mesa.")?;
            }
            let id = text(&payment["id"]);
            self.ticket(&id)?;
            self.last_payment = Some(id);
        }
        Ok(())
    }

    fn ticket(&mut self, payment_id: &str) -> Result<(), DialogueError> {
        let ticket = self.runtime.block_on(self.till.ticket(payment_id, self.printer.columns))?;
        match &self.printer.folder {
            Some(folder) => {
                let file = folder.join(format!("{payment_id}.txt"));
                std::fs::write(&file, ticket)?;
                writeln!(self.out, "Comprobante en {}", file.display())?;
            }
            None => writeln!(self.out, "{ticket}")?,
        }
        Ok(())
    }

    fn reverse(&mut self, reason: Option<&str>, supervisor: Option<&str>) -> Result<(), DialogueError> {
        let (Some(reason), Some(supervisor), Some(payment)) = (reason, supervisor, self.last_payment.clone()) else {
            writeln!(
                self.out,
                "anular MOTIVO SUPERVISOR, después de un pago. Motivos: wrong_account, wrong_amount, duplicate, not_collected, customer_request"
            )?;
            return Ok(());
        };
        let settled = self.runtime.block_on(self.till.reverse(&payment, reason, supervisor))?;
        self.tell(&settled)?;
        if let Settled::Done(reversal) = &settled {
            self.till.tally(reversal)?;
            self.last_payment = None;
        }
        Ok(())
    }

    fn open(&mut self, base: &str) -> Result<(), DialogueError> {
        let base = if base.contains('.') { base.to_owned() } else { format!("{base}.00") };
        let settled = self.runtime.block_on(self.till.open(&base))?;
        if let Settled::Done(opening) = &settled {
            self.till.begin_session(opening)?;
        }
        self.tell(&settled)
    }

    fn close(&mut self) -> Result<(), DialogueError> {
        let Some(session) = self.till.session()? else {
            writeln!(self.out, "No hay turno abierto en esta caja.")?;
            return Ok(());
        };
        let mut counted = Vec::new();
        for value in DENOMINATIONS {
            let Some(line) = self.ask(&format!("  ¿Cuántos de {value}? "))? else { return Ok(()) };
            match line.parse::<u32>() {
                Ok(count) if count > 0 => counted.push((value, count)),
                Ok(_) => {}
                Err(_) if line.is_empty() => {}
                Err(_) => writeln!(self.out, "  (no es un número: se toma como cero)")?,
            }
        }
        let settled = self.runtime.block_on(self.till.close(&text(&session["id"]), &counted))?;
        self.tell(&settled)?;
        if let Settled::Done(close) = &settled {
            writeln!(
                self.out,
                "Esperado {}  Contado {}  Diferencia {}",
                text(&close["expected"]),
                text(&close["counted"]),
                text(&close["difference"])
            )?;
        }
        Ok(())
    }

    fn tell(&mut self, settled: &Settled) -> Result<(), DialogueError> {
        match settled {
            Settled::Done(answer) => writeln!(self.out, "Hecho. {}", text(&answer["message"]["cashier"]))?,
            Settled::Refused(problem) => self.problem(problem)?,
            Settled::Unknown(reason) => {
                writeln!(
                    self.out,
                    "SIN RESPUESTA ({reason}). No repita con otra llave: quedó en el diario; use 'pendientes'."
                )?;
            }
        }
        Ok(())
    }

    fn problem(&mut self, problem: &Value) -> Result<(), DialogueError> {
        let action = text(&problem["cashier_action"]);
        let message = text(&problem["message"]["cashier"]);
        let detail = text(&problem["detail"]);
        writeln!(self.out, "{action}: {}", if message.is_empty() { detail } else { message.replace('\n', " ") })?;
        Ok(())
    }
}

fn describe(option: &Value) -> String {
    match option["type"].as_str() {
        Some("full") => format!("pago total {}", text(&option["amount"])),
        Some("partial") => format!("pago parcial de {} a {}", text(&option["min"]), text(&option["max"])),
        _ => format!("convenio {} cuota {}", text(&option["agreement_id"]), default_amount(option)),
    }
}

fn default_amount(option: &Value) -> String {
    let amount = option["amount"].as_str().or_else(|| option["amounts"][0].as_str()).or_else(|| option["min"].as_str());
    amount.unwrap_or_default().to_owned()
}

/// A member as text, empty when it is missing.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
