//! The system's own certificate verifier, on macOS and Windows.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

use super::{RootsFailure, builder};

/// Returns TLS with the system's certificate authorities and these. The number of the system's is
/// unknown.
pub(super) fn tls(
    added: Vec<CertificateDer<'static>>,
) -> Result<(ClientConfig, usize), RootsFailure> {
    let provider = Arc::new(ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(added, provider).map_err(|_| RootsFailure::System)?;
    let tls = builder()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok((tls.with_no_client_auth(), usize::MAX))
}
