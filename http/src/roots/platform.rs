//! The system's own judgement about certificates, on macOS and Windows.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

use super::{RootsFailure, builder};

/// TLS with the system's certificate authorities and these. How many the system has is not known.
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
