//! Why a request had no response: the causes, the error kinds for hosts, and texts for users.

use std::fmt;
use std::io;

use byokey_protocol::error::ErrorKind;

use crate::plaintext::PlaintextRefusal;
use crate::proxy::ProxyFailure;
use crate::roots::RootsFailure;

/// Why a request had no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpFailure {
    /// A secret would have been sent unencrypted to another machine. Nothing was sent.
    Plaintext(PlaintextRefusal),
    /// The proxy setting is invalid. Nothing was sent.
    Proxy(ProxyFailure),
    /// The certificate authorities cannot be read. Nothing was sent.
    Roots(RootsFailure),
    /// There was no connection, so nothing was sent.
    Unreachable(Unreachable),
    /// The server's certificate was rejected, so nothing was sent.
    Certificate {
        /// The reason.
        problem: CertificateProblem,
        /// Where the trusted certificate authorities come from.
        roots: String,
    },
    /// There was no response in time.
    Timeout,
    /// The connection was interrupted.
    Interrupted,
    /// The head of the answer is longer than 16 KiB, or cannot be read. The request may have been
    /// processed.
    UnreadableHead,
    /// The client cannot be configured for this URL.
    Setup,
}

/// A connection that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The cause.
    pub cause: ConnectCause,
    /// The host of the request, with its port unless it is the scheme's default.
    pub host: String,
    /// The source of the proxy's setting, if it is the proxy that was not reached or did not
    /// connect.
    pub proxy: Option<&'static str>,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectCause {
    /// The name cannot be resolved.
    Dns,
    /// The connection was refused.
    Refused,
    /// The connection timed out.
    TimedOut,
    /// There is no route to the network or the host.
    NoRoute(io::ErrorKind),
    /// The system forbids the connection.
    NotPermitted,
    /// The TLS handshake failed.
    Tls,
    /// The proxy requires authentication, or rejects the given one.
    ProxyAuthentication {
        /// Whether a user and password were sent.
        given: bool,
    },
    /// The proxy's certificate was rejected.
    ProxyCertificate(CertificateProblem),
    /// The proxy was reached but did not connect to the server.
    ProxyRefused,
    /// This process has no file descriptor left.
    TooManyOpenFiles,
    /// Another system error.
    Other(io::ErrorKind),
}

/// Why a certificate was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// No trusted certificate authority signed it.
    UnknownIssuer,
    /// It is for another name.
    OtherName,
    /// It was revoked.
    Revoked,
    /// Another reason.
    Other,
}

impl HttpFailure {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Plaintext(_) => ErrorKind::PlaintextRefused,
            // The server is not at fault, and may not even have been contacted.
            Self::Unreachable(Unreachable {
                cause: ConnectCause::TooManyOpenFiles,
                ..
            })
            | Self::Timeout
            | Self::Interrupted => ErrorKind::Retryable,
            Self::Unreachable(_) => ErrorKind::Unreachable,
            Self::UnreadableHead => ErrorKind::AnswerTooLarge,
            Self::Proxy(_) | Self::Roots(_) | Self::Certificate { .. } | Self::Setup => {
                ErrorKind::BackendRefused
            }
        }
    }

    /// Returns whether a retry may succeed without a change of the settings.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Timeout | Self::Interrupted => true,
            Self::Unreachable(unreachable) => unreachable.cause.is_transient(),
            _ => false,
        }
    }

    /// Describes the failure for users. `server` names the server, such as `the backend`.
    #[must_use]
    pub const fn describe<'a>(&'a self, server: &'a str) -> impl fmt::Display + 'a {
        Described {
            failure: self,
            server,
        }
    }
}

impl ConnectCause {
    const fn is_transient(self) -> bool {
        !matches!(
            self,
            Self::NotPermitted
                | Self::Tls
                | Self::ProxyAuthentication { .. }
                | Self::ProxyCertificate(_)
        )
    }
}

