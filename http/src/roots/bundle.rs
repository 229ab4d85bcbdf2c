//! The system's certificate authorities where they are files, as on Linux.

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::{RootsFailure, builder};

/// TLS with the system's certificate authorities and these, and how many the system has.
pub(super) fn tls(
    added: Vec<CertificateDer<'static>>,
) -> Result<(ClientConfig, usize), RootsFailure> {
    let mut roots = RootCertStore::empty();
    let (of_system, _) = roots.add_parsable_certificates(of_system());
    roots.add_parsable_certificates(added);
    if roots.is_empty() {
        return Err(RootsFailure::NoneAtAll);
    }
    let tls = builder()?.with_root_certificates(roots);
    Ok((tls.with_no_client_auth(), of_system))
}

/// Reads them where the distributions keep them. `rustls_native_certs::load_native_certs` would
/// read `SSL_CERT_FILE` and `SSL_CERT_DIR` in their place, and these add to them here.
fn of_system() -> Vec<CertificateDer<'static>> {
    let mut folders = openssl_probe::candidate_cert_dirs();
    let first = rustls_native_certs::load_certs_from_paths(bundle(), folders.next());
    let mut certificates = first.certs;
    for folder in folders {
        let more = rustls_native_certs::load_certs_from_paths(None, Some(folder));
        certificates.extend(more.certs);
    }
    certificates.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    certificates.dedup();
    certificates
}

/// The one file that holds them all, where there is one.
fn bundle() -> Option<&'static std::path::Path> {
    // Those that `openssl_probe` looks for, which it does not list: its `probe` reads the
    // environment first.
    [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/ssl/cert.pem",
        "/opt/etc/ssl/certs/ca-certificates.crt",
        "/usr/local/etc/ssl/cert.pem",
        "/usr/local/share/certs/ca-root-nss.crt",
        "/etc/openssl/certs/ca-certificates.crt",
        "/etc/certs/ca-certificates.crt",
    ]
    .into_iter()
    .map(std::path::Path::new)
    .find(|path| path.is_file())
}
