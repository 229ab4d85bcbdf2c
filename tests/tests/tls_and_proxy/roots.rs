//! Certificate authorities: the system's, and the variables that add to them.

use std::path::Path;

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::{Refused, Setup, tools};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};

use super::authority::Authority;
use super::{PemFile, limits, signed_in};

/// Reads rate limits with the certificate authorities of a folder as the system's.
async fn limits_with_system(
    system: &Path,
    backend: &DevBackend,
    environment: &[(&str, &str)],
) -> Result<Value, Refused> {
    let script = format!(
        "mount --bind '{}' /etc/ssl/certs && exec \"$0\" \"$@\"",
        system.display()
    );
    // In a mount namespace of its own: other processes are not affected.
    let wrapper = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script];
    let mut setup = Setup::default().backend(backend).wrapper(&wrapper);
    for (name, value) in [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")]
        .iter()
        .chain(environment)
    {
        setup = setup.environment(name, value);
    }
    let (_server, mut host) = signed_in(setup).await;
    host.request("account/rateLimits/read", json!({})).await
}

/// Returns a folder with the system's layout.
fn system_of(pem: Option<String>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(pem) = pem {
        #[expect(clippy::disallowed_methods, reason = "the test plays the system")]
        std::fs::write(folder.path().join("ca-certificates.crt"), pem).unwrap();
    }
    folder
}

#[tokio::test]
async fn variables_add_to_the_authorities_of_the_system() {
    if !tools::has_mount_namespaces() {
        return;
    }
    let (ours, other) = (Authority::new("system"), Authority::new("company"));
    let system = system_of(Some(ours.pem()));
    let (a, b) = (ours.backend(), other.backend());
    let company = PemFile::new(&other.pem());
    let (file, folder) = (company.path(), company.folder());
    let cases: [(&str, &[(&str, &str)]); 5] = [
        ("SSL_CERT_FILE", &[("SSL_CERT_FILE", &file)]),
        ("CODEX_CA_CERTIFICATE", &[("CODEX_CA_CERTIFICATE", &file)]),
        ("SSL_CERT_DIR", &[("SSL_CERT_DIR", &folder)]),
        (
            "a folder that is not there beside one that is",
            &[("SSL_CERT_DIR", &format!("/nonexistent:{folder}"))],
        ),
        (
            "a stale SSL_CERT_FILE behind CODEX_CA_CERTIFICATE",
            &[
                ("CODEX_CA_CERTIFICATE", &file),
                ("SSL_CERT_FILE", "/nonexistent.pem"),
            ],
        ),
    ];
    for (name, environment) in cases {
        for backend in [&a, &b] {
            let read = limits_with_system(system.path(), backend, environment).await;
            read.unwrap_or_else(|failed| panic!("{name}: {failed:?}"));
        }
    }
    let failed = limits_with_system(system.path(), &b, &[]).await;
    assert!(failed.unwrap_err().message.contains("those of the system;"));
}

#[tokio::test]
async fn a_system_without_authorities_is_named() {
    if !tools::has_mount_namespaces() {
        return;
    }
    let (system, authority) = (system_of(None), Authority::new("one"));
    let (plain, encrypted) = (
        DevBackend::start(Options::new()).unwrap(),
        authority.backend(),
    );
    limits_with_system(system.path(), &plain, &[])
        .await
        .unwrap();
    let failed = limits_with_system(system.path(), &encrypted, &[]).await;
    let failed = failed.unwrap_err();
    for part in [
        "no certificate authorities",
        "ca-certificates",
        "CODEX_CA_CERTIFICATE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ] {
        assert!(failed.message.contains(part), "{failed:?}");
    }
    assert_ne!(failed.kind(), "retryable");
    let file = PemFile::new(&authority.pem());
    let environment = [("SSL_CERT_FILE", &*file.path())];
    limits_with_system(system.path(), &encrypted, &environment)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_stops_https_alone() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    mkfifoat(CWD, &fifo, Mode::RUSR | Mode::WUSR).unwrap();
    let plain = DevBackend::start(Options::new()).unwrap();
    let encrypted = Authority::new("one").backend();
    let (fifo, folder) = (
        fifo.display().to_string(),
        folder.path().display().to_string(),
    );
    for (name, value, part) in [
        ("SSL_CERT_FILE", &*fifo, "not a regular file"),
        ("CODEX_CA_CERTIFICATE", &folder, "not a regular file"),
        ("SSL_CERT_FILE", "/dev/zero", "not a regular file"),
        ("SSL_CERT_FILE", "/nonexistent", "cannot be read"),
        ("SSL_CERT_DIR", "/nonexistent", "cannot be read"),
        ("SSL_CERT_DIR", "/dev/null", "not a folder"),
    ] {
        let failed = limits(&encrypted, &[(name, value)]).await.unwrap_err();
        let named = format!(": {name}: ");
        assert!(failed.message.contains(&named), "{failed:?}");
        assert!(failed.message.contains(part), "{failed:?}");
        limits(&plain, &[(name, value)]).await.unwrap();
    }
    assert!(encrypted.requests().is_empty());
}

#[tokio::test]
async fn one_unreadable_block_does_not_take_the_others_with_it() {
    let authority = Authority::new("one");
    let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    let file = PemFile::new(&format!("{broken}\u{feff}# ü\n{}", authority.pem()));
    let backend = authority.backend();
    limits(&backend, &[("SSL_CERT_FILE", &file.path())])
        .await
        .unwrap();
}
