//! The house rules, as a test: what a module may name, where time comes from, how long a file may be.
//!
//! Each rule reads the sources as text with comments and literals blanked, so prose may speak of what code
//! may not name. What the compiler or clippy can check is left to them (see `clippy.toml`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "support/source.rs"]
mod source;

use source::{Source, names, starts_name, walk};

/// What the rules of the domain may not know: I/O, clocks, chance and whatever brings them.
const IMPURE: [&str; 12] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "SystemTime",
    "Instant",
    "fs::read",
    "File::open",
    "now_utc",
    "now_local",
];
const IMPURE_CRATES: [&str; 8] = ["diesel", "actix", "tokio", "rustls", "reqwest", "rand", "hyper", "tracing"];

/// The modules without I/O, by path prefix.
const PURE: [&str; 2] = ["src/domain/", "src/reconciliation/matcher"];

/// Ways to the time of day and to chance. A monotonic `Instant` measures durations and is free outside the rules.
const CLOCKS: [&str; 5] = ["SystemTime::now", "now_utc", "now_local", "now_v7", "new_v4"];

const MAX_LINES: usize = 400;
const MAX_TEST_LINES: usize = 600;

/// Files that are longer than the rule: path, its own limit, and why. A limit only ever goes down.
const LONGER: &[(&str, usize, &str)] = &[(
    "src/domain/fact.rs",
    580,
    "every kind of fact in one place: this file is the form in which the books are kept",
)];

#[test]
fn the_rules_are_pure() {
    let sources = sources();
    let pure = sources.iter().filter(|source| PURE.iter().any(|room| source.path.starts_with(room)));
    check(pure, |source| {
        let mut found: Vec<&str> = IMPURE.into_iter().filter(|word| names(&source.code, word)).collect();
        found.extend(IMPURE_CRATES.into_iter().filter(|word| starts_name(&source.code, word)));
        found.extend(source.nested_std_imports().filter(|name| IMPURE.contains(&format!("std::{name}").as_str())));
        found.iter().map(|word| format!("names {word}")).collect()
    });
}

#[test]
fn only_the_store_names_diesel() {
    check(outside(&sources(), &["src/store/"]), |source| {
        starts_name(&source.code, "diesel").then(|| "names diesel".to_owned()).into_iter().collect()
    });
}

#[test]
fn only_the_edge_names_the_web_framework() {
    check(outside(&sources(), &["src/http/", "src/auth/", "src/console/", "src/app.rs", "src/app/"]), |source| {
        starts_name(&source.code, "actix").then(|| "names actix".to_owned()).into_iter().collect()
    });
}

#[test]
fn money_never_meets_a_float() {
    let sources = sources();
    let rooms = ["src/domain/", "src/store/", "src/files/", "src/reconciliation/"];
    let near = sources.iter().filter(|source| rooms.iter().any(|room| source.path.starts_with(room)));
    check(near, |source| {
        ["f32", "f64"]
            .into_iter()
            .filter(|word| names(&source.code, word))
            .map(|word| format!("names {word}"))
            .collect()
    });
}

#[test]
fn time_and_ids_come_from_the_clock() {
    check(outside(&sources(), &["src/clock.rs", "src/clock/"]), |source| {
        let code = source.without_tests();
        CLOCKS.into_iter().filter(|word| names(code, word)).map(|word| format!("asks {word}")).collect()
    });
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    check(outside(&sources(), &[]), |source| {
        source.without_tests().matches(".unwrap()").map(|_| "unwraps".to_owned()).collect()
    });
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["TODO", "FIXME", "XXX", "HACK"].into_iter();
    let sources = everywhere();
    let others = sources.iter().filter(|source| source.path != "tests/tidy.rs");
    check(others, |source| {
        let mut found: Vec<&str> = marks.clone().filter(|mark| names(&source.text, mark)).collect();
        found.extend(["todo!", "unimplemented!", "dbg!"].into_iter().filter(|word| source.code.contains(word)));
        found.iter().map(|word| format!("has {word}")).collect()
    });
}

#[test]
fn every_module_says_what_it_is_for() {
    check(everywhere().iter(), |source| {
        let said = source.text.starts_with("//! ") || source.text.starts_with("// @generated");
        (!said).then(|| "does not begin with a module doc".to_owned()).into_iter().collect()
    });
}

