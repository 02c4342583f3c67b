//! Facturación: the bills that an entity may collect, 220 bytes a record.

use std::io::{self, BufRead, Write};

use super::codes::{FileModifier, Gln, Nit};
use super::collection::read_modifier;
use super::layouts::BILLING;
use super::order::{Order, Said};
use super::reference::Reference;
use super::scanner::{Found, Scanner};
use super::{LotHeader, Read, Totals};
use crate::domain::calendar::BusinessDate;
use crate::domain::money::Money;
use crate::files::fixed_width::{Fault, Fields, FileError, HourMinute, Layout, Printer};

/// Record 01: whose bills, and when the file was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingHeader {
    /// The company that bills.
    pub biller: Nit,
    /// A second company whose service is billed together, if any.
    pub additional_biller: Option<Nit>,
    /// The entity that made the file, three digits.
    pub entity_code: u16,
    /// When the file was made.
    pub file_date: BusinessDate,
    /// At what time.
    pub recorded_at: HourMinute,
    /// Which of the day's files this is.
    pub modifier: FileModifier,
}

/// Record 05: what service the lot's bills are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingLot {
    /// The service and the lot's number.
    pub lot: LotHeader,
    /// The service in words, at most 15 characters.
    pub description: String,
}

/// Record 06: one bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingRecord {
    /// What is to be paid.
    pub reference: Reference,
    /// A second reference, at most 30 characters; empty when there is none.
    pub secondary_reference: String,
    /// How many periods are billed, two digits.
    pub periods: u8,
    /// The billing cycle, at most three characters.
    pub cycle: String,
    /// What the principal service costs.
    pub amount: Money,
    /// The additional service, if any.
    pub additional_service: Option<Gln>,
    /// What the additional service costs.
    pub additional_amount: Money,
    /// When it has to be paid.
    pub due_on: BusinessDate,
    /// The receiving entity, eight digits.
    pub receiving_entity: u32,
    /// The customer's bank account; empty when there is none.
    pub customer_account: String,
    /// Its kind, two digits.
    pub customer_account_type: u8,
    /// The customer's identification; empty when it is not told.
    pub customer_id: String,
    /// The customer's name, at most 22 characters.
    pub customer_name: String,
    /// The entity that made the record, three digits.
    pub entity_code: u16,
}

/// What a billing file is made of, in the order in which it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingItem {
    /// 01.
    Header(BillingHeader),
    /// 05.
    Lot(BillingLot),
    /// 06.
    Bill(Box<BillingRecord>),
    /// 08, with the lot's totals as counted.
    LotEnd(Totals),
    /// 09, with the file's totals as counted. Nothing may be kept before this came.
    End(Totals),
}

/// Reads a billing file; see the module's notice on errors at the end.
pub struct BillingReader<R> {
    scanner: Scanner<R>,
    over: bool,
}

impl<R: BufRead> BillingReader<R> {
    /// Reads from here.
    pub fn new(reader: R) -> Self {
        Self { scanner: Scanner::new(reader, &BILLING), over: false }
    }

    /// The bytes of the record that was read last.
    #[must_use]
    pub fn last_record(&self) -> &[u8] {
        &self.scanner.bytes
    }

    fn step(&mut self) -> Result<Option<Read<BillingItem>>, FileError> {
        let Some(Found { line, layout, mut warnings }) = self.scanner.next()? else { return Ok(None) };
        let order = &mut self.scanner.order;
        let mut fields = Fields::open(layout, line, &self.scanner.bytes)?;
        let item = match layout.code {
            "01" => {
                let header = read_header(layout, line, &mut fields)?;
                order.header();
                BillingItem::Header(header)
            }
            "05" => {
                let lot = read_lot(layout, line, &mut fields)?;
                let number = lot.lot.lot_number;
                if order.open_lot(number) {
                    let note = "an earlier lot has the same number";
                    warnings.push(layout.warning(line, "numero_lote", format!("{number:04}"), note));
                }
                BillingItem::Lot(lot)
            }
            "06" => {
                let record = read_bill(layout, line, &mut fields)?;
                order.add(line, amounts(&record))?;
                BillingItem::Bill(Box::new(record))
            }
            "08" => {
                let names = ["total_registros_lote", "valor_principal_lote", "valor_adicional_lote"];
                let said = read_totals(&mut fields, names)?;
                let lot_number = fields.number("numero_lote")?;
                fields.blank("reservado")?;
                warnings.extend(order.close_lot(line, lot_number, said)?);
                BillingItem::LotEnd(order.lot)
            }
            _ => {
                let names = ["total_registros_detalle", "valor_principal_archivo", "valor_adicional_archivo"];
                let said = read_totals(&mut fields, names)?;
                fields.blank("reservado")?;
                order.close_file(line, said)?;
                BillingItem::End(order.file)
            }
        };
        Ok(Some(Read { line, item, warnings }))
    }
}