struct Described<'a> {
    failure: &'a HttpFailure,
    server: &'a str,
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server;
        match self.failure {
            HttpFailure::Plaintext(refusal) => refusal.fmt(f),
            HttpFailure::Proxy(failure) => failure.fmt(f),
            HttpFailure::Roots(failure) => failure.fmt(f),
            HttpFailure::Unreachable(unreachable) => {
                write!(f, "cannot connect to {server}: ")?;
                unreachable.fmt(f)
            }
            HttpFailure::Certificate { problem, roots } => write!(
                f,
                "{server}'s certificate was not accepted: {problem} (certificate authorities: \
                 {roots})"
            ),
            HttpFailure::Timeout => write!(f, "{server} did not answer in time"),
            HttpFailure::Interrupted => write!(f, "the connection to {server} broke off"),
            HttpFailure::UnreadableHead => write!(
                f,
                "the head of the answer of {server} is longer than 16 KiB, or cannot be read"
            ),
            HttpFailure::Setup => write!(f, "the address of {server} cannot be used"),
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // "the proxy of HTTPS_PROXY", or "chatgpt.com".
        let (subject, check) = match self.proxy {
            Some(variable) => (
                format!("the proxy of {variable}"),
                format!("check {variable} and that the proxy runs"),
            ),
            None => (
                self.host.clone(),
                "check the address and the network".into(),
            ),
        };
        match self.cause {
            ConnectCause::Dns => write!(
                f,
                "the host name of {subject} cannot be resolved (DNS); {check}"
            ),
            ConnectCause::Refused => write!(
                f,
                "{subject} refused the connection: nothing listens there; {check}"
            ),
            ConnectCause::TimedOut => write!(
                f,
                "{subject} did not answer in time; {check}, and whether a firewall is in between"
            ),
            ConnectCause::NoRoute(kind) => {
                write!(f, "there is no route to {subject} ({kind}); {check}")
            }
            ConnectCause::NotPermitted => write!(
                f,
                "the system does not permit a connection to {subject}; check the firewall and the \
                 sandbox of this process"
            ),
            ConnectCause::Tls => write!(
                f,
                "the TLS handshake with {subject} failed; check that it is an https:// server and \
                 speaks TLS 1.2 or 1.3"
            ),
            ConnectCause::ProxyAuthentication { given: false } => write!(
                f,
                "{subject} asks for authentication (407); put `user:password@` before the host in \
                 it. Basic is the only scheme that is supported, NTLM and Negotiate are not: for \
                 those, name a local proxy that speaks them"
            ),
            ConnectCause::ProxyAuthentication { given: true } => write!(
                f,
                "{subject} did not accept its user and password (407), or wants NTLM or \
                 Negotiate, which are not supported: for those, name a local proxy that speaks \
                 them"
            ),
            ConnectCause::ProxyCertificate(problem) => write!(
                f,
                "the certificate of {subject} was not accepted: {problem}; CODEX_CA_CERTIFICATE or \
                 SSL_CERT_FILE add a PEM file of certificate authorities"
            ),
            ConnectCause::ProxyRefused => write!(
                f,
                "{subject} did not open a connection to {}; check whether the proxy allows that \
                 host, and the log of the proxy",
                self.host
            ),
            ConnectCause::TooManyOpenFiles => write!(
                f,
                "this process has too many open files; raise its limit (ulimit -n)"
            ),
            ConnectCause::Other(kind) => write!(f, "{subject} cannot be reached ({kind}); {check}"),
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "it has expired, or the clock of this machine is wrong",
            Self::NotYetValid => "it is not valid yet, or the clock of this machine is wrong",
            Self::UnknownIssuer => "no trusted certificate authority signed it",
            Self::OtherName => "it is for another host name",
            Self::Revoked => "it was revoked",
            Self::Other => "it cannot be verified",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use byokey_protocol::error::ErrorKind;

    use super::{CertificateProblem, ConnectCause, HttpFailure, Unreachable};

    #[test]
    fn each_cause_has_its_kind_and_says_what_to_do() {
        for (cause, proxy, transient, part) in [
            (
                ConnectCause::Dns,
                None,
                true,
                "the host name of a.example cannot be",
            ),
            (
                ConnectCause::Refused,
                None,
                true,
                "a.example refused the connection",
            ),
            (
                ConnectCause::TimedOut,
                Some("ALL_PROXY"),
                true,
                "the proxy of ALL_PROXY did not",
            ),
            (
                ConnectCause::NoRoute(io::ErrorKind::NetworkDown),
                None,
                true,
                "no route to a.example",
            ),
            (
                ConnectCause::NotPermitted,
                None,
                false,
                "does not permit a connection",
            ),
            (
                ConnectCause::Tls,
                None,
                false,
                "the TLS handshake with a.example failed",
            ),
            (
                ConnectCause::ProxyRefused,
                Some("HTTPS_PROXY"),
                true,
                "connection to a.example",
            ),
            (
                ConnectCause::ProxyAuthentication { given: false },
                Some("HTTPS_PROXY"),
                false,
                "asks for authentication (407)",
            ),
            (
                ConnectCause::ProxyCertificate(CertificateProblem::Expired),
                Some("HTTPS_PROXY"),
                false,
                "it has expired",
            ),
            (
                ConnectCause::Other(io::ErrorKind::ConnectionReset),
                None,
                true,
                "a.example cannot be reached (connection reset)",
            ),
        ] {
            let failure = HttpFailure::Unreachable(Unreachable {
                cause,
                host: "a.example".into(),
                proxy,
            });
            let text = failure.describe("the backend").to_string();
            assert!(
                text.starts_with("cannot connect to the backend: "),
                "{text}"
            );
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("try again"), "{text}");
            assert_eq!(failure.is_transient(), transient, "{text}");
            assert_eq!(failure.kind(), ErrorKind::Unreachable);
        }
        assert_eq!(HttpFailure::Timeout.kind(), ErrorKind::Retryable);
        assert!(HttpFailure::Interrupted.is_transient());
    }
}
