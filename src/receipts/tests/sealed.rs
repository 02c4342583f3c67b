//! The signed form: verified by a path of its own from the published keys, and by nobody once touched.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::samples::{self, Sample, at, full, hostile, installments, key, keys, reversed};
use super::{Form, rendered};
use crate::auth::keys::JwsError;
use crate::domain::ids::Id;
use crate::domain::money::Money;
use crate::domain::receipt_number::receipt_number;
use crate::receipts::{ReceiptClaims, VerifyError, html, qr, signed, ticket, verify, verify_text};

/// What RFC 7515 and 8037 say, written without a line of the gateway's own verifier.
fn independently(jws: &str, jwks: &str) -> Option<Value> {
    let set: Value = serde_json::from_str(jwks).ok()?;
    let keys: HashMap<&str, Vec<u8>> = set["keys"]
        .as_array()?
        .iter()
        .map(|key| Some((key["kid"].as_str()?, URL_SAFE_NO_PAD.decode(key["x"].as_str()?).ok()?)))
        .collect::<Option<_>>()?;
    let parts: Vec<&str> = jws.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return None };
    let decoded: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if decoded["alg"] != "EdDSA" || decoded["typ"] != "receipt+jws" {
        return None;
    }
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::ED25519,
        keys.get(decoded["kid"].as_str()?)?,
    );
    key.verify(format!("{header}.{claims}").as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

fn numbered(ordinal: u32) -> Sample {
    let mut sample = if ordinal.is_multiple_of(3) { reversed() } else { installments() };
    let till = sample.fact.till().unwrap();
    sample.fact.id = Id::from_bits(u128::from(ordinal) << 8);
    sample.fact.amount = Money::from_pesos(1000 + i64::from(ordinal));
    sample.fact.recorded_at = sample.fact.recorded_at.plus_minutes(i64::from(ordinal));
    sample.payment().receipt_number = receipt_number(&till, i64::from(ordinal));
    if let Some(reversal) = &mut sample.reversal {
        reversal.ends = Some(sample.fact.id);
    }
    sample
}

#[test]
fn two_hundred_receipts_hold_and_none_holds_with_one_byte_changed() {
    let keys = key();
    let jwks = keys.jwks().to_string();
    for ordinal in 1..=200 {
        let sample = numbered(ordinal);
        let jws = signed::sign(&sample.source(), &keys).unwrap();
        let claims = signed::claims(&sample.source()).unwrap();
        assert_eq!(verify(&jws, keys.public()), Ok(claims.clone()));
        let read = independently(&jws, &jwks).unwrap();
        assert_eq!(read["v"], claims.amount.to_string());
        assert_eq!(read["n"], claims.receipt_number);
        // Every place once over the two hundred, each with a letter that base64url knows and one it does not.
        for place in (0..jws.len()).filter(|place| place % 40 == ordinal as usize % 40) {
            for letter in [b'A', b'B', b'=', b'.'] {
                let mut touched = jws.clone().into_bytes();
                if touched[place] != letter {
                    touched[place] = letter;
                    let touched = String::from_utf8(touched).unwrap();
                    assert!(verify(&touched, keys.public()).is_err(), "{place}: {touched}");
                    assert!(independently(&touched, &jwks).is_none(), "{place}: {touched}");
                }
            }
        }
    }
}

/// What a library of others makes of it.
fn by_a_library(jws: &str, set: &jsonwebtoken::jwk::JwkSet) -> Option<ReceiptClaims> {
    let jwk = set.find(&jsonwebtoken::decode_header(jws).ok()?.kid?)?;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_required_spec_claims::<&str>(&[]);
    validation.validate_exp = false;
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).ok()?;
    Some(jsonwebtoken::decode::<ReceiptClaims>(jws, &key, &validation).ok()?.claims)
}

