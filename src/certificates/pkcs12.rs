//! Certificate and key in one `.p12` file (RFC 7292), for clients that take nothing else.
//!
//! Writing only: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC for the contents, HMAC-SHA256 over the
//! whole, which is what OpenSSL 3 writes by default.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, AES_256_KEY_LEN, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::{digest, hmac, pbkdf2, rand};

const ITERATIONS: NonZeroU32 = NonZeroU32::new(2048).expect("2048 is not zero");

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const NULL: &[u8] = &[0x05, 0x00];
const OBJECT_ID: u8 = 0x06;
const BMP_STRING: u8 = 0x1e;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT_0: u8 = 0x80;
const EXPLICIT_0: u8 = 0xa0;

const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const ENCRYPTED_DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
const KEY_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02";
const CERTIFICATE_BAG: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03";
const X509_CERTIFICATE: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";
const FRIENDLY_NAME: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14";
const LOCAL_KEY_ID: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15";
const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
const HMAC_SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x09";
const AES_256_CBC: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";

/// A `.p12` with a chain (DER, the key's own certificate first) and its key (PKCS#8 DER).
pub(super) fn encode(name: &str, chain: &[&[u8]], key: &[u8], password: &str) -> Result<Vec<u8>, String> {
    let bags: Vec<Vec<u8>> = chain.iter().enumerate().map(|(at, der)| certificate_bag(der, name, at == 0)).collect();
    let certificates = encrypt(&tlv(SEQUENCE, &bags), password)?;
    let certificates = sequence(&[
        object(ENCRYPTED_DATA),
        tlv(
            EXPLICIT_0,
            &[sequence(&[
                integer(0),
                sequence(&[object(DATA), certificates.algorithm, tlv(CONTEXT_0, &[certificates.bytes])]),
            ])],
        ),
    ]);

    let key = encrypt(key, password)?;
    let key = sequence(&[key.algorithm, tlv(OCTET_STRING, &[key.bytes])]);
    let key_bag = sequence(&[object(KEY_BAG), tlv(EXPLICIT_0, &[key]), attributes(name)]);
    let safe = sequence(&[certificates, data(sequence(&[key_bag]))]);

    let salt: [u8; 16] = random()?;
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &mac_key(password, &salt)), &safe);
    let digest = sequence(&[sequence(&[object(SHA256), NULL.to_vec()]), tlv(OCTET_STRING, &[mac])]);
    let mac_data = sequence(&[digest, tlv(OCTET_STRING, &[salt]), integer(ITERATIONS.get())]);
    Ok(sequence(&[integer(3), data(safe), mac_data]))
}

struct Encrypted {
    algorithm: Vec<u8>,
    bytes: Vec<u8>,
}

fn encrypt(plain: &[u8], password: &str) -> Result<Encrypted, String> {
    let salt: [u8; 16] = random()?;
    let mut key = [0; AES_256_KEY_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.as_bytes(), &mut key);
    let mut bytes = plain.to_vec();
    let context = UnboundCipherKey::new(&AES_256, &key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|cipher| cipher.encrypt(&mut bytes))
        .map_err(|error| error.to_string())?;
    let DecryptionContext::Iv128(iv) = context else { return Err("the cipher gave no initial vector".to_owned()) };
    let derivation = sequence(&[
        object(PBKDF2),
        sequence(&[
            tlv(OCTET_STRING, &[salt]),
            integer(ITERATIONS.get()),
            sequence(&[object(HMAC_SHA256), NULL.to_vec()]),
        ]),
    ]);
    let cipher = sequence(&[object(AES_256_CBC), tlv(OCTET_STRING, &[iv.as_ref()])]);
    Ok(Encrypted { algorithm: sequence(&[object(PBES2), sequence(&[derivation, cipher])]), bytes })
}

/// The key derivation of RFC 7292, appendix B.2, for a MAC of one SHA-256 block.
fn mac_key(password: &str, salt: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    const FOR_A_MAC: u8 = 3;
    let filled =
        |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().cycle().take(bytes.len().div_ceil(BLOCK) * BLOCK).collect() };
    let mut secret = utf16(password);
    secret.extend([0, 0]);
    let input = [vec![FOR_A_MAC; BLOCK], filled(salt), filled(&secret)].concat();
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, &input).as_ref());
    for _ in 1..ITERATIONS.get() {
        let next = digest::digest(&digest::SHA256, &key);
        key.copy_from_slice(next.as_ref());
    }
    key
}

fn certificate_bag(der: &[u8], name: &str, own: bool) -> Vec<u8> {
    let value = sequence(&[object(X509_CERTIFICATE), tlv(EXPLICIT_0, &[tlv(OCTET_STRING, &[der])])]);
    let mut parts = vec![object(CERTIFICATE_BAG), tlv(EXPLICIT_0, &[value])];
    if own {
        parts.push(attributes(name));
    }
    sequence(&parts)
}

/// The attributes that tie the key to its certificate and give both a name to choose by.
fn attributes(name: &str) -> Vec<u8> {
    let friendly = sequence(&[object(FRIENDLY_NAME), tlv(SET, &[tlv(BMP_STRING, &[utf16(name)])])]);
    let local = sequence(&[object(LOCAL_KEY_ID), tlv(SET, &[tlv(OCTET_STRING, &[[1]])])]);
    let mut both = [friendly, local];
    both.sort();
    tlv(SET, &both)
}

fn data(content: Vec<u8>) -> Vec<u8> {
    sequence(&[object(DATA), tlv(EXPLICIT_0, &[tlv(OCTET_STRING, &[content])])])
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn random<const N: usize>() -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn object(id: &[u8]) -> Vec<u8> {
    tlv(OBJECT_ID, &[id])
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

fn integer(value: u32) -> Vec<u8> {
    // A leading zero octet keeps it positive; DER wants no more of them than that.
    let bytes = u64::from(value).to_be_bytes();
    let start = (0..7).find(|&at| bytes[at] != 0 || bytes[at + 1] >= 0x80).unwrap_or(7);
    tlv(INTEGER, &[&bytes[start..]])
}

/// Tag, length, value, with the length in its shortest form.
fn tlv(tag: u8, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.as_ref().len()).sum();
    let mut out = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).expect("a length has at most eight octets"));
            out.extend(bytes);
        }
    }
    for part in parts {
        out.extend(part.as_ref());
    }
    out
}
