//! What to do about a break: who acts, whether money moves, who has to agree, and the sentence that says so.

use super::amounts::pesos;
use super::breaks::{Cause, Evidence, Owner, Side};

/// Who acts first, whether the cure changes what somebody owes, and who has to agree.
pub(super) const fn policy(cause: Cause) -> (Owner, bool, Option<Owner>) {
    match cause {
        Cause::OnlyHere | Cause::ReversedHere => (Owner::Partner, true, Some(Owner::Gateway)),
        Cause::OnlyThere | Cause::DuplicateHere | Cause::ReversedThere => (Owner::Gateway, true, Some(Owner::Partner)),
        Cause::AmountDiffers | Cause::WrongAccount => (Owner::Partner, true, Some(Owner::Utility)),
        Cause::DuplicateThere => (Owner::Partner, false, None),
        Cause::WrongBusinessDate | Cause::DepositLate => (Owner::Partner, false, None),
        Cause::DepositShort | Cause::DepositMissing => (Owner::Partner, true, Some(Owner::Utility)),
        Cause::DepositOver => (Owner::Utility, true, Some(Owner::Partner)),
        Cause::DepositSplit => (Owner::Bank, false, None),
        Cause::DepositUnknown => (Owner::Utility, true, Some(Owner::Bank)),
    }
}

/// The sentence (es-CO) that says what to do.
pub(super) fn cure(cause: Cause, evidence: &[Evidence]) -> String {
    let here = evidence.iter().find(|one| one.side == Side::Gateway);
    let there = evidence.iter().find(|one| one.side == Side::Partner);
    let bank = evidence.iter().find(|one| one.side == Side::Bank);
    match cause {
        Cause::OnlyHere | Cause::OnlyThere | Cause::DuplicateHere | Cause::DuplicateThere => alone(cause, here, there),
        Cause::DepositShort | Cause::DepositOver | Cause::DepositLate | Cause::DepositSplit => {
            deposit(cause, evidence, here, bank)
        }
        Cause::DepositUnknown => format!(
            "Preguntar al banco quién consignó {} ({}) y asociarlo a una consignación declarada antes de liberar cupo.",
            amount(bank),
            row(bank)
        ),
        Cause::DepositMissing => format!(
            "Pedir al aliado el comprobante de la consignación {} por {}; si no la hizo, debe consignar hoy.",
            receipt(here),
            amount(here)
        ),
        _ => both(cause, here, there),
    }
}

fn alone(cause: Cause, here: Option<&Evidence>, there: Option<&Evidence>) -> String {
    match cause {
        Cause::OnlyHere => format!(
            "Buscar en {} el recibo {} por {}: si el dinero entró, el aliado lo agrega a su archivo y lo consigna; si no, \
             las dos partes autorizan la anulación.",
            place(here),
            receipt(here),
            amount(here)
        ),
        Cause::OnlyThere => format!(
            "Revisar el comprobante de {} por {} a la cuenta {}: si el cliente pagó, registrar el pago con la fecha del \
             recaudo; si no, el aliado lo retira de su archivo.",
            row(there),
            amount(there),
            account(there)
        ),
        Cause::DuplicateHere => format!(
            "Confirmar con {} si la cuenta {} pagó {} una o dos veces: si fue una, anular el recibo {} con autorización \
             del aliado; si fueron dos, el aliado agrega el que falta.",
            place(here),
            account(here),
            amount(here),
            receipt(here)
        ),
        _ => format!(
            "El aliado retira de su archivo {}, que repite un pago de {} a la cuenta {}; en la pasarela no cambia nada.",
            row(there),
            amount(there),
            account(there)
        ),
    }
}

fn both(cause: Cause, here: Option<&Evidence>, there: Option<&Evidence>) -> String {
    match cause {
        Cause::AmountDiffers => format!(
            "Comparar el recibo {} con la tirilla: la pasarela tiene {} y el aliado {}; corregir el lado equivocado con \
             autorización del otro.",
            receipt(here),
            amount(here),
            amount(there)
        ),
        Cause::WrongAccount => format!(
            "Comprobar en el recibo {} la cuenta del cliente: la pasarela abonó a {} y el aliado reporta {}; trasladar el \
             pago solo con autorización de las dos partes.",
            receipt(here),
            account(here),
            account(there)
        ),
        Cause::ReversedHere => format!(
            "El recibo {} por {} está anulado en la pasarela y activo en el aliado: si el dinero se devolvió, el aliado \
             lo marca anulado; si sigue en caja, registrar de nuevo el pago.",
            receipt(here),
            amount(here)
        ),
        Cause::ReversedThere => format!(
            "El aliado anuló {} por {} y la pasarela tiene activo el recibo {}: si el dinero se devolvió, anularlo aquí \
             con autorización; si no, el aliado lo reactiva.",
            row(there),
            amount(there),
            receipt(here)
        ),
        _ => format!(
            "Dejar el recibo {} en la fecha de recaudo {} de la pasarela; el aliado corrige su {}, sin mover dinero.",
            receipt(here),
            day(here),
            day(there)
        ),
    }
}

fn deposit(cause: Cause, evidence: &[Evidence], here: Option<&Evidence>, bank: Option<&Evidence>) -> String {
    let slip = receipt(here);
    match cause {
        Cause::DepositShort | Cause::DepositOver => {
            let sum = |side| evidence.iter().filter(|one| one.side == side).map(|one| one.amount).sum();
            let (declared, received): (crate::domain::money::Money, _) = (sum(Side::Gateway), sum(Side::Bank));
            let (word, gap) =
                if received < declared { ("faltan", declared - received) } else { ("sobran", received - declared) };
            let cure = if received < declared {
                "el aliado consigna el faltante o prueba que el banco se equivocó"
            } else {
                "la empresa y el aliado acuerdan si se abona a la próxima consignación o se devuelve"
            };
            format!(
                "Consignación {slip}: se declararon {} y llegaron {}, {word} {}; {cure}.",
                pesos(declared),
                pesos(received),
                pesos(gap)
            )
        }
        Cause::DepositLate => format!(
            "Consignación {slip} por {}: el banco la registró el {}, después del plazo; el aliado explica la demora y no \
             se mueve dinero.",
            amount(here),
            day(bank)
        ),
        _ => format!(
            "Aceptar como una sola la consignación {slip} por {}, que las partes registraron en varios movimientos; el \
             banco confirma que suman lo mismo.",
            amount(here)
        ),
    }
}

fn amount(one: Option<&Evidence>) -> String {
    one.map(|one| pesos(one.amount)).unwrap_or_default()
}

fn account(one: Option<&Evidence>) -> &str {
    one.and_then(|one| one.account_number.as_ref()).map_or("(sin cuenta)", |number| number.as_str())
}

fn receipt(one: Option<&Evidence>) -> &str {
    one.and_then(|one| one.receipt_number.as_deref().or(one.reference.as_deref())).unwrap_or("(sin número)")
}

fn day(one: Option<&Evidence>) -> String {
    one.and_then(|one| one.date).map_or_else(|| "fecha".to_owned(), |date| date.to_string())
}

fn row(one: Option<&Evidence>) -> String {
    one.and_then(|one| one.line).map_or_else(|| "su fila".to_owned(), |line| format!("la línea {line}"))
}

fn place(one: Option<&Evidence>) -> String {
    let Some((one, point)) = one.and_then(|one| one.collection_point.as_ref().map(|point| (one, point))) else {
        return "el punto de pago".to_owned();
    };
    match &one.till {
        Some(till) => format!("la caja {till} de {point}"),
        None => format!("el punto {point}"),
    }
}