#[test]
fn a_library_of_others_verifies_ten_thousand_and_none_with_one_byte_changed() {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let keys = key();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.jwks()).unwrap();
    let mut chance = 7_u64;
    for ordinal in 1..=10_000 {
        let sample = numbered(ordinal);
        let jws = signed::sign(&sample.source(), &keys).unwrap();
        assert_eq!(by_a_library(&jws, &set), Some(signed::claims(&sample.source()).unwrap()));
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(chance >> 33).unwrap() % jws.len();
        let mut touched = jws.clone().into_bytes();
        // Another letter of the alphabet, so that it is not refused for its looks.
        let letter = LETTERS[usize::try_from(chance >> 20 & 63).unwrap()];
        touched[place] = if touched[place] == letter { letter ^ 1 } else { letter };
        let touched = String::from_utf8(touched).unwrap();
        assert_eq!(by_a_library(&touched, &set), None, "{place}: {touched}");
        assert!(verify(&touched, keys.public()).is_err(), "{place}: {touched}");
    }
}

#[test]
fn what_a_scanner_or_a_mail_program_breaks_up_is_read_and_the_rest_is_not() {
    let keys = key();
    let jwks = keys.jwks().to_string();
    let jws = signed::sign(&full().source(), &keys).unwrap();
    let broken: String = jws.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\r\n").collect();
    let claims = verify_text(&format!("  {broken}\n"), &jwks).unwrap();
    assert_eq!(claims.issuer, "CENS");
    assert_eq!(claims.printed_code(), ticket(&full().source()).unwrap().code);
    assert_eq!(claims.paid_at().to_string(), "2026-11-24T14:30:05.000000Z");
    assert_eq!(claims.reversed_at(), None);
    let annulled = signed::sign(&reversed().source(), &keys).unwrap();
    let reversed_at = verify_text(&annulled, &jwks).unwrap().reversed_at();
    assert_eq!(reversed_at, Some(at("2026-11-24T14:55:00Z")));
    assert_eq!(verify_text("", &jwks), Err(VerifyError::Jws(JwsError::Shape)));
    assert_eq!(verify_text(&jws, "{}"), Err(VerifyError::Jws(JwsError::KeySet)));
    let others = samples::keys(&[(8, "20260101T000000Z")]).jwks().to_string();
    assert_eq!(verify_text(&jws, &others), Err(VerifyError::Jws(JwsError::UnknownKey)));
}

#[test]
fn what_the_keys_sign_for_another_purpose_or_with_other_claims_is_no_receipt() {
    let keys = key();
    let now = at("2026-11-24T14:30:00Z");
    let good = signed::claims(&full().source()).unwrap();
    let token = keys.sign("at+jwt", &good, now).unwrap();
    assert_eq!(verify(&token, keys.public()), Err(VerifyError::Jws(JwsError::Shape)));
    let misnumbered = ReceiptClaims { receipt_number: good.receipt_number.replace("000123", "000132"), ..good.clone() };
    let jws = keys.sign(signed::TYPE, &misnumbered, now).unwrap();
    assert_eq!(verify(&jws, keys.public()), Err(VerifyError::Content));
    let mut richer = serde_json::to_value(&good).unwrap();
    richer["y"] = Value::from(1);
    let jws = keys.sign(signed::TYPE, &richer, now).unwrap();
    assert_eq!(verify(&jws, keys.public()), Err(VerifyError::Jws(JwsError::Claims)));
}

#[test]
fn a_reprint_after_the_keys_changed_has_the_same_bytes_and_still_holds() {
    let both = keys(&[(7, "20260101T000000Z"), (8, "20261201T000000Z")]);
    let reprint = signed::sign(&full().source(), &both).unwrap();
    assert_eq!(reprint, signed::sign(&full().source(), &key()).unwrap());
    let mut later = full();
    later.fact.recorded_at = at("2026-12-02T00:00:00Z");
    let later = signed::sign(&later.source(), &both).unwrap();
    for jws in [&reprint, &later] {
        assert!(verify(jws, both.public()).is_ok());
    }
    assert_eq!(verify(&later, key().public()), Err(VerifyError::Jws(JwsError::UnknownKey)));
}

/// Draws modules as a printer would, so many dots each.
fn decoded(dark: impl Fn(usize, usize) -> bool, modules: usize, dots: usize) -> String {
    let side = modules * dots;
    let mut image =
        rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| if dark(x / dots, y / dots) { 0 } else { 255 });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

