//! `docs/limits.md` is the one table of limits: each of its rows names a constant and says its
//! value, and each constant of the product that could be a limit has a row, or stands below with
//! the reason why it is none. A constant is named by the end of its path.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates with constants that count.
const CRATES: [&str; 6] = ["app-server", "auth", "base", "http", "protocol", "rpc"];

/// Types of constants that could be limits.
const TYPES: [&str; 8] = [
    "usize", "u16", "u32", "u64", "u128", "i64", "Duration", "Range",
];

/// Folders and files with constants that bound nothing that comes from outside.
const APART: [&str; 4] = [
    "protocol/src/error.rs",
    "/tests.rs",
    "src/tests/",
    "managed_tests/",
];

/// Constants that are not limits, and what they are.
const NOT_LIMITS: &[(&str, &str)] = &[
    (
        "backend/error.rs:PIECE",
        "how much of a bearer is looked for",
    ),
    ("backend/limits.rs:KIB", "a unit"),
    ("backend/responses.rs:ITEM", "an estimate"),
    ("backend/limits.rs:MIB", "a unit"),
    (
        "backend/retry.rs:FIRST_DELAY",
        "the first of growing delays",
    ),
    ("backend/wait.rs:LAST", "the last date that there is"),
    (
        "workspace/wait.rs:OF_ANOTHER_ACCOUNT",
        "in place of a number",
    ),
    (
        "cli/shell.rs:MAX_LINE",
        "how long a line of a manual page is",
    ),
    ("cli/waiting.rs:STEP", "how often a line is looked at"),
    ("cli/when.rs:LAST", "the last date that there is"),
    ("doctor/clocks.rs:EARLIEST", "a date that is possible"),
    ("doctor/clocks.rs:LATEST", "a date that is possible"),
    ("doctor/redact.rs:SHORTEST", "how secrets look"),
    ("doctor/render.rs:FORMAT", "a version"),
    (
        "credential/bearer.rs:FIRST_MILLISECONDS",
        "distinguishes units of time",
    ),
    ("env_token/unix.rs:STANDARD", "numbers of descriptors"),
    ("gateway/body.rs:EDITS", "room that a buffer keeps"),
    ("gateway/body.rs:MIB", "a unit"),
    ("gateway/output.rs:MIB", "a unit"),
    ("gateway/record.rs:MIB", "a unit"),
    ("key/unix.rs:PAUSE", "between two tries"),
    ("token/mod.rs:VERSION", "a version"),
    ("unix/mod.rs:AMPLE", "numbers of descriptors"),
    ("src/scan.rs:SHORT", "where a search changes"),
    ("src/pieces.rs:SHORT", "how bytes are copied"),
    ("stores/file.rs:PAUSE", "between two tries"),
    ("threads/size.rs:OVERHEAD", "an estimate"),
    ("threads/turn.rs:LIMITS_SIZE", "an estimate"),
    ("threads/unload.rs:LOOK_AGAIN", "between two looks"),
    (
        "token_commands/list.rs:HEAD",
        "a length between our own processes",
    ),
    ("token_commands/output.rs:OPAQUE_RUN", "how secrets look"),
    ("trace_protocol/looks.rs:LONG_RUN", "how secrets look"),
    ("trace_protocol/looks.rs:SHORT_RUN", "how secrets look"),
    ("login/listener.rs:PAUSE", "between two tries"),
    ("memory/stack.rs:DEPTH", "how much of the stack is wiped"),
    ("owner_only/read.rs:USUAL", "the first room of a buffer"),
    ("codec/input_buffer.rs:IDLE", "the first room of a buffer"),
    ("codec/input_buffer.rs:SHORT", "how a buffer grows"),
    ("src/outbox.rs:FRAME_HEADER", "a length of the protocol"),
    ("src/outbox.rs:KEPT_CAPACITY", "room that a buffer keeps"),
    ("unix/socket.rs:PAUSE", "between two tries"),
    ("stdio/threaded_reader.rs:CHUNK", "bytes read at once"),
    ("stdio/threaded_writer.rs:CHUNK", "bytes written at once"),
    (
        "unix/mod.rs:NEEDED_DESCRIPTORS",
        "what the program itself needs",
    ),
    ("websocket/codec.rs:FRAMED", "how much is framed at once"),
    ("websocket/codec.rs:HEADER_ROOM", "a length of the protocol"),
    ("websocket/frames.rs:CHUNK", "bytes read at once"),
    (
        "websocket/frames.rs:IDLE_CAPACITY",
        "the first room of a buffer",
    ),
    (
        "websocket/secret_file.rs:RANDOM_BYTES",
        "the length of our tokens",
    ),
];

