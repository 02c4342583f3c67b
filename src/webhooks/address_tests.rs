//! Addresses in the many forms in which somebody may write them.

use std::net::IpAddr;

use proptest::prelude::*;

use super::address::AddressKind::*;
use super::address::*;

fn refusal(url: &str, allowed: &[&str]) -> Option<AddressRefusal> {
    check_url(url, &AllowedHosts::parse(allowed).unwrap()).err()
}

/// Spellings of addresses that are not for everybody, and what each of them is.
const NOT_PUBLIC: &[(&str, AddressKind)] = &[
    ("127.0.0.1", Loopback),
    ("127.0.0.1.", Loopback),
    ("127.1", Loopback),
    ("127.255.255.254", Loopback),
    ("2130706433", Loopback),
    ("017700000001", Loopback),
    ("0177.0.0.1", Loopback),
    ("0x7f.0.0.1", Loopback),
    ("0x7f000001", Loopback),
    ("0x7F.1", Loopback),
    ("%31%32%37.0.0.1", Loopback),
    ("１２７.０.０.１", Loopback),
    ("127。0。0。1", Loopback),
    ("[::1]", Loopback),
    ("[0:0:0:0:0:0:0:1]", Loopback),
    ("[::ffff:127.0.0.1]", Loopback),
    ("[::ffff:7f00:1]", Loopback),
    ("[64:ff9b::127.0.0.1]", Loopback),
    ("10.0.0.1", Private),
    ("10.255.255.255", Private),
    ("167772161", Private),
    ("012.0.0.1", Private),
    ("172.16.0.1", Private),
    ("172.31.255.255", Private),
    ("192.168.1.1", Private),
    ("0xc0a80101", Private),
    ("192.168.257", Private),
    ("[::ffff:10.0.0.1]", Private),
    ("[64:ff9b::a00:1]", Private),
    ("[fc00::1]", Private),
    ("[fd12:3456::1]", Private),
    ("[fec0::1]", Private),
    ("100.64.0.1", CarrierShared),
    ("100.127.255.255", CarrierShared),
    ("100.100.100.200", Metadata),
    ("168.63.129.16", Metadata),
    ("[fd00:ec2::254]", Metadata),
    ("169.254.169.254", LinkLocal),
    ("2852039166", LinkLocal),
    ("0xa9fea9fe", LinkLocal),
    ("0251.0376.0251.0376", LinkLocal),
    ("[::ffff:169.254.169.254]", LinkLocal),
    ("[64:ff9b::169.254.169.254]", LinkLocal),
    ("[fe80::1]", LinkLocal),
    ("[febf::1]", LinkLocal),
    ("0.0.0.0", Unspecified),
    ("0", Unspecified),
    ("0.1.2.3", Unspecified),
    ("[::]", Unspecified),
    ("[::ffff:0.0.0.0]", Unspecified),
    ("224.0.0.1", Multicast),
    ("239.255.255.255", Multicast),
    ("[ff02::1]", Multicast),
    ("255.255.255.255", Broadcast),
    ("4294967295", Broadcast),
    ("192.0.2.1", Documentation),
    ("198.51.100.7", Documentation),
    ("203.0.113.9", Documentation),
    ("[2001:db8::1]", Documentation),
    ("[3fff::1]", Documentation),
    ("192.0.0.8", Reserved),
    ("198.18.0.1", Reserved),
    ("198.19.255.255", Reserved),
    ("240.0.0.1", Reserved),
    ("[2001:20::1]", Reserved),
    ("[100::1]", Reserved),
    ("[5f00::1]", Reserved),
    ("[4000::1]", Reserved),
    ("192.88.99.1", Transition),
    ("[::127.0.0.1]", Transition),
    ("[::8.8.8.8]", Transition),
    ("[::ffff:0:8.8.8.8]", Transition),
    ("[64:ff9b:1::8.8.8.8]", Transition),
    ("[2001::1]", Transition),
    ("[2002:7f00:1::]", Transition),
    ("[2002:808:808::1]", Transition),
];

#[test]
fn every_form_of_an_address_that_is_not_public_is_refused() {
    for (host, kind) in NOT_PUBLIC {
        let refused = refusal(&format!("https://{host}/avisos"), &[]);
        assert!(
            matches!(refused, Some(AddressRefusal::Address { kind: found, .. }) if found == *kind),
            "{host}: {refused:?}"
        );
    }
}

#[test]
fn public_addresses_and_names_pass() {
    for host in [
        "8.8.8.8",
        "134744072",
        "1.1.1.1:8443",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "223.255.255.255",
        "[2606:4700::1111]",
        "[2001:200::1]",
        "[3fff:1000::1]",
        "[::ffff:8.8.8.8]",
        "[64:ff9b::8.8.8.8]",
        "avisos.coompecens.example",
        "localhost.example.com",
        "mylocalhost.co",
        "reconexión.co",
        "10.0.0.1.nip.example",
    ] {
        assert_eq!(refusal(&format!("https://{host}/avisos?a=1"), &[]), None, "{host}");
    }
}

