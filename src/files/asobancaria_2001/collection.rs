//! Recaudo: the payments that an entity collected, 162 bytes a record.

use std::io::{self, BufRead, Write};

use super::codes::{FileModifier, Gln, MeansCode, Nit, OriginCode};
use super::layouts::COLLECTION;
use super::order::{MAX_SEQUENCE, Order, Said};
use super::reference::Reference;
use super::scanner::{Found, Scanner};
use super::{LotHeader, Read, Totals};
use crate::domain::calendar::BusinessDate;
use crate::domain::money::Money;
use crate::files::fixed_width::{Fault, Fields, FileError, HourMinute, Layout, Printer, Warning};

/// How many payments a lot can hold: the sequence has seven digits and starts at 2.
pub const MAX_LOT_RECORDS: u32 = MAX_SEQUENCE - 1;

/// Record 01: who collected for whom, and when the file was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionHeader {
    /// The company that is paid.
    pub biller: Nit,
    /// The day on which all payments of the file were taken.
    pub collection_date: BusinessDate,
    /// The collecting entity, three digits.
    pub entity_code: u16,
    /// The bank account that is credited; left-justified by the manual, zero-filled in real files:
    /// both are read, and kept as they stand.
    pub account: String,
    /// When the file was made.
    pub file_date: BusinessDate,
    /// At what time.
    pub recorded_at: HourMinute,
    /// Which of the day's files this is.
    pub modifier: FileModifier,
    /// The kind of bank account, two digits.
    pub account_type: u8,
}

/// Record 06: one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionRecord {
    /// What was paid.
    pub reference: Reference,
    /// How much.
    pub amount: Money,
    /// Procedencia: through what kind of place.
    pub origin: OriginCode,
    /// Medio: by what means.
    pub means: MeansCode,
    /// The collector's number of the operation, six digits.
    pub operation_number: u32,
    /// The authorisation of a card or a debit, six digits; zero for cash.
    pub authorisation_number: u32,
    /// The entity whose customer was debited, three digits; zero for cash.
    pub debited_entity: u16,
    /// The branch, which is the payment point here, four digits.
    pub branch: u16,
    /// Its place in the lot, from 2.
    pub sequence: u32,
    /// Why a payment came back; empty when it did not.
    pub return_cause: String,
}

/// What a collection file is made of, in the order in which it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionItem {
    /// 01.
    Header(CollectionHeader),
    /// 05.
    Lot(LotHeader),
    /// 06.
    Payment(CollectionRecord),
    /// 08, with the lot's totals as counted.
    LotEnd(Totals),
    /// 09, with the file's totals as counted. Nothing may be kept before this came.
    End(Totals),
}

/// Reads a collection file; see the module's notice on errors at the end.
pub struct CollectionReader<R> {
    scanner: Scanner<R>,
    over: bool,
}

impl<R: BufRead> CollectionReader<R> {
    /// Reads from here.
    pub fn new(reader: R) -> Self {
        Self { scanner: Scanner::new(reader, &COLLECTION), over: false }
    }

    fn step(&mut self) -> Result<Option<Read<CollectionItem>>, FileError> {
        let Some(Found { line, layout, mut warnings }) = self.scanner.next()? else { return Ok(None) };
        let order = &mut self.scanner.order;
        let mut fields = Fields::open(layout, line, &self.scanner.bytes)?;
        let item = match layout.code {
            "01" => {
                let header = read_header(layout, line, &mut fields)?;
                order.header();
                CollectionItem::Header(header)
            }
            "05" => {
                let lot = read_lot(layout, line, &mut fields)?;
                if order.open_lot(lot.lot_number) {
                    let found = format!("{:04}", lot.lot_number);
                    warnings.push(layout.warning(line, "numero_lote", found, "an earlier lot has the same number"));
                }
                CollectionItem::Lot(lot)
            }
            "06" => {
                let record = read_payment(layout, line, &mut fields, order.sequence, &mut warnings)?;
                order.add(line, amounts(record.amount))?;
                CollectionItem::Payment(record)
            }
            "08" => {
                let said = read_totals(&mut fields, ["total_registros_lote", "valor_total_lote"])?;
                let lot_number = fields.number("numero_lote")?;
                fields.blank("reservado")?;
                warnings.extend(order.close_lot(line, lot_number, said)?);
                CollectionItem::LotEnd(order.lot)
            }
            _ => {
                let said = read_totals(&mut fields, ["total_registros_archivo", "valor_total_archivo"])?;
                fields.blank("reservado")?;
                order.close_file(line, said)?;
                CollectionItem::End(order.file)
            }
        };
        Ok(Some(Read { line, item, warnings }))
    }
}