/// The value of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Number(u128),
    Milliseconds(u128),
    Range(u128, u128),
}

impl Value {
    /// The ways to write it.
    fn texts(self) -> BTreeSet<String> {
        match self {
            Self::Number(number) => {
                let mut texts: BTreeSet<_> = units(number, &[("MiB", 1 << 20), ("KiB", 1 << 10)])
                    .chain(units(number, &[("days", 86_400), ("min", 60), ("s", 1)]))
                    .collect();
                texts.insert(grouped(number));
                texts.insert(format!("{} bytes", grouped(number)));
                texts
            }
            Self::Milliseconds(number) => {
                units(number, &[("min", 60_000), ("s", 1000), ("ms", 1)]).collect()
            }
            Self::Range(first, last) => {
                let seconds = format!("{} to {} s", grouped(first / 1000), grouped(last / 1000));
                [format!("{} to {}", grouped(first), grouped(last)), seconds].into()
            }
        }
    }
}

fn units(number: u128, units: &'static [(&str, u128)]) -> impl Iterator<Item = String> {
    let whole = units
        .iter()
        .filter(move |(_, size)| number.is_multiple_of(*size));
    whole.map(move |(unit, size)| format!("{} {unit}", grouped(number / size)))
}

/// A number with a comma before each group of three digits.
fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Where the sources are.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The sources of the product, by their paths, without their unit tests.
fn sources() -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    let mut folders: Vec<_> = CRATES.iter().map(|name| format!("{name}/src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".rs") && !APART.iter().any(|apart| path.contains(apart)) {
                let text = fs::read_to_string(entry.path()).unwrap();
                let product = text.split("#[cfg(test)]\nmod ").next().unwrap();
                let product = product.split("#[cfg(all(test").next().unwrap();
                sources.insert(path, product.to_owned());
            }
        }
    }
    sources
}

/// The constants of one file that could be limits: name and expression.
fn constants(source: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (at, keyword) in source.match_indices("const ") {
        let (before, after) = source.split_at(at);
        let line = before.rsplit('\n').next().unwrap().trim();
        let is_item = line.is_empty() || line.starts_with("pub") || line.ends_with("pub");
        let after = after.strip_prefix(keyword).unwrap();
        let Some((name, rest)) = after.split_once(':').filter(|_| is_item) else {
            continue;
        };
        let is_name = |name: &str| {
            name.bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        };
        let item = rest.split(';').next().unwrap_or_default();
        let Some((kind, expression)) = item.split_once('=') else {
            continue;
        };
        let kind = kind.trim().rsplit("::").next().unwrap();
        if is_name(name) && TYPES.iter().any(|number| kind.starts_with(number)) {
            found.insert(name.to_owned(), expression.trim().to_owned());
        }
    }
    found
}

/// Computes an expression of numbers, products, shifts, durations and other constants.
fn compute(expression: &str, others: &BTreeMap<String, String>) -> Option<Value> {
    let text = expression.trim();
    let number = |text: &str| match compute(text, others)? {
        Value::Number(number) => Some(number),
        _ => None,
    };
    for (call, factor) in [
        ("Duration::from_secs(", 1000),
        ("Duration::from_millis(", 1),
        ("Duration::from_mins(", 60_000),
    ] {
        if let Some(inside) = text.strip_prefix(call) {
            return Some(Value::Milliseconds(
                number(inside.strip_suffix(')')?)? * factor,
            ));
        }
    }
    if let Some((first, last)) = text.split_once("..=") {
        return Some(Value::Range(number(first)?, number(last)?));
    }
    if let Some((left, right)) = text.split_once("<<") {
        return Some(Value::Number(number(left)? << number(right)?));
    }
    if let Some((left, right)) = text.split_once(" * ") {
        return Some(Value::Number(number(left)? * number(right)?));
    }
    if let Some(other) = others.get(text) {
        return compute(other, others);
    }
    text.replace('_', "").parse().ok().map(Value::Number)
}

