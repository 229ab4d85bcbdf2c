//! Maps an error of the HTTP library to its cause.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use url::Url;

use crate::failure::{CertificateProblem, ConnectCause, HttpFailure, Unreachable};
use crate::proxy::Proxy;

/// Returns the cause of an error, for a request to a URL through a proxy or directly.
pub(crate) fn explain(
    error: &reqwest::Error,
    url: &Url,
    proxy: Option<&Proxy>,
    roots: impl FnOnce() -> String,
) -> HttpFailure {
    if !error.is_connect() {
        return if error.is_timeout() {
            HttpFailure::Timeout
        } else {
            HttpFailure::Interrupted
        };
    }
    let step = proxy.and_then(|_| proxy_step(error));
    // An unencrypted request is sent to the proxy. An encrypted one uses a tunnel, and a failure in
    // the tunnel is one between here and the server.
    let proxy = proxy.filter(|_| step.is_some() || url.scheme() == "http");
    let cause = match (step, tls_error(error), proxy) {
        (Some(Step::Authentication), _, Some(proxy)) => ConnectCause::ProxyAuthentication {
            given: proxy.has_password(),
        },
        (Some(Step::Refused), ..) => ConnectCause::ProxyRefused,
        (_, Some(rustls::Error::InvalidCertificate(problem)), None) => {
            return HttpFailure::Certificate {
                problem: certificate_problem(problem),
                roots: roots(),
            };
        }
        (_, Some(rustls::Error::InvalidCertificate(problem)), Some(_)) => {
            ConnectCause::ProxyCertificate(certificate_problem(problem))
        }
        (_, Some(_), _) => ConnectCause::Tls,
        _ if error.is_dns() => ConnectCause::Dns,
        _ if error.is_timeout() => ConnectCause::TimedOut,
        _ => io_cause(error),
    };
    HttpFailure::Unreachable(Unreachable {
        cause,
        host: host(url),
        proxy: proxy.map(Proxy::named_by),
    })
}

/// Returns the host of a URL, with the port unless it is the scheme's default.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The step at which a connection through a proxy failed.
#[derive(Clone, Copy)]
enum Step {
    /// The proxy itself was not reached.
    Connect,
    /// It requires authentication.
    Authentication,
    /// It did not connect to the server.
    Refused,
}

/// The libraries do not export these error types, so their texts are compared.
fn proxy_step(error: &reqwest::Error) -> Option<Step> {
    chain(error).find_map(|cause| match &*cause.to_string() {
        "tunnel error: proxy authorization required"
        | "SOCKS error: credentials not accepted"
        | "SOCKS error: server does not support user/pass authentication" => {
            Some(Step::Authentication)
        }
        "tunnel error: failed to create underlying connection"
        | "SOCKS error: failed to create underlying connection" => Some(Step::Connect),
        text if text.starts_with("tunnel error: ") || text.starts_with("SOCKS error: ") => {
            Some(Step::Refused)
        }
        _ => None,
    })
}

fn tls_error(error: &reqwest::Error) -> Option<&rustls::Error> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// Returns the cause named by the innermost system error.
fn io_cause(error: &reqwest::Error) -> ConnectCause {
    let errors = chain(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
    let Some(innermost) = errors.last() else {
        return ConnectCause::Other(io::ErrorKind::Other);
    };
    if is_out_of_descriptors(innermost) {
        return ConnectCause::TooManyOpenFiles;
    }
    match innermost.kind() {
        io::ErrorKind::ConnectionRefused => ConnectCause::Refused,
        io::ErrorKind::TimedOut => ConnectCause::TimedOut,
        kind @ (io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable) => ConnectCause::NoRoute(kind),
        io::ErrorKind::PermissionDenied => ConnectCause::NotPermitted,
        kind => ConnectCause::Other(kind),
    }
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

#[cfg(not(unix))]
const fn is_out_of_descriptors(_: &io::Error) -> bool {
    false
}

const fn certificate_problem(error: &CertificateError) -> CertificateProblem {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateProblem::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateProblem::NotYetValid
        }
        CertificateError::UnknownIssuer => CertificateProblem::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateProblem::OtherName
        }
        CertificateError::Revoked => CertificateProblem::Revoked,
        _ => CertificateProblem::Other,
    }
}

/// Iterates over an error and its sources. Some are wrapped in IO errors, which do not list their
/// inner error among their sources.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match held {
            Some(held) => Some(held),
            None => error.source(),
        }
    })
}