impl<R: BufRead> Iterator for BillingReader<R> {
    type Item = Result<Read<BillingItem>, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step().transpose();
        self.over = !matches!(step, Some(Ok(_)));
        step
    }
}

const fn amounts(record: &BillingRecord) -> [(&'static str, Money); 2] {
    [("valor_servicio_principal", record.amount), ("valor_servicio_adicional", record.additional_amount)]
}

fn read_nit(layout: &'static Layout, line: u64, name: &'static str, number: u64) -> Result<Nit, Fault> {
    Nit::from_number(number).map_err(|e| layout.fault(line, name, format!("{number:010}"), e.to_string()))
}

fn read_header(layout: &'static Layout, line: u64, fields: &mut Fields<'_>) -> Result<BillingHeader, Fault> {
    let (main, other) = ("nit_facturadora_principal", "nit_facturadora_adicional");
    let biller = read_nit(layout, line, main, fields.number(main)?)?;
    let additional_biller = match fields.number(other)? {
        0 => None,
        number => Some(read_nit(layout, line, other, number)?),
    };
    let entity_code = fields.number("codigo_entidad_originadora")?;
    let file_date = fields.date("fecha_archivo")?;
    let recorded_at = fields.time("hora_grabacion")?;
    let modifier = read_modifier(layout, line, fields)?;
    fields.blank("reservado")?;
    Ok(BillingHeader { biller, additional_biller, entity_code, file_date, recorded_at, modifier })
}

fn read_gln(layout: &'static Layout, line: u64, name: &'static str, number: u64) -> Result<Gln, Fault> {
    Gln::from_number(number).map_err(|e| layout.fault(line, name, format!("{number:013}"), e.to_string()))
}

fn read_lot(layout: &'static Layout, line: u64, fields: &mut Fields<'_>) -> Result<BillingLot, Fault> {
    let name = "codigo_servicio_facturado";
    let service_code = read_gln(layout, line, name, fields.number(name)?)?;
    let lot_number = fields.number("numero_lote")?;
    let description = fields.text("descripcion_servicio")?;
    fields.blank("reservado")?;
    Ok(BillingLot { lot: LotHeader { service_code, lot_number }, description })
}

fn read_bill(layout: &'static Layout, line: u64, fields: &mut Fields<'_>) -> Result<BillingRecord, Fault> {
    let digits = fields.digits("referencia_principal")?;
    let reference = digits.parse().map_err(|_| layout.fault(line, "referencia_principal", digits, "48 digits"))?;
    let secondary_reference = fields.text("referencia_secundaria")?;
    let periods = fields.number("periodos_facturados")?;
    let cycle = fields.text("ciclo")?;
    let amount = fields.amount("valor_servicio_principal")?;
    let name = "codigo_servicio_adicional";
    let additional_service = match fields.number(name)? {
        0 => None,
        number => Some(read_gln(layout, line, name, number)?),
    };
    let additional_amount = fields.amount("valor_servicio_adicional")?;
    let due_on = fields.date("fecha_vencimiento")?;
    let receiving_entity = fields.number("identificacion_efr")?;
    let customer_account = fields.text("cuenta_cliente_receptor")?;
    let customer_account_type = fields.number("tipo_cuenta_cliente")?;
    let customer_id = fields.text("identificacion_cliente")?;
    let customer_name = fields.text("nombre_cliente")?;
    let entity_code = fields.number("codigo_entidad_originadora")?;
    fields.blank("reservado")?;
    Ok(BillingRecord {
        reference,
        secondary_reference,
        periods,
        cycle,
        amount,
        additional_service,
        additional_amount,
        due_on,
        receiving_entity,
        customer_account,
        customer_account_type,
        customer_id,
        customer_name,
        entity_code,
    })
}

fn read_totals(fields: &mut Fields<'_>, names: [&'static str; 3]) -> Result<Said, Fault> {
    let [count, total, additional] = names;
    Ok(Said { count: fields.number(count)?, total: fields.amount(total)?, additional: fields.amount(additional)? })
}