#[test]
fn a_scanner_reads_the_code_as_58_millimetre_paper_shows_it() {
    let keys = key();
    for sample in [full(), installments(), reversed(), long()] {
        let jws = signed::sign(&sample.source(), &keys).unwrap();
        let modules = qr::Modules::of(&jws).unwrap();
        let dots = modules.module_dots();
        assert!(dots >= 3 && modules.outer_width() * dots <= qr::PAPER_DOTS, "{} modules", modules.width());
        let dark =
            |x: usize, y: usize| x >= qr::QUIET && y >= qr::QUIET && modules.is_dark(x - qr::QUIET, y - qr::QUIET);
        assert_eq!(decoded(dark, modules.outer_width(), dots), jws);
    }
}

/// As long as names get: forty characters of collection point, twenty of till.
fn long() -> Sample {
    let mut sample = hostile();
    sample.utility.name = "ELECTRIFICADORA-DEL-NORTE".to_owned();
    let mut till = sample.fact.till().unwrap();
    till.collection_point = "p".repeat(40).as_str().into();
    till.till = "t".repeat(20);
    sample.payment().receipt_number = receipt_number(&till, 999_999_999);
    sample.fact.amount = Money::MAX;
    sample.fact.account.as_mut().unwrap().of = "12345678901234567".into();
    sample
}

#[test]
fn the_code_in_the_page_is_the_signed_form() {
    let sample = full();
    let page = String::from_utf8(rendered(&sample, Form::Html)).unwrap();
    let path = page.rsplit_once("<path d=\"").unwrap().1.split_once('"').unwrap().0;
    let mut dark = std::collections::HashSet::new();
    for run in path.split('M').skip(1) {
        let (start, rest) = run.split_once('h').unwrap();
        let (x, y) = start.split_once(' ').unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        let length: usize = rest.split_once('v').unwrap().0.parse().unwrap();
        dark.extend((x..x + length).map(|x| (x, y)));
    }
    let jws = signed::sign(&sample.source(), &key()).unwrap();
    let outer = qr::Modules::of(&jws).unwrap().outer_width();
    assert!(page.contains(&format!("viewBox=\"0 0 {outer} {outer}\"")));
    assert_eq!(decoded(|x, y| dark.contains(&(x, y)), outer, 3), jws);
}

#[test]
fn the_code_in_the_pdf_is_the_signed_form() {
    let sample = full();
    let pdf = rendered(&sample, Form::Pdf);
    let jws = signed::sign(&sample.source(), &key()).unwrap();
    let outer = qr::Modules::of(&jws).unwrap().outer_width();
    let text = String::from_utf8_lossy(&pdf);
    let bars: Vec<[usize; 4]> = text
        .lines()
        .filter_map(|line| line.trim().strip_suffix(" re"))
        .map(|bar| bar.split(' ').map(|number| number.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap())
        .collect();
    // Most bars are rows of the code, one module high.
    let module = bars[bars.len() / 2][3];
    let rows: Vec<&[usize; 4]> = bars.iter().filter(|bar| bar[3] == module).collect();
    let left = rows.iter().map(|bar| bar[0]).min().unwrap() - qr::QUIET * module;
    let top = rows.iter().map(|bar| bar[1]).max().unwrap() + qr::QUIET * module;
    let dark = |x: usize, y: usize| {
        rows.iter().any(|[from, at, width, _]| {
            let column = left + x * module;
            *from <= column && column < from + width && at + y * module == top
        })
    };
    assert!(module * outer <= 1400);
    assert_eq!(decoded(dark, outer, 3), jws);
}

#[test]
fn what_no_till_can_print_is_refused() {
    assert_eq!(qr::Modules::of(&"a".repeat(859)), Err(qr::QrError));
    assert_eq!(qr::Modules::of(&"a".repeat(858)).map(|modules| modules.width()), Ok(qr::MAX_WIDTH));
    let tiny = qr::Modules::of("x").unwrap();
    assert!(html::render(&ticket(&full().source()).unwrap(), &tiny).contains("<svg"));
}
