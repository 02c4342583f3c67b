//! Making, rotating and publishing keys; believing nothing that was touched.

use serde_json::json;

use super::*;

type Tested = Result<(), Box<dyn std::error::Error>>;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time written in a test")
}

#[test]
fn a_first_key_is_made_once_and_kept_secret() -> Tested {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("keys");
    let made = SigningKeys::load_or_create(&directory, at("2026-11-26T16:58:12.9Z"))?;
    let again = SigningKeys::load_or_create(&directory, at("2027-01-01T00:00:00Z"))?;
    assert_eq!(made.public(), again.public());
    let files: Vec<_> = fs::read_dir(&directory)?.collect::<Result<_, _>>()?;
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].file_name(), "20261126T165812Z.pem");
    assert_eq!(files[0].metadata()?.permissions().mode() & 0o777, 0o600);
    assert!(matches!(
        SigningKeys::create(&directory, at("2026-11-26T16:58:12Z")),
        Err(KeyError::File { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists
    ));
    Ok(())
}

#[test]
fn the_instant_chooses_the_key_and_rotation_changes_no_bytes() -> Tested {
    let folder = tempfile::tempdir()?;
    SigningKeys::create(folder.path(), at("2026-01-01T00:00:00Z"))?;
    let before = SigningKeys::load(folder.path())?;
    assert_eq!(from_file_name("1767225600000000"), Some(at("2026-01-01T00:00:00Z")));
    assert_eq!(from_file_name("clave de enero"), None);
    let claims = json!({ "n": "1" });
    let old = at("2026-06-01T00:00:00Z");
    let signed = before.sign("x+jws", &claims, old)?;
    SigningKeys::create(folder.path(), at("2026-07-01T00:00:00Z"))?;
    let after = SigningKeys::load(folder.path())?;
    assert_eq!(after.sign("x+jws", &claims, old)?, signed);
    assert_eq!(after.key_id_at(at("2020-01-01T00:00:00Z")), before.key_id_at(old));
    assert_ne!(after.key_id_at(at("2026-07-01T00:00:00Z")), before.key_id_at(old));
    let rotated = after.sign("x+jws", &claims, at("2026-07-01T00:00:00Z"))?;
    let public = PublicKeys::from_jwks(&after.jwks().to_string())?;
    for jws in [&signed, &rotated] {
        assert_eq!(public.verify::<serde_json::Value>("x+jws", jws), Ok(claims.clone()));
    }
    assert_eq!(before.public().verify::<serde_json::Value>("x+jws", &rotated), Err(JwsError::UnknownKey));
    Ok(())
}

#[test]
fn another_kind_or_another_algorithm_is_not_believed() -> Tested {
    let folder = tempfile::tempdir()?;
    let keys = SigningKeys::load_or_create(folder.path(), Timestamp::default())?;
    let jws = keys.sign("receipt+jws", &json!({}), Timestamp::default())?;
    let verify = |jws: &str| keys.public().verify::<serde_json::Value>("at+jwt", jws);
    assert_eq!(verify(&jws), Err(JwsError::Shape));
    let kid = keys.key_id_at(Timestamp::default());
    for header in [
        json!({ "alg": "none", "kid": kid, "typ": "at+jwt" }),
        json!({ "alg": "HS256", "kid": kid, "typ": "at+jwt" }),
        json!({ "alg": "EdDSA", "kid": kid, "typ": "at+jwt", "crit": ["b64"] }),
    ] {
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        assert_eq!(verify(&format!("{header}.e30.")), Err(JwsError::Shape));
    }
    for text in ["", ".", "..", "a.b.c", &format!("{jws}.{jws}"), &"A".repeat(MAX_JWS_BYTES + 1)] {
        assert_eq!(verify(text), Err(JwsError::Shape), "{text}");
    }
    Ok(())
}

#[test]
fn what_is_no_key_is_named() -> Tested {
    let folder = tempfile::tempdir()?;
    assert!(matches!(SigningKeys::load(folder.path()), Err(KeyError::Empty(_))));
    fs::write(folder.path().join("a.pem"), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")?;
    assert!(matches!(SigningKeys::load_or_create(folder.path(), Timestamp::default()), Err(KeyError::Content(_))));
    for set in ["", "{}", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"a"}]}"#] {
        assert_eq!(PublicKeys::from_jwks(set), Err(JwsError::KeySet), "{set}");
    }
    Ok(())
}
