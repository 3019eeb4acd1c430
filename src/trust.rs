//! Whose certificates are trusted where something is said over TLS: those built in, or those of the file that the
//! environment names in their place. Owns the names of its variables and the file's bounds; must not know who is
//! asked, or what is said.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::limits::CERTIFICATES_BYTES_MAX;

/// Variables that name the file, the first that does counts: those of the original, and its order.
pub const VARIABLES: [&str; 3] = ["HERMES_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"];

/// Whom a connection of rustls trusts.
///
/// # Errors
/// The file that the environment names cannot be used; a sentence for people.
pub fn roots() -> Result<RootCertStore, String> {
    Ok(match named()? {
        Some(certificates) => store(&certificates),
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    })
}

/// The same for a client of ureq. A file that cannot be used is told in the log, and nobody is trusted: who named
/// one wants no other.
pub fn config() -> TlsConfig {
    let named = named().unwrap_or_else(|error| {
        log::error!("no certificate is trusted: {error}");
        Some(Vec::new())
    });
    let roots = match named {
        Some(certificates) => {
            let owned = certificates.iter().map(|der| Certificate::from_der(der).to_owned());
            RootCerts::Specific(Arc::new(owned.collect()))
        }
        None => RootCerts::WebPki,
    };
    TlsConfig::builder().root_certs(roots).build()
}

/// The certificates of the file that the environment names, if it does.
fn named() -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    let set = |name: &&'static str| {
        std::env::var_os(name).filter(|path| !path.is_empty()).map(|path| (*name, path))
    };
    let Some((name, path)): Option<(&str, OsString)> = VARIABLES.iter().find_map(set) else {
        return Ok(None);
    };
    read(Path::new(&path)).map(Some).map_err(|error| format!("{name}: {error}"))
}

/// The certificates of a file; what is none is left out.
fn read(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    // Before opening: to open a pipe would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut pem = Vec::new();
    File::open(path)?.take(CERTIFICATES_BYTES_MAX + 1).read_to_end(&mut pem)?;
    if pem.len() as u64 > CERTIFICATES_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {CERTIFICATES_BYTES_MAX} bytes")));
    }
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).flatten().collect();
    if store(&certificates).is_empty() {
        return Err(io::Error::other("it has no certificate"));
    }
    Ok(certificates)
}

/// Those of them that can be trusted at all.
fn store(certificates: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.iter().cloned());
    roots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let dir = Scratch::new();
        for (name, text) in
            [("empty", ""), ("text", "no certificate"), ("cut", "-----BEGIN CERTIFICATE-----\nAA")]
        {
            assert!(read(&dir.write(name, text)).is_err(), "{name}");
        }
        assert!(read(dir.path()).is_err() && read(&dir.path().join("none")).is_err());
        let large = vec![b'\n'; usize::try_from(CERTIFICATES_BYTES_MAX).unwrap() + 1];
        assert!(read(&dir.write("large", large)).is_err());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls/root.pem");
        assert_eq!(read(&root).unwrap().len(), 1);
    }
}