#[test]
fn no_file_is_too_long() {
    check(everywhere().iter(), |source| {
        let rule = if source.is_test() { MAX_TEST_LINES } else { MAX_LINES };
        let limit = LONGER.iter().find(|(path, ..)| *path == source.path).map_or(rule, |(_, limit, _)| *limit);
        let lines = source.text.lines().count();
        (lines > limit).then(|| format!("has {lines} lines, {limit} are the limit")).into_iter().collect()
    });
    for (path, limit, reason) in LONGER {
        let text = fs::read_to_string(root().join(path)).unwrap_or_default();
        let rule = if Source::new(path, &text).is_test() { MAX_TEST_LINES } else { MAX_LINES };
        assert!(text.lines().count() > rule, "{path} fits the rule again: take it off the list");
        assert!(*limit < text.lines().count() + 50, "{path} has shrunk: lower its limit");
        assert!(reason.len() > 20, "{path} needs a reason");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let files = |tree: &str| -> BTreeSet<String> {
        let tree = root().join("migrations").join(tree);
        walk(&tree).iter().map(|file| file.strip_prefix(&tree).unwrap().display().to_string()).collect()
    };
    let (sqlite, postgres) = (files("sqlite"), files("postgres"));
    assert_eq!(sqlite, postgres);
    for up in sqlite.iter().filter(|file| file.ends_with("up.sql")) {
        let down = up.replace("up.sql", "down.sql");
        assert!(sqlite.contains(&down), "{up} has no way back");
    }
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    // Put together here, so that this file is no finding.
    let places = ["work", "root", "home"].map(|place| format!("/{place}/"));
    for folder in ["src", "tests", "scripts", "config", "migrations", "benches", "certs-dev", "docs", ".ci", ".config"]
    {
        for file in walk(&root().join(folder)) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            for place in &places {
                assert!(!text.contains(place.as_str()), "{} names a path under {place}", file.display());
            }
        }
    }
}

#[test]
fn the_reader_sees_code_and_only_code() {
    let text = r##"//! diesel in prose
use std::{fs, net::TcpStream};
/* tokio /* nested */ rustls */
fn f<'a>(x: &'a str) -> char { let _ = "actix \" f64"; let _ = r#"f32 "quoted" rand"#; '"' }
fn g() { dieselish(); my_diesel(); diesel_async::x(); }
#[cfg(test)]
mod tests {
    fn h() { x.unwrap(); }
}
"##;
    let source = Source::new("src/x.rs", text);
    for word in ["tokio", "rustls", "actix", "f64", "f32", "rand", "quoted"] {
        assert!(!names(&source.code, word), "{word} is not code: {}", source.code);
    }
    assert_eq!(source.code.lines().count(), text.lines().count());
    assert!(!names(&source.code, "diesel") && starts_name(&source.code, "diesel"));
    assert!(!starts_name("my_diesel()", "diesel"));
    assert!(names(&source.code, "fn f") && names(&source.code, "diesel_async::x"));
    assert_eq!(source.nested_std_imports().collect::<Vec<_>>(), ["fs", "net"]);
    assert!(source.code.contains(".unwrap()") && !source.without_tests().contains(".unwrap()"));
    assert!(Source::new("src/x/tests.rs", text).without_tests().is_empty());
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program's sources.
fn sources() -> Vec<Source> {
    let found = Source::all(root(), &["src"]);
    assert!(found.iter().any(|source| source.path == "src/lib.rs"), "the sources are not where they should be");
    found
}

/// All Rust of the project.
fn everywhere() -> Vec<Source> {
    Source::all(root(), &["src", "tests", "benches"])
}

fn outside<'a>(sources: &'a [Source], rooms: &'a [&str]) -> impl Iterator<Item = &'a Source> {
    sources.iter().filter(|source| !rooms.iter().any(|room| source.path.starts_with(room)))
}

/// Tells all findings of a rule at once.
fn check<'a>(sources: impl Iterator<Item = &'a Source>, rule: impl Fn(&Source) -> Vec<String>) {
    let found: Vec<String> = sources
        .flat_map(|source| rule(source).into_iter().map(move |finding| format!("{} {finding}", source.path)))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}