/// The rows of the table: the constant, and its value as it is written there.
fn rows() -> Vec<(String, String)> {
    let table = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if cells[0] == "what" || cells[0].starts_with("---") {
            continue;
        }
        let [_, value, constant] = cells[..] else {
            panic!("a row needs three cells: {line}");
        };
        rows.push((constant.trim_matches('`').to_owned(), value.to_owned()));
    }
    rows
}

/// Every constant of the product that could be a limit, by its path, and its value.
fn all_constants() -> BTreeMap<String, Option<Value>> {
    let mut all = BTreeMap::new();
    for (file, source) in sources() {
        let constants = constants(&source);
        for (name, expression) in &constants {
            all.insert(format!("{file}:{name}"), compute(expression, &constants));
        }
    }
    all
}

/// The constant with this end of its path.
fn named<'a>(end: &str, all: &'a BTreeMap<String, Option<Value>>) -> (&'a str, Option<Value>) {
    let end = format!("/{end}");
    let found: Vec<_> = all
        .iter()
        .filter(|(path, _)| path.ends_with(&end))
        .collect();
    match found[..] {
        [(path, value)] => (path, *value),
        _ => panic!("`{end}` has to name one constant, and names {found:?}"),
    }
}

#[test]
fn every_row_names_a_constant_and_its_value() {
    let all = all_constants();
    for (constant, written) in rows() {
        let (path, value) = named(&constant, &all);
        let value = value.unwrap_or_else(|| panic!("{path}: its value is not computed here"));
        let texts = value.texts();
        assert!(
            texts.contains(&written),
            "{path} is {texts:?}, and the table says {written}"
        );
    }
}

#[test]
fn every_constant_has_a_row_or_a_reason() {
    let all = all_constants();
    let rows = rows();
    let mut known = BTreeSet::new();
    let listed = rows.iter().map(|(constant, _)| constant.as_str());
    for end in listed.chain(NOT_LIMITS.iter().map(|(constant, _)| *constant)) {
        let (path, _) = named(end, &all);
        assert!(known.insert(path), "{path} stands in two places");
    }
    let missing: Vec<_> = all
        .keys()
        .filter(|path| !known.contains(path.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/limits.md lacks a row for {missing:#?}"
    );
}

#[test]
fn no_limit_is_written_where_it_is_used() {
    for (file, source) in sources() {
        for (number, line) in source.lines().enumerate() {
            let is_constant = line.contains("const ");
            for call in [
                "Duration::from_secs(",
                "Duration::from_millis(",
                "Semaphore::new(",
                "channel(",
            ] {
                let digits = line.split(call).nth(1).unwrap_or_default();
                let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
                // One place is a handover, not a queue.
                let is_handover = call.ends_with("l(") && digits == "1";
                let is_limit = !digits.is_empty() && !is_handover;
                assert!(
                    is_constant || !is_limit,
                    "{file}:{}: give the limit a name and a row in docs/limits.md: {line}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn the_reading_of_constants_can_fail() {
    let source = "const A: usize = 4 * KIB;\npub(crate) const KIB: usize = 1024;\n\
                  const B: std::time::Duration = Duration::from_secs(2);\nconst C: &str = \"x\";\n\
                  const fn f(a: usize) -> usize { a }\nconst D: std::ops::RangeInclusive<u64> = 1_000..=9_000;\n";
    let constants = constants(source);
    let names: Vec<_> = constants.keys().map(String::as_str).collect();
    assert_eq!(names, ["A", "B", "D", "KIB"]);
    let value = |name: &str| compute(&constants[name], &constants);
    assert_eq!(value("A"), Some(Value::Number(4096)));
    assert_eq!(value("B"), Some(Value::Milliseconds(2000)));
    assert_eq!(value("D"), Some(Value::Range(1000, 9000)));
    assert!(value("A").unwrap().texts().contains("4 KiB"));
    assert!(!value("A").unwrap().texts().contains("4 MiB"));
    assert!(value("B").unwrap().texts().contains("2 s"));
    assert!(value("D").unwrap().texts().contains("1 to 9 s"));
    assert_eq!(compute("f()", &constants), None);
}
