//! The two files byte by byte: the only place that knows where a field stands.
//!
//! A test compares these tables with the published layout under `tests/data/`.

use super::scanner::Form;
use crate::files::fixed_width::Kind::{Amount, Blank, Date, Numeric, Text, Time};
use crate::files::fixed_width::{Layout, column};

/// Opens the file.
pub(super) static COLLECTION_HEADER: Layout = Layout {
    code: "01",
    length: 162,
    meaningful: 55,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("nit_empresa_facturadora", 3, 10, Numeric),
        column("fecha_recaudo", 13, 8, Date),
        column("codigo_entidad_recaudadora", 21, 3, Numeric),
        column("numero_cuenta", 24, 17, Text),
        column("fecha_archivo", 41, 8, Date),
        column("hora_grabacion", 49, 4, Time),
        column("modificador_archivo", 53, 1, Text),
        column("tipo_cuenta", 54, 2, Numeric),
        column("reservado", 56, 107, Blank),
    ],
};

/// Opens a lot.
pub(super) static COLLECTION_LOT_HEADER: Layout = Layout {
    code: "05",
    length: 162,
    meaningful: 19,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("codigo_servicio_recaudado", 3, 13, Numeric),
        column("numero_lote", 16, 4, Numeric),
        column("reservado", 20, 143, Blank),
    ],
};

/// One payment.
pub(super) static COLLECTION_DETAIL: Layout = Layout {
    code: "06",
    length: 162,
    meaningful: 94,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("referencia_principal", 3, 48, Numeric),
        column("valor_recaudado", 51, 14, Amount),
        column("procedencia_pago", 65, 2, Numeric),
        column("medio_pago", 67, 2, Numeric),
        column("numero_operacion", 69, 6, Numeric),
        column("numero_autorizacion", 75, 6, Numeric),
        column("codigo_entidad_debitada", 81, 3, Numeric),
        column("codigo_sucursal", 84, 4, Numeric),
        column("secuencia", 88, 7, Numeric),
        column("causal_devolucion", 95, 3, Text),
        column("reservado", 98, 65, Blank),
    ],
};

/// Closes a lot.
pub(super) static COLLECTION_LOT_TRAILER: Layout = Layout {
    code: "08",
    length: 162,
    meaningful: 33,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("total_registros_lote", 3, 9, Numeric),
        column("valor_total_lote", 12, 18, Amount),
        column("numero_lote", 30, 4, Numeric),
        column("reservado", 34, 129, Blank),
    ],
};

/// Closes the file.
pub(super) static COLLECTION_TRAILER: Layout = Layout {
    code: "09",
    length: 162,
    meaningful: 29,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("total_registros_archivo", 3, 9, Numeric),
        column("valor_total_archivo", 12, 18, Amount),
        column("reservado", 30, 133, Blank),
    ],
};

/// The recaudo file.
pub(super) static COLLECTION: Form = Form {
    length: 162,
    header: &COLLECTION_HEADER,
    lot_header: &COLLECTION_LOT_HEADER,
    detail: &COLLECTION_DETAIL,
    lot_trailer: &COLLECTION_LOT_TRAILER,
    trailer: &COLLECTION_TRAILER,
};

/// Opens the file.
pub(super) static BILLING_HEADER: Layout = Layout {
    code: "01",
    length: 220,
    meaningful: 38,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("nit_facturadora_principal", 3, 10, Numeric),
        column("nit_facturadora_adicional", 13, 10, Numeric),
        column("codigo_entidad_originadora", 23, 3, Numeric),
        column("fecha_archivo", 26, 8, Date),
        column("hora_grabacion", 34, 4, Time),
        column("modificador_archivo", 38, 1, Text),
        column("reservado", 39, 182, Blank),
    ],
};

/// Opens a lot.
pub(super) static BILLING_LOT_HEADER: Layout = Layout {
    code: "05",
    length: 220,
    meaningful: 34,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("codigo_servicio_facturado", 3, 13, Numeric),
        column("numero_lote", 16, 4, Numeric),
        column("descripcion_servicio", 20, 15, Text),
        column("reservado", 35, 186, Blank),
    ],
};

/// One bill.
pub(super) static BILLING_DETAIL: Layout = Layout {
    code: "06",
    length: 220,
    meaningful: 196,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("referencia_principal", 3, 48, Numeric),
        column("referencia_secundaria", 51, 30, Text),
        column("periodos_facturados", 81, 2, Numeric),
        column("ciclo", 83, 3, Text),
        column("valor_servicio_principal", 86, 14, Amount),
        column("codigo_servicio_adicional", 100, 13, Numeric),
        column("valor_servicio_adicional", 113, 14, Amount),
        column("fecha_vencimiento", 127, 8, Date),
        column("identificacion_efr", 135, 8, Numeric),
        column("cuenta_cliente_receptor", 143, 17, Text),
        column("tipo_cuenta_cliente", 160, 2, Numeric),
        column("identificacion_cliente", 162, 10, Text),
        column("nombre_cliente", 172, 22, Text),
        column("codigo_entidad_originadora", 194, 3, Numeric),
        column("reservado", 197, 24, Blank),
    ],
};

/// Closes a lot.
pub(super) static BILLING_LOT_TRAILER: Layout = Layout {
    code: "08",
    length: 220,
    meaningful: 51,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("total_registros_lote", 3, 9, Numeric),
        column("valor_principal_lote", 12, 18, Amount),
        column("valor_adicional_lote", 30, 18, Amount),
        column("numero_lote", 48, 4, Numeric),
        column("reservado", 52, 169, Blank),
    ],
};

/// Closes the file.
pub(super) static BILLING_TRAILER: Layout = Layout {
    code: "09",
    length: 220,
    meaningful: 47,
    columns: &[
        column("tipo_registro", 1, 2, Numeric),
        column("total_registros_detalle", 3, 9, Numeric),
        column("valor_principal_archivo", 12, 18, Amount),
        column("valor_adicional_archivo", 30, 18, Amount),
        column("reservado", 48, 173, Blank),
    ],
};

/// The facturación file.
pub(super) static BILLING: Form = Form {
    length: 220,
    header: &BILLING_HEADER,
    lot_header: &BILLING_LOT_HEADER,
    detail: &BILLING_DETAIL,
    lot_trailer: &BILLING_LOT_TRAILER,
    trailer: &BILLING_TRAILER,
};