impl<R: BufRead> Iterator for CollectionReader<R> {
    type Item = Result<Read<CollectionItem>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step().transpose();
        self.over = !matches!(step, Some(Ok(_)));
        step
    }
}

const fn amounts(amount: Money) -> [(&'static str, Money); 2] {
    [("valor_recaudado", amount), ("valor_recaudado", Money::ZERO)]
}

fn read_header(layout: &'static Layout, line: u64, fields: &mut Fields<'_>) -> Result<CollectionHeader, Fault> {
    let nit: u64 = fields.number("nit_empresa_facturadora")?;
    let biller = Nit::from_number(nit)
        .map_err(|e| layout.fault(line, "nit_empresa_facturadora", format!("{nit:010}"), e.to_string()))?;
    let collection_date = fields.date("fecha_recaudo")?;
    let entity_code = fields.number("codigo_entidad_recaudadora")?;
    let account = fields.text("numero_cuenta")?;
    let file_date = fields.date("fecha_archivo")?;
    let recorded_at = fields.time("hora_grabacion")?;
    let modifier = read_modifier(layout, line, fields)?;
    let account_type = fields.number("tipo_cuenta")?;
    fields.blank("reservado")?;
    Ok(CollectionHeader {
        biller,
        collection_date,
        entity_code,
        account,
        file_date,
        recorded_at,
        modifier,
        account_type,
    })
}

pub(super) fn read_modifier(
    layout: &'static Layout,
    line: u64,
    fields: &mut Fields<'_>,
) -> Result<FileModifier, Fault> {
    let text = fields.text("modificador_archivo")?;
    text.parse().map_err(|_| layout.fault(line, "modificador_archivo", text, FileModifier::ALLOWED))
}

fn read_lot(layout: &'static Layout, line: u64, fields: &mut Fields<'_>) -> Result<LotHeader, Fault> {
    let gln: u64 = fields.number("codigo_servicio_recaudado")?;
    let service_code = Gln::from_number(gln)
        .map_err(|e| layout.fault(line, "codigo_servicio_recaudado", format!("{gln:013}"), e.to_string()))?;
    let lot_number = fields.number("numero_lote")?;
    fields.blank("reservado")?;
    Ok(LotHeader { service_code, lot_number })
}

fn read_payment(
    layout: &'static Layout,
    line: u64,
    fields: &mut Fields<'_>,
    expected: u32,
    warnings: &mut Vec<Warning>,
) -> Result<CollectionRecord, Fault> {
    let digits = fields.digits("referencia_principal")?;
    let reference = digits.parse().map_err(|_| layout.fault(line, "referencia_principal", digits, "48 digits"))?;
    let amount = fields.amount("valor_recaudado")?;
    let origin = OriginCode(fields.number("procedencia_pago")?);
    let means = MeansCode(fields.number("medio_pago")?);
    if !origin.is_known() {
        let note = "not in the manual; kept";
        warnings.push(layout.warning(line, "procedencia_pago", format!("{:02}", origin.0), note));
    }
    if !means.is_known() {
        warnings.push(layout.warning(line, "medio_pago", format!("{:02}", means.0), "not in the manual; kept"));
    }
    let operation_number = fields.number("numero_operacion")?;
    let authorisation_number = fields.number("numero_autorizacion")?;
    let debited_entity = fields.number("codigo_entidad_debitada")?;
    let branch = fields.number("codigo_sucursal")?;
    let sequence = fields.number("secuencia")?;
    check_sequence(layout, line, sequence, expected)?;
    let return_cause = fields.text("causal_devolucion")?;
    fields.blank("reservado")?;
    Ok(CollectionRecord {
        reference,
        amount,
        origin,
        means,
        operation_number,
        authorisation_number,
        debited_entity,
        branch,
        sequence,
        return_cause,
    })
}

fn check_sequence(layout: &'static Layout, line: u64, sequence: u32, expected: u32) -> Result<(), Fault> {
    if sequence == expected && expected <= MAX_SEQUENCE {
        return Ok(());
    }
    let allowed = format!("{expected:07}: a lot starts at 2, goes on by 1, and has at most {MAX_LOT_RECORDS} records");
    Err(layout.fault(line, "secuencia", format!("{sequence:07}"), allowed))
}

fn read_totals(fields: &mut Fields<'_>, names: [&'static str; 2]) -> Result<Said, Fault> {
    let [count, total] = names;
    Ok(Said { count: fields.number(count)?, total: fields.amount(total)?, additional: Money::ZERO })
}

/// Writes a collection file as its payments come; counts, sums and order are its own business.
pub struct CollectionWriter<W> {
    out: W,
    printer: Printer,
    order: Order,
    line: u64,
}

