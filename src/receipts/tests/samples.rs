//! Payments to render, and keys that are the same in every run.

use base64::Engine as _;

use crate::auth::keys::SigningKeys;
use crate::config::Utility;
use crate::domain::calendar::Timestamp;
use crate::domain::fact::{
    Allocation, AllocationRule, Body, ExposureStamp, Fact, Payment, PaymentKind, Place, ReconnectionStamp, Reversal,
    ReversalReason, Tender,
};
use crate::domain::ids::{Id, Till};
use crate::domain::money::Money;
use crate::domain::policy::{PointSettings, Policy};
use crate::domain::position::Figures;
use crate::domain::receipt_number::receipt_number;
use crate::domain::session::SessionStamp;
use crate::receipts::Source;

/// A fact with all that is printed around it.
#[derive(Debug)]
pub struct Sample {
    pub fact: Fact,
    pub reversal: Option<Fact>,
    pub utility: Utility,
    pub point: PointSettings,
    pub policy: Policy,
    pub copy: u32,
}

impl Sample {
    pub fn source(&self) -> Source<'_> {
        Source {
            fact: &self.fact,
            reversal: self.reversal.as_ref(),
            utility: &self.utility,
            point: &self.point,
            policy: &self.policy,
            copy: self.copy,
        }
    }

    pub fn payment(&mut self) -> &mut Payment {
        match &mut self.fact.body {
            Body::Payment(payment) => payment,
            _ => panic!("a sample is a payment"),
        }
    }
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Keys made from a byte each; the second signs from July 2026 on.
pub fn keys(seeds: &[(u8, &str)]) -> SigningKeys {
    let folder = tempfile::tempdir().unwrap();
    for (seed, from) in seeds {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[*seed; 32]).unwrap();
        let der = base64::engine::general_purpose::STANDARD.encode(pair.to_pkcs8v1().unwrap());
        let label = "PRIVATE KEY";
        let pem = format!("-----BEGIN {label}-----\n{der}\n-----END {label}-----\n");
        std::fs::write(folder.path().join(format!("{from}.pem")), pem).unwrap();
    }
    SigningKeys::load(folder.path()).unwrap()
}

pub fn key() -> SigningKeys {
    keys(&[(7, "20260101T000000Z")])
}

pub fn bill(number: &str, pesos: i64) -> Allocation {
    Allocation {
        bill_number: Some(number.to_owned()),
        agreement_id: None,
        installment: None,
        amount: Money::from_pesos(pesos),
        rule: AllocationRule::OldestDueFirst,
    }
}

fn installment(agreement: &str, number: u32, pesos: i64) -> Allocation {
    Allocation {
        bill_number: None,
        agreement_id: Some(agreement.to_owned()),
        installment: Some(number),
        amount: Money::from_pesos(pesos),
        rule: AllocationRule::InstallmentInOrder,
    }
}

fn session(date: &str, amount: Money) -> SessionStamp {
    SessionStamp {
        id: Id::from_bits(9),
        business_date: crate::domain::calendar::BusinessDate::parse(date).unwrap(),
        cashier: "Ana Ñáñez".to_owned(),
        base: Money::ZERO,
        count: 1,
        total: amount,
        cash: amount,
        chain: String::new(),
    }
}