/// Writes a billing file as its bills come; counts, sums and order are its own business.
pub struct BillingWriter<W> {
    out: W,
    printer: Printer,
    order: Order,
    line: u64,
}

impl<W: Write> BillingWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// A field that does not fit, or a stream that fails.
    pub fn start(out: W, header: &BillingHeader) -> Result<Self, FileError> {
        let printer = Printer::new(BILLING.header, 1);
        let mut writer = Self { out, printer, order: Order::new(&BILLING), line: 0 };
        let p = writer.begin("01", BILLING.header)?;
        p.number("nit_facturadora_principal", header.biller.number())?;
        p.number("nit_facturadora_adicional", header.additional_biller.map_or(0, Nit::number))?;
        p.number("codigo_entidad_originadora", header.entity_code)?;
        p.date("fecha_archivo", header.file_date)?;
        p.time("hora_grabacion", header.recorded_at)?;
        p.text("modificador_archivo", &header.modifier.to_string())?;
        writer.end()?;
        writer.order.header();
        Ok(writer)
    }

    /// Opens a lot.
    ///
    /// # Errors
    /// An open lot, a field that does not fit, or a stream that fails.
    pub fn start_lot(&mut self, lot: &BillingLot) -> Result<(), FileError> {
        let p = self.begin("05", BILLING.lot_header)?;
        p.number("codigo_servicio_facturado", lot.lot.service_code.number())?;
        p.number("numero_lote", lot.lot.lot_number)?;
        p.text("descripcion_servicio", &lot.description)?;
        if self.order.open_lot(lot.lot.lot_number) {
            let allowed = "a number that no other lot of the file has";
            return Err(BILLING
                .lot_header
                .fault(self.line + 1, "numero_lote", lot.lot.lot_number.to_string(), allowed)
                .into());
        }
        self.end()
    }

    /// Writes one bill.
    ///
    /// # Errors
    /// No open lot, a field that does not fit, or a stream that fails.
    pub fn bill(&mut self, record: &BillingRecord) -> Result<(), FileError> {
        let p = self.begin("06", BILLING.detail)?;
        p.digits("referencia_principal", record.reference.as_str())?;
        p.text("referencia_secundaria", &record.secondary_reference)?;
        p.number("periodos_facturados", record.periods)?;
        p.text("ciclo", &record.cycle)?;
        p.amount("valor_servicio_principal", record.amount)?;
        p.number("codigo_servicio_adicional", record.additional_service.map_or(0, Gln::number))?;
        p.amount("valor_servicio_adicional", record.additional_amount)?;
        p.date("fecha_vencimiento", record.due_on)?;
        p.number("identificacion_efr", record.receiving_entity)?;
        p.text("cuenta_cliente_receptor", &record.customer_account)?;
        p.number("tipo_cuenta_cliente", record.customer_account_type)?;
        p.text("identificacion_cliente", &record.customer_id)?;
        p.text("nombre_cliente", &record.customer_name)?;
        p.number("codigo_entidad_originadora", record.entity_code)?;
        self.order.add(self.line + 1, amounts(record))?;
        self.end()
    }

    /// Closes the lot and returns its totals.
    ///
    /// # Errors
    /// No open lot, or a stream that fails.
    pub fn end_lot(&mut self) -> Result<Totals, FileError> {
        let (lot, lot_number) = (self.order.lot, self.order.lot_number);
        let p = self.begin("08", BILLING.lot_trailer)?;
        p.number("total_registros_lote", lot.count)?;
        p.amount("valor_principal_lote", lot.total)?;
        p.amount("valor_adicional_lote", lot.additional)?;
        p.number("numero_lote", lot_number)?;
        self.end()?;
        let said = Said { count: lot.count, total: lot.total, additional: lot.additional };
        self.order.close_lot(self.line, lot_number, said)?;
        Ok(lot)
    }

    /// Closes the file, flushes it, and returns the stream and the totals.
    ///
    /// # Errors
    /// An open lot, no lot at all, or a stream that fails.
    pub fn finish(mut self) -> Result<(W, Totals), FileError> {
        let file = self.order.file;
        let p = self.begin("09", BILLING.trailer)?;
        p.number("total_registros_detalle", file.count)?;
        p.amount("valor_principal_archivo", file.total)?;
        p.amount("valor_adicional_archivo", file.additional)?;
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