impl<W: Write> CollectionWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// A field that does not fit, or a stream that fails.
    pub fn start(out: W, header: &CollectionHeader) -> Result<Self, FileError> {
        let printer = Printer::new(COLLECTION.header, 1);
        let mut writer = Self { out, printer, order: Order::new(&COLLECTION), line: 0 };
        let p = writer.begin("01", COLLECTION.header)?;
        p.number("nit_empresa_facturadora", header.biller.number())?;
        p.date("fecha_recaudo", header.collection_date)?;
        p.number("codigo_entidad_recaudadora", header.entity_code)?;
        p.text("numero_cuenta", &header.account)?;
        p.date("fecha_archivo", header.file_date)?;
        p.time("hora_grabacion", header.recorded_at)?;
        p.text("modificador_archivo", &header.modifier.to_string())?;
        p.number("tipo_cuenta", header.account_type)?;
        writer.end()?;
        writer.order.header();
        Ok(writer)
    }

    /// Opens a lot; its sequence starts anew.
    ///
    /// # Errors
    /// An open lot, a lot number that was used before, a number of more than four digits, or a stream that fails.
    pub fn start_lot(&mut self, lot: &LotHeader) -> Result<(), FileError> {
        let p = self.begin("05", COLLECTION.lot_header)?;
        p.number("codigo_servicio_recaudado", lot.service_code.number())?;
        p.number("numero_lote", lot.lot_number)?;
        if self.order.open_lot(lot.lot_number) {
            let allowed = "a number that no other lot of the file has";
            return Err(COLLECTION
                .lot_header
                .fault(self.line + 1, "numero_lote", lot.lot_number.to_string(), allowed)
                .into());
        }
        self.end()
    }

    /// The sequence that the lot's next payment has to carry.
    #[must_use]
    pub const fn next_sequence(&self) -> u32 {
        self.order.sequence
    }

    /// Writes one payment.
    ///
    /// # Errors
    /// No open lot, another sequence than the next, a field that does not fit, or a stream that fails.
    pub fn payment(&mut self, record: &CollectionRecord) -> Result<(), FileError> {
        let layout = COLLECTION.detail;
        let expected = self.order.sequence;
        let p = self.begin("06", layout)?;
        p.digits("referencia_principal", record.reference.as_str())?;
        p.amount("valor_recaudado", record.amount)?;
        p.number("procedencia_pago", record.origin.0)?;
        p.number("medio_pago", record.means.0)?;
        p.number("numero_operacion", record.operation_number)?;
        p.number("numero_autorizacion", record.authorisation_number)?;
        p.number("codigo_entidad_debitada", record.debited_entity)?;
        p.number("codigo_sucursal", record.branch)?;
        p.number("secuencia", record.sequence)?;
        p.text("causal_devolucion", &record.return_cause)?;
        check_sequence(layout, self.line + 1, record.sequence, expected)?;
        self.order.add(self.line + 1, amounts(record.amount))?;
        self.end()
    }

    /// Closes the lot and returns its totals.
    ///
    /// # Errors
    /// No open lot, or a stream that fails.
    pub fn end_lot(&mut self) -> Result<Totals, FileError> {
        let (lot, lot_number) = (self.order.lot, self.order.lot_number);
        let p = self.begin("08", COLLECTION.lot_trailer)?;
        p.number("total_registros_lote", lot.count)?;
        p.amount("valor_total_lote", lot.total)?;
        p.number("numero_lote", lot_number)?;
        self.end()?;
        let said = Said { count: lot.count, total: lot.total, additional: Money::ZERO };
        self.order.close_lot(self.line, lot_number, said)?;
        Ok(lot)
    }

    /// Closes the file, flushes it, and returns the stream and the totals.
    ///
    /// # Errors
    /// An open lot, no lot at all, or a stream that fails.
    pub fn finish(mut self) -> Result<(W, Totals), FileError> {
        let file = self.order.file;
        let p = self.begin("09", COLLECTION.trailer)?;
        p.number("total_registros_archivo", file.count)?;
        p.amount("valor_total_archivo", file.total)?;
        self.end()?;
        self.out.flush().map_err(|source| FileError::Io { line: self.line, source })?;
        Ok((self.out, file))
    }

    fn begin(&mut self, code: &'static str, layout: &'static Layout) -> Result<&mut Printer, FileError> {
        self.order.expect(self.line + 1, code)?;
        self.printer.restart(layout, self.line + 1);
        Ok(&mut self.printer)
    }

    fn end(&mut self) -> Result<(), FileError> {
        let bytes = self.printer.finish("reservado");
        self.out.write_all(bytes).map_err(|source: io::Error| FileError::Io { line: self.line, source })?;
        self.line += 1;
        Ok(())
    }
}