/// Everything is paid, the supply was cut, and comes back.
pub fn full() -> Sample {
    let till = Till { party: "coompecens".into(), collection_point: "coompecens-01".into(), till: "C1".to_owned() };
    let amount = Money::from_pesos(185_400);
    let recorded_at = at("2026-11-24T14:30:05.123456Z");
    let payment = Payment {
        kind: PaymentKind::Full,
        agreement_id: None,
        tender: Tender::Cash,
        till: "C1".to_owned(),
        cashier: "Ana Ñáñez".to_owned(),
        collected_at: None,
        partner_reference: None,
        offline: false,
        distinct_from: None,
        receipt_number: receipt_number(&till, 123),
        holder: "MAR*** GOM***".to_owned(),
        municipality_code: "54001".to_owned(),
        allocations: vec![bill("20260901887", 92_150), bill("20261001887", 93_250)],
        position_after: Figures::default(),
        session: session("2026-11-24", amount),
        exposure: ExposureStamp { used: amount, limit: None, warning: None },
        reconnection: Some(ReconnectionStamp {
            id: Id::from_bits(0x0193_5f00_0000_7000_8000_0000_0000_0001),
            due_by: recorded_at.plus_minutes(24 * 60),
        }),
        cancels_suspension: false,
    };
    let fact = Fact {
        id: Id::from_bits(0x0193_5f00_0000_7000_8000_0000_0000_0005),
        recorded_at,
        business_date: payment.session.business_date,
        party: till.party.clone(),
        collection_point: Some(till.collection_point.clone()),
        account: Some(Place { of: "000123456".into(), seq: 7 }),
        series: Some(Place { of: till.series(), seq: 123 }),
        request: None,
        ends: None,
        amount,
        body: Body::Payment(Box::new(payment)),
    };
    Sample {
        fact,
        reversal: None,
        utility: Utility {
            name: "CENS S.A. E.S.P.".to_owned(),
            tax_id: "890500514".to_owned(),
            contact: "Línea 115".to_owned(),
        },
        point: PointSettings {
            name: Some("Coompecens Centro".to_owned()),
            municipality: Some("Cúcuta".to_owned()),
            ..PointSettings::default()
        },
        policy: Policy::default(),
        copy: 0,
    }
}

/// Into an agreement, taken off line, with centavos and a part in dispute; a cut is called off.
pub fn installments() -> Sample {
    let mut sample = full();
    sample.fact.amount = Money::from_centavos(4_500_050);
    sample.point.name = None;
    let payment = sample.payment();
    payment.kind = PaymentKind::Installment;
    payment.agreement_id = Some("CONV-2026-0044812".to_owned());
    payment.offline = true;
    payment.collected_at = Some(at("2026-11-23T21:12:40Z"));
    payment.partner_reference = Some("offline-7781".to_owned());
    payment.tender = Tender::DebitCard;
    payment.municipality_code = "54498".to_owned();
    payment.allocations = vec![
        installment("CONV-2026-0044812", 3, 30_000),
        Allocation { amount: Money::from_centavos(1_500_050), ..installment("CONV-2026-0044812", 4, 0) },
    ];
    payment.position_after = Figures {
        total_due: Money::from_pesos(1_204_300),
        disputed: Money::from_pesos(80_000),
        payable_now: Money::from_pesos(1_124_300),
        credit: Money::from_pesos(1_500),
        ..Figures::default()
    };
    payment.reconnection = None;
    payment.cancels_suspension = true;
    sample
}

/// A payment that was taken back; the second copy.
pub fn reversed() -> Sample {
    let mut sample = full();
    let payment = sample.payment().clone();
    let reversal = Reversal {
        payment_id: sample.fact.id,
        receipt_number: payment.receipt_number.clone(),
        reason: ReversalReason::WrongAccount,
        supervisor: "Luis Peña".to_owned(),
        note: None,
        till: payment.till.clone(),
        tender: payment.tender,
        allocations: payment.allocations.clone(),
        position_after: Figures { total_due: Money::from_pesos(185_400), ..Figures::default() },
        session: payment.session.clone(),
        exposure: payment.exposure,
        payment_business_date: sample.fact.business_date,
        offline: false,
    };
    sample.reversal = Some(Fact {
        id: Id::from_bits(0x0193_5f00_0000_7000_8000_0000_0000_0009),
        recorded_at: at("2026-11-24T14:55:00Z"),
        ends: Some(sample.fact.id),
        amount: -sample.fact.amount,
        body: Body::Reversal(reversal),
        ..sample.fact.clone()
    });
    sample.copy = 2;
    sample
}

/// Everything that comes from outside says something nasty.
pub fn hostile() -> Sample {
    let mut sample = full();
    let nasty = "<script>alert('x')</script>&\"\u{1b}p0\u{202e}000.1 $\r\n(\\) \u{2066}電力";
    sample.utility.name = nasty.to_owned();
    sample.utility.tax_id = nasty.to_owned();
    sample.utility.contact = nasty.repeat(40);
    sample.point.name = Some(nasty.to_owned());
    sample.point.municipality = Some("W".repeat(300));
    let payment = sample.payment();
    for field in [&mut payment.cashier, &mut payment.till, &mut payment.holder, &mut payment.municipality_code] {
        *field = nasty.to_owned();
    }
    payment.partner_reference = Some(nasty.repeat(9));
    payment.allocations = vec![bill(nasty, 1); 200];
    sample
}
