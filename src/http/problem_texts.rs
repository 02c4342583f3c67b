//! What a problem code means, in both languages, and its status: the catalogue behind `/problems/{code}`.
//!
//! A code is for ever; texts may be bettered. What the rules refuse brings its own words for the counter
//! (`domain/rejection.rs`); what the edge refuses has them here.

use crate::domain::rejection::{CashierAction, Retry};

/// One problem code.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code, the last part of the problem's `type`.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Title and detail in Spanish (es-CO).
    pub es: (&'static str, &'static str),
    /// Title and detail in English.
    pub en: (&'static str, &'static str),
    /// What the edge says of it when no rule does.
    pub words: Words,
}

/// What a program and the two people at the counter do about a problem that the edge found.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The program.
    pub retry: Retry,
    /// The cashier.
    pub action: CashierAction,
    /// To the cashier, at most two lines of 40 characters.
    pub cashier: &'static str,
    /// To the customer, likewise.
    pub customer: &'static str,
}

const WAIT: &str = "Espere un momento, por favor.";

const fn words(retry: Retry, action: CashierAction, cashier: &'static str) -> Words {
    Words { retry, action, cashier, customer: WAIT }
}

/// The data or the program is wrong: correct it.
const CORRECT: Words = words(Retry::Never, CashierAction::NoRecibirDinero, "Dato no válido. Corrija y repita.");
/// The program is wrong: the desk has to know.
const PROGRAM: Words =
    words(Retry::Never, CashierAction::LlamarMesa, "Error del programa de caja.\nLlame a la mesa de ayuda.");
/// The caller is not let in.
const ACCESS: Words = words(Retry::Never, CashierAction::LlamarMesa, "Acceso no válido.\nLlame a la mesa de ayuda.");
/// Nothing was executed; the same call may be made again.
const AGAIN: Words =
    words(Retry::SameKey, CashierAction::RepetirMismaLlave, "Sistema ocupado.\nRepita con la misma llave.");

const fn entry(
    code: &'static str,
    status: u16,
    words: Words,
    es: (&'static str, &'static str),
    en: (&'static str, &'static str),
) -> Entry {
    Entry { code, status, es, en, words }
}

/// The entry of a code; an unknown code is our own fault and has the one of `internal`.
#[must_use]
pub fn entry_of(code: &str) -> &'static Entry {
    find(code).unwrap_or(&CATALOGUE[0])
}

/// The entry of a code, if there is one.
#[must_use]
pub fn find(code: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.code == code)
}

