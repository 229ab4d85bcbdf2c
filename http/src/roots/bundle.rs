//! The system's certificate authorities on systems that have them in files, such as Linux.

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::{RootsFailure, builder};

/// Returns TLS with the system's certificate authorities and these, and the number of the system's.
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

/// Loads them from the distributions' locations. `rustls_native_certs::load_native_certs` would
/// replace them by `SSL_CERT_FILE` and `SSL_CERT_DIR`, which are additions here.
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

/// Returns the file with all of them, if there is one.
fn bundle() -> Option<&'static std::path::Path> {
    // The locations that `openssl_probe` tries. It does not export them, and its `probe` prefers
    // the environment.
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
