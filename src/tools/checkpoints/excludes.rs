//! What is never kept: what can be made again, what belongs to other programs, media, and secrets. Names
//! only; knows no files.

/// Files and folders of these names. In any case of their letters, as git itself refuses `.GIT`.
const NAMES: &[&str] = &[
    // Other version control.
    ".git",
    ".hg",
    ".svn",
    ".jj",
    // Dependencies.
    "node_modules",
    "bower_components",
    ".venv",
    "venv",
    // Builds.
    "target",
    "build",
    "dist",
    "coverage",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".gradle",
    ".terraform",
    // Caches.
    "__pycache__",
    ".cache",
    ".mypy_cache",
    ".parcel-cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".turbo",
    ".ds_store",
    // Secrets.
    ".env",
    ".ssh",
    ".aws",
    ".gnupg",
    ".netrc",
    ".npmrc",
    ".pypirc",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
];

/// Files whose names end so: builds, keys, archives, media, noise.
const ENDINGS: &[&str] = &[
    ".pyc", ".pyo", ".o", ".a", ".so", ".dylib", ".dll", ".exe", ".class", ".jar", ".wasm", ".pem", ".key",
    ".p12", ".pfx", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".iso", ".mp3",
    ".wav", ".flac", ".ogg", ".mp4", ".m4a", ".mov", ".avi", ".mkv", ".webm", ".log", ".swp",
];

/// Endings of `.env.…` files that are made to be shared.
const SHARED_ENVS: &[&str] = &[".env.example", ".env.sample", ".env.template"];

/// Whether a file or folder of this name is left out.
pub(super) fn excludes(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_secret_env = name.starts_with(".env.") && !SHARED_ENVS.contains(&name.as_str());
    is_secret_env
        || NAMES.contains(&name.as_str())
        || ENDINGS.iter().any(|ending| name.ends_with(ending) && name.len() > ending.len())
}

#[cfg(test)]
mod tests {
    use super::excludes;

    #[test]
    fn names_and_endings_count_in_any_case() {
        for name in
            [".git", ".GIT", "node_modules", "target", ".env", ".env.local", "a.PEM", "x.tar", "id_rsa"]
        {
            assert!(excludes(name), "{name}");
        }
        for name in [".gitignore", "target.rs", ".env.example", "a.key.txt", ".key", "src", "environment"] {
            assert!(!excludes(name), "{name}");
        }
    }
}