/// Every code there is.
#[rustfmt::skip]
pub const CATALOGUE: &[Entry] = &[
    entry("internal", 500, words(Retry::SameKey, CashierAction::LlamarMesa, "Error del sistema.\nLlame a la mesa de ayuda."),
        ("Error interno", "El sistema falló y el hecho quedó registrado con este Request-Id. Repita con la misma llave o llame a la mesa de ayuda."),
        ("Internal error", "The gateway failed and logged it under this Request-Id. Repeat with the same key or call the help desk.")),
    entry("validation-failed", 400, CORRECT,
        ("La petición no es válida", "Los datos que no sirven están en errors, todos a la vez."),
        ("The request is not valid", "What is wrong is listed in errors, all of it at once.")),
    entry("idempotency-key-missing", 400, PROGRAM,
        ("Falta la llave de idempotencia", "Toda orden lleva Idempotency-Key: de 1 a 255 caracteres ASCII visibles."),
        ("The idempotency key is missing", "Every order carries an Idempotency-Key of 1 to 255 visible ASCII characters.")),
    entry("account-number-invalid", 400, CORRECT,
        ("Número de cuenta no válido", "El número de cuenta no tiene la forma de la empresa."),
        ("Account number not valid", "The account number does not look like one of this utility.")),
    entry("token-request-invalid", 400, PROGRAM,
        ("Solicitud de token no válida", "La solicitud no cumple RFC 6749; error dice en qué."),
        ("Token request not valid", "The request does not follow RFC 6749; error says how.")),
    entry("token-invalid", 401, words(Retry::After, CashierAction::RepetirMismaLlave, "Acceso vencido.\nRepita con la misma llave."),
        ("Token no válido", "Falta el token, venció, o no es de este sistema. Pida otro en /oauth2/token y repita con la misma llave."),
        ("Token not valid", "The token is missing, expired or not ours. Get another at /oauth2/token and repeat with the same key.")),
    entry("certificate-not-registered", 401, ACCESS,
        ("Certificado no registrado", "El certificado no está registrado, venció o fue revocado."),
        ("Certificate not registered", "The certificate is not registered, has expired or was revoked.")),
    entry("certificate-mismatch", 401, ACCESS,
        ("El certificado no corresponde", "El token o el client_id pertenece a otro certificado o a otro aliado."),
        ("Certificate mismatch", "The token or the client_id belongs to another certificate or party.")),
    entry("party-suspended", 403, ACCESS,
        ("Acceso suspendido", "El acceso de esta entidad está suspendido."),
        ("Access suspended", "The access of this party is suspended.")),
    entry("scope-missing", 403, ACCESS,
        ("Permiso insuficiente", "El token no tiene el permiso, o el punto de pago, que esta operación exige."),
        ("Scope missing", "The token lacks the scope, or the collection point, that this call needs.")),
    entry("collection-point-suspended", 403, ACCESS,
        ("Punto de pago suspendido", "El aliado o el punto de pago no recibe dinero ahora, o el punto no es suyo."),
        ("Collection point suspended", "The partner or the collection point takes no money now, or the point is another's.")),
    entry("account-not-found", 404, CORRECT,
        ("La cuenta no existe", "Ninguna cuenta tiene este número."),
        ("Account not found", "No account has this number.")),
    entry("not-found", 404, CORRECT,
        ("No existe", "No existe, o no es suyo."),
        ("Not found", "There is no such thing, or it is not yours.")),
    entry("method-not-allowed", 405, PROGRAM,
        ("Método no permitido", "El recurso no admite este método; Allow dice cuáles."),
        ("Method not allowed", "The resource does not have this method; Allow says which.")),
    entry("not-acceptable", 406, PROGRAM,
        ("Formato no disponible", "Ninguno de los formatos que pide Accept está disponible."),
        ("Not acceptable", "None of the formats that Accept asks for is available.")),
    entry("request-timeout", 408, AGAIN,
        ("La petición tardó demasiado", "El cuerpo no llegó a tiempo y nada se ejecutó."),
        ("Request timed out", "The body did not arrive in time and nothing was executed.")),
    entry("request-in-progress", 409, words(Retry::SameKey, CashierAction::EsperarYConsultar, "En proceso. Espere y consulte."),
        ("Petición en curso", "Otra petición con la misma llave sigue en curso."),
        ("Request in progress", "Another request with the same key is still running.")),
    entry("amount-exceeds-due", 409, CORRECT,
        ("El valor supera lo adeudado", "El valor es mayor que lo que se puede recibir; maximum dice cuánto."),
        ("Amount exceeds what is due", "The amount is more than can be taken; maximum says how much.")),
    entry("amount-below-minimum", 409, CORRECT,
        ("Valor menor que el mínimo", "El valor es menor que el mínimo; minimum dice cuál."),
        ("Amount below the minimum", "The amount is under the minimum; minimum says which.")),
    entry("amount-mismatch", 409, CORRECT,
        ("El valor no coincide", "El valor no es exactamente el que corresponde; expected y current dicen los actuales."),
        ("Amount mismatch", "The amount is not exactly what it has to be; expected and current hold today's figures.")),
    entry("nothing-due", 409, CORRECT,
        ("No hay saldo por pagar", "La cuenta no debe nada."),
        ("Nothing is due", "The account owes nothing.")),
    entry("agreement-not-found", 409, CORRECT,
        ("El convenio no existe", "La cuenta no tiene ese convenio de pago."),
        ("Agreement not found", "The account has no such payment agreement.")),
    entry("agreement-not-in-force", 409, CORRECT,
        ("El convenio no está vigente", "El convenio de pago fue incumplido y su deuda volvió a las facturas."),
        ("Agreement not in force", "The payment agreement was broken and its debt is back on the bills.")),
    entry("installment-already-paid", 409, CORRECT,
        ("La cuota ya está pagada", "Al convenio no le quedan cuotas."),
        ("Installment already paid", "The agreement has no installment left.")),
    entry("possible-duplicate", 409, CORRECT,
        ("Posible pago repetido", "Hay un pago del mismo valor hace minutos (earlier). Si son dos, confirme con confirm_distinct_from."),
        ("Possible duplicate", "A payment of the same amount was taken minutes ago (earlier). If there are two, confirm with confirm_distinct_from.")),
    entry("payment-not-accepted", 409, CORRECT,
        ("La cuenta no recibe pagos", "La empresa cerró la cuenta."),
        ("Payment not accepted", "Billing closed the account.")),
    entry("exposure-limit-reached", 409, CORRECT,
        ("Cupo agotado", "El efectivo sin consignar llegaría más allá del cupo. Consigne para seguir."),
        ("Exposure limit reached", "Undeposited cash would pass the limit. Deposit to go on.")),
    entry("cash-limit-exceeded", 409, CORRECT,
        ("Tope de efectivo superado", "El efectivo supera el tope por operación o del mes; limit dice cuál."),
        ("Cash limit exceeded", "The cash is above the ceiling of one operation or of the month; limit says which.")),
    entry("offline-limit-reached", 409, CORRECT,
        ("Cupo sin línea agotado", "El lote supera lo que este punto puede recibir sin línea."),
        ("Offline limit reached", "The batch is above what this point may take without a line.")),
    entry("session-closed", 409, CORRECT,
        ("Turno de caja cerrado", "El turno de caja ya está cerrado."),
        ("Session closed", "The cash session is closed.")),
    entry("session-required", 409, CORRECT,
        ("Falta abrir la caja", "Este aliado abre la caja antes de recibir dinero."),
        ("Session required", "This partner opens a cash session before it takes money.")),
    entry("session-already-open", 409, CORRECT,
        ("La caja ya está abierta", "La caja tiene un turno abierto; session_id dice cuál."),
        ("Session already open", "The till has an open session; session_id says which.")),
    entry("reversal-window-closed", 409, CORRECT,
        ("Ya no se puede anular", "Pasó el plazo, el día, o es otro punto de pago."),
        ("Reversal window closed", "Too late, another day, or another collection point.")),
    entry("already-reversed", 409, CORRECT,
        ("El pago ya fue anulado", "Una anulación anterior ya devolvió este pago."),
        ("Already reversed", "An earlier reversal took this payment back.")),
    entry("deposit-already-declared", 409, CORRECT,
        ("La consignación ya fue declarada", "Este comprobante (número y fecha) ya se declaró; deposit_id dice cuál es."),
        ("Deposit already declared", "This slip (number and date) was declared before; deposit_id says which it is.")),
    entry("reconnection-in-the-way", 409, ACCESS,
        ("Hay una reconexión en curso", "El pago dio lugar a una orden de reconexión; solo la mesa de ayuda lo anula."),
        ("A reconnection is in the way", "The payment gave rise to a reconnection order; only the help desk reverses it.")),
    entry("reconnection-not-eligible", 409, CORRECT,
        ("La cuenta no cumple para reconexión", "Falta pagar amount_to_reconnect, o lo impide blocked_by."),
        ("Not eligible for reconnection", "amount_to_reconnect is still to be paid, or blocked_by is in the way.")),
    entry("reconnection-already-open", 409, CORRECT,
        ("Ya hay una orden de reconexión", "La cuenta tiene una orden abierta (open_order)."),
        ("Reconnection already open", "The account has an open order (open_order).")),
    entry("transition-not-allowed", 409, PROGRAM,
        ("Cambio de estado no permitido", "La orden no puede pasar de from a to."),
        ("Transition not allowed", "The order cannot go from where it stands (from) to there (to).")),
    entry("batch-not-sealable", 409, PROGRAM,
        ("La fecha no se puede cerrar", "La fecha no ha comenzado (sealable_through dice la última que se puede cerrar), o ya hay 36 lotes de hoy."),
        ("Batch not sealable", "The business date has not begun (sealable_through names the last that can be closed), or there are 36 batches of today.")),
    entry("file-not-valid", 400, PROGRAM,
        ("El archivo no es válido", "Nada del archivo se usó; lines dice cada línea y columna, y more cuántas faltan en la lista."),
        ("The file is not valid", "Nothing of the file was used; lines names each line and column, more counts those not listed.")),
    entry("file-settings-not-valid", 409, PROGRAM,
        ("El formato del archivo no está bien configurado", "El mapeo del archivo de este aliado no se puede usar; setting dice por qué. Llame a la mesa de ayuda."),
        ("The file settings are not valid", "The mapping of this partner's file cannot be used; setting says why. Call the help desk.")),
    entry("file-does-not-match", 409, CORRECT,
        ("El archivo no corresponde", "Hay más diferencias que limit: revise si es el archivo y la fecha correctos. Nada se guardó."),
        ("The file does not match", "There are more differences than limit: check that it is the right file of the right day. Nothing was kept.")),
    entry("too-many-rows", 409, CORRECT,
        ("Demasiados registros", "Hay más pagos que limit en el período. Pida un período más corto."),
        ("Too many rows", "The period holds more payments than limit. Ask for a shorter one.")),
    entry("resolution-not-allowed", 409, CORRECT,
        ("La diferencia no admite esa respuesta", "break_status dice en qué va la diferencia y reason por qué no se admite."),
        ("Resolution not allowed", "break_status says where the break stands and reason why this cannot be said now.")),
    entry("position-changed", 412, CORRECT,
        ("El estado de cuenta cambió", "El saldo ya no es el que se consultó; current trae el actual."),
        ("Position changed", "The position is not the one that was seen; current has today's.")),
    entry("body-too-large", 413, PROGRAM,
        ("Cuerpo demasiado grande", "El cuerpo supera el tamaño admitido."),
        ("Body too large", "The body is larger than is accepted.")),
    entry("unsupported-media-type", 415, PROGRAM,
        ("Tipo de contenido no admitido", "El cuerpo es application/json (application/x-www-form-urlencoded en /oauth2/token)."),
        ("Unsupported media type", "The body is application/json (application/x-www-form-urlencoded at /oauth2/token).")),
    entry("idempotency-key-reused", 422, PROGRAM,
        ("Llave de idempotencia ya usada", "La llave llegó antes con otra petición. Una llave nueva por cada pago."),
        ("Idempotency key reused", "The key came before with another request. Use a new key for each payment.")),
    entry("rate-limited", 429, words(Retry::After, CashierAction::EsperarYConsultar, "Demasiadas consultas. Espere."),
        ("Demasiadas peticiones", "Se pasó el límite; Retry-After dice cuándo seguir. Nada se ejecutó."),
        ("Rate limited", "The limit was passed; Retry-After says when to go on. Nothing was executed.")),
    entry("queue-full", 503, AGAIN,
        ("Sistema ocupado", "La cola está llena y nada se ejecutó. Repita con la misma llave."),
        ("Queue full", "The queue is full and nothing was executed. Repeat with the same key.")),
    entry("unavailable", 503, AGAIN,
        ("Servicio no disponible", "El servicio no está disponible ahora. Repita con la misma llave."),
        ("Unavailable", "The service is not available now. Repeat with the same key.")),
    entry("webhook-endpoint-exists", 409, PROGRAM,
        ("La dirección ya está registrada", "Este aliado ya tiene un destino de avisos con esta dirección; id dice cuál."),
        ("The address is registered already", "This party has an endpoint with this address already; id says which.")),
    entry("webhook-endpoints-full", 409, PROGRAM,
        ("No caben más destinos de avisos", "Retire uno antes de registrar otro."),
        ("No room for another endpoint", "Remove one before you register another.")),
    entry("webhook-not-proved", 409, PROGRAM,
        ("El destino no probó ser suyo", "Respondió otra cosa que el reto firmado, o nada; reason dice qué."),
        ("The endpoint did not prove itself", "It answered something else than the signed challenge, or nothing; reason says what.")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_words_fit_the_display() {
        let mut codes: Vec<_> = CATALOGUE.iter().map(|entry| entry.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CATALOGUE.len());
        for entry in CATALOGUE {
            for text in [entry.words.cashier, entry.words.customer] {
                let lines: Vec<&str> = text.lines().collect();
                assert!((1..=2).contains(&lines.len()), "{}: {text}", entry.code);
                assert!(lines.iter().all(|line| line.chars().count() <= 40), "{}: {text}", entry.code);
            }
        }
    }
}