#[test]
fn what_is_not_an_https_url_of_a_public_name_is_refused_with_the_reason() {
    let long = format!("https://a.co/{}", "x".repeat(MAX_URL_BYTES));
    let cases = [
        ("http://avisos.example.com/", "scheme http"),
        ("http://127.0.0.1/", "scheme http"),
        ("ftp://avisos.example.com/", "scheme ftp"),
        ("file:///etc/passwd", "scheme file"),
        ("gopher://127.0.0.1:6379/_x", "scheme gopher"),
        ("unix:/run/docker.sock", "scheme unix"),
        ("javascript:alert(1)", "scheme javascript"),
        ("avisos.example.com/x", "no absolute URL"),
        ("//avisos.example.com/x", "no absolute URL"),
        ("", "no absolute URL"),
        ("https://", "no absolute URL"),
        ("https://[fe80::1%25eth0]/", "no absolute URL"),
        ("https://256.256.256.256/", "no absolute URL"),
        ("https://avisos.example.com:99999/", "no absolute URL"),
        ("https://a b.co/", "no absolute URL"),
        ("https://ana@avisos.example.com/", "user name"),
        ("https://ana:clave@avisos.example.com/", "user name"),
        ("https://:clave@avisos.example.com/", "user name"),
        ("https://8.8.8.8@127.0.0.1/", "user name"),
        ("https://avisos.example.com/#parte", "fragment"),
        ("https://avisos.example.com:0/", "port 0"),
        ("https://localhost/", "localhost only means"),
        ("https://LOCALHOST./", "localhost. only means"),
        ("https://a.localhost/", "a.localhost only means"),
        ("https://%6cocalhost:8443/", "localhost only means"),
        ("https://ⓛocalhost/", "localhost only means"),
        ("https://localhost.localdomain/", "only means"),
        ("https://metadata.google.internal/", "only means"),
        ("https://impresora.local/", "only means"),
        ("https://reconexiones/", "only means"),
        ("https://8.8.8.8\\@127.0.0.1/", ""),
        (long.as_str(), "longer than"),
    ];
    for (url, reason) in cases {
        let refused = refusal(url, &[]).map(|refusal| refusal.to_string());
        // The one with a back slash is a path on a public address, and no trick.
        assert_eq!(refused.is_none(), reason.is_empty(), "{url}: {refused:?}");
        assert!(refused.clone().unwrap_or_default().contains(reason), "{url}: {refused:?}");
    }
}

#[test]
fn an_allowed_host_may_be_inside_and_only_what_was_said() {
    let allowed = ["reconexiones", "http://127.0.0.1", "https://10.1.2.3", "http://[::1]", "http://demo.localhost"];
    for url in [
        "https://reconexiones/avisos",
        "https://RECONEXIONES.:8443/avisos",
        "http://127.0.0.1:9999/avisos",
        "https://127.0.0.1/avisos",
        "http://2130706433/avisos",
        "https://10.1.2.3/",
        "http://[0::1]:80/",
        "http://demo.localhost/",
    ] {
        assert_eq!(refusal(url, &allowed), None, "{url}");
    }
    for (url, reason) in [
        ("http://reconexiones/avisos", "scheme http"),
        ("http://10.1.2.3/", "scheme http"),
        ("https://10.1.2.4/", "private"),
        ("https://127.0.0.2/", "loopback"),
        ("https://[::ffff:127.0.0.1]/", "loopback"),
        ("https://otra.demo.localhost/", "only means"),
        ("https://ana@reconexiones/", "user name"),
    ] {
        let refused = refusal(url, &allowed).map(|refusal| refusal.to_string()).unwrap_or_default();
        assert!(refused.contains(reason), "{url}: {refused}");
    }
}

#[test]
fn no_operator_can_allow_metadata_or_nobody_s_addresses() {
    for host in
        ["169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "192.0.2.1", "[fe80::1]", "[2002:7f00:1::]"]
    {
        let refused = refusal(&format!("https://{host}/"), &[host]);
        assert!(matches!(refused, Some(AddressRefusal::Address { .. })), "{host}: {refused:?}");
    }
}

#[test]
fn an_entry_that_promises_more_than_a_host_is_refused() {
    for entry in [
        "",
        "https://",
        "10.0.0.1:8080",
        "http://inside/path",
        "http://inside/",
        "inside/",
        "ana@inside",
        "inside?x",
        "inside#x",
        "ftp://inside",
        "10.0.0.0/8",
        "*.inside",
    ] {
        assert_eq!(AllowedHosts::parse(&[entry]), Err(AllowedHostError::Entry(entry.to_owned())), "{entry}");
    }
    assert_eq!(AllowedHosts::parse(&vec!["a.co"; MAX_ALLOWED_HOSTS + 1]), Err(AllowedHostError::TooMany));
    let both = AllowedHosts::parse(&["inside", "http://inside"]).unwrap();
    assert!(check_url("http://inside/", &both).is_ok(), "the wider entry counts, whatever the order");
    assert_eq!(both.reach("inside."), Reach::Internal);
    assert_eq!(both.reach("outside"), Reach::Public);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_address_is_judged_alike_in_all_its_spellings(bits: u32) {
        let plain: IpAddr = std::net::Ipv4Addr::from_bits(bits).into();
        let kind = |url: &str| match refusal(url, &[]) {
            None => None,
            Some(AddressRefusal::Address { kind, .. }) => Some(kind),
            Some(other) => panic!("{url}: {other}"),
        };
        let expected = check_ip(plain, Reach::Public).err().map(|refusal| match refusal {
            AddressRefusal::Address { kind, .. } => kind,
            other => panic!("{other}"),
        });
        let octal = plain.to_string().split('.').map(|part| format!("0{:o}", part.parse::<u8>().unwrap())).collect::<Vec<_>>().join(".");
        for host in [plain.to_string(), bits.to_string(), format!("{bits:#x}"), octal, format!("[::ffff:{plain}]"), format!("[64:ff9b::{plain}]")] {
            prop_assert_eq!(kind(&format!("https://{host}/")), expected, "{}", host);
        }
    }

    #[test]
    fn any_text_gets_an_answer(text in ".{0,60}") {
        let _ = check_url(&text, &AllowedHosts::default());
        let _ = check_url(&format!("https://{text}"), &AllowedHosts::default());
    }
}
