//! Parses certificates in a PEM file. An invalid one does not affect the others.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Problem;

/// The content of a file.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// How many blocks could not be parsed.
    skipped: usize,
}

impl Read {
    /// Returns the certificates and how many could not be parsed, or an error if there is none at
    /// all.
    pub(super) fn all_or_problem(self) -> Result<(Vec<CertificateDer<'static>>, usize), Problem> {
        match (self.certificates.is_empty(), self.skipped) {
            (true, 0) => Err(Problem::Empty),
            (true, _) => Err(Problem::Malformed),
            (false, skipped) => Ok((self.certificates, skipped)),
        }
    }
}

const BEGIN: &[u8] = b"-----BEGIN";
/// OpenSSL writes this label for a certificate with trust settings.
const TRUSTED: &[u8] = b" TRUSTED CERTIFICATE-----";
const PLAIN: &[u8] = b" CERTIFICATE-----";

/// Parses each block on its own, so that an unterminated or invalid one does not affect the next.
/// Text between the blocks may have any encoding.
pub(super) fn certificates(file: &[u8]) -> Read {
    let mut read = Read::default();
    for block in blocks(file) {
        let block = replace(block, TRUSTED, PLAIN);
        if !contains(&block, PLAIN) {
            // A private key, or another object common in such files.
            continue;
        }
        match certificate(&block) {
            Some(certificate) => read.certificates.push(certificate),
            None => read.skipped += 1,
        }
    }
    read
}

/// Returns the parts of a file that begin with `-----BEGIN`.
fn blocks(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<_> = file
        .windows(BEGIN.len())
        .enumerate()
        .filter_map(|(at, window)| (window == BEGIN).then_some(at))
        .collect();
    let ends = starts.clone().into_iter().skip(1).chain([file.len()]);
    starts
        .into_iter()
        .zip(ends)
        .filter_map(|(start, end)| file.get(start..end))
}

fn certificate(block: &[u8]) -> Option<CertificateDer<'static>> {
    let der = CertificateDer::pem_slice_iter(block).next()?.ok()?;
    let der = without_trust_settings(&der)?;
    let certificate = CertificateDer::from(der.to_vec());
    let usable = RootCertStore::empty().add(certificate.clone());
    usable.is_ok().then_some(certificate)
}

/// Returns the certificate alone: a DER sequence, which OpenSSL's trust settings follow.
fn without_trust_settings(der: &[u8]) -> Option<&[u8]> {
    let [0x30, first, rest @ ..] = der else {
        return None;
    };
    // From 128 on, the first byte holds the number of length bytes.
    let (bytes, short) = match first.checked_sub(0x80) {
        Some(bytes) => (usize::from(bytes), 0),
        None => (0, usize::from(*first)),
    };
    let length = rest
        .get(..bytes.min(4))?
        .iter()
        .fold(short, |length, byte| length << 8 | usize::from(*byte));
    der.get(..2 + bytes + length)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(from) {
            replaced.extend_from_slice(to);
            rest = after;
        } else {
            replaced.push(*first);
            rest = after;
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::super::Problem;
    use super::certificates;

    const GOOD: &str = include_str!("../../tests/root.pem");

    #[test]
    fn what_cannot_be_read_does_not_take_the_others_with_it() {
        let broken = "-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n";
        let no_certificate = "-----BEGIN CERTIFICATE-----\nQQ==\n-----END CERTIFICATE-----\n";
        let endless = "-----BEGIN CERTIFICATE-----\nQQ==\n";
        let key = "-----BEGIN PRIVATE KEY-----\nQQ==\n-----END PRIVATE KEY-----\n";
        for (name, file, good, skipped) in [
            ("alone", GOOD.as_bytes().to_vec(), 1, 0),
            ("twice", format!("{GOOD}{GOOD}").into(), 2, 0),
            ("no line end", GOOD.trim_end().into(), 1, 0),
            ("carriage returns", GOOD.replace('\n', "\r\n").into(), 1, 0),
            ("byte-order mark", format!("\u{feff}{GOOD}").into(), 1, 0),
            ("a comment", format!("# made up\n{GOOD}").into(), 1, 0),
            (
                "a comment in Latin-1",
                [b"# \xe9\n", GOOD.as_bytes()].concat(),
                1,
                0,
            ),
            (
                "nothing between",
                format!("{}{GOOD}", GOOD.trim_end()).into(),
                2,
                0,
            ),
            ("broken before", format!("{broken}{GOOD}").into(), 1, 1),
            ("broken behind", format!("{GOOD}{broken}").into(), 1, 1),
            (
                "not a certificate",
                format!("{no_certificate}{GOOD}").into(),
                1,
                1,
            ),
            ("endless", format!("{endless}{GOOD}").into(), 1, 1),
            ("a key", format!("{key}{GOOD}").into(), 1, 0),
        ] {
            let (certificates, left_out) = certificates(&file).all_or_problem().unwrap();
            assert_eq!((certificates.len(), left_out), (good, skipped), "{name}");
        }
        for (file, problem) in [
            ("", Problem::Empty),
            ("# nothing\n", Problem::Empty),
            (key, Problem::Empty),
            (broken, Problem::Malformed),
            (no_certificate, Problem::Malformed),
        ] {
            let read = certificates(file.as_bytes()).all_or_problem();
            assert_eq!(read.unwrap_err(), problem, "{file}");
        }
    }
}
