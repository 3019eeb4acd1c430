//! The surroundings of one gateway: a fresh home and working directory that are removed with it, and an
//! environment in which nothing steers it but what we say.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::base::secret::Secret;

/// What would steer a gateway, or slow a Python down: names that begin with one of these words.
const STEERING: [&str; 7] = ["HERMES", "TUI", "OPENAI", "ANTHROPIC", "PYTHON", "VIRTUAL", "TERMINAL"];

/// Bytes of a token.
const TOKEN_BYTES: usize = 16;

/// Bytes of a log's end that are shown.
const TAIL: usize = 2_000;

/// The directory.
#[derive(Debug)]
pub struct Home {
    top: PathBuf,
    token: Secret,
}

impl Home {
    /// A new one. With `model`, a gateway in it calls the model server on that port.
    pub fn new(model: Option<u16>) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tui-gateway-bench-{}-{number}", std::process::id());
        let top = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&top)?;
        let home = Self { top, token: token()? };
        fs::create_dir(home.dir())?;
        fs::create_dir(home.work())?;
        if let Some(port) = model {
            fs::write(home.dir().join("config.yaml"), config(port))?;
        }
        Ok(home)
    }

    /// The gateway's home.
    pub fn dir(&self) -> PathBuf {
        self.top.join("hermes")
    }

    /// Where it runs.
    pub fn work(&self) -> PathBuf {
        self.top.join("work")
    }

    /// Everything, for what else has to be written somewhere.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// What a client has to show.
    pub fn token(&self) -> &Secret {
        &self.token
    }

    /// Where a program's stderr goes.
    pub fn log(&self) -> PathBuf {
        self.top.join("stderr.log")
    }

    /// The end of what was said on stderr, in one line.
    pub fn complaint(&self) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        let tail = String::from_utf8_lossy(&text[text.len().saturating_sub(TAIL)..]).replace('\n', " / ");
        if tail.trim().is_empty() {
            "it said nothing".to_owned()
        } else {
            format!("it said: {}", tail.trim())
        }
    }

    /// A command in these surroundings.
    pub fn command(&self, program: &Path) -> io::Result<Command> {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let proxy = text.to_ascii_lowercase().ends_with("_proxy");
            if proxy || STEERING.iter().any(|word| text.starts_with(word)) {
                command.env_remove(&name);
            }
        }
        command
            .env("HERMES_HOME", self.dir())
            .env("HERMES_MANAGED_DIR", self.top.join("managed"))
            .env("HERMES_DASHBOARD_SESSION_TOKEN", self.token.expose())
            .env("HOME", &self.top)
            // Measured is what was asked for.
            .env("TUI_GATEWAY_TITLES", "0")
            .current_dir(self.work())
            .stderr(fs::OpenOptions::new().create(true).append(true).open(self.log())?);
        Ok(command)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What stays behind is untidy, not wrong.
        let _ = fs::remove_dir_all(&self.top);
    }
}

/// Both gateways read this. The context is larger than any load, so that the original does not compress.
fn config(port: u16) -> String {
    format!(
        "model:\n  default: fake-1\n  provider: custom\n  base_url: http://127.0.0.1:{port}/v1\n  \
         api_key: sk-bench\n  context_length: 10000000\n"
    )
}

fn token() -> io::Result<Secret> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::Home;

    #[test]
    fn a_home_is_private_and_goes() {
        use std::os::unix::fs::PermissionsExt;
        let home = Home::new(Some(81)).unwrap();
        let top = home.top().to_owned();
        assert_eq!(top.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let config = std::fs::read_to_string(home.dir().join("config.yaml")).unwrap();
        assert!(config.contains("base_url: http://127.0.0.1:81/v1\n"));
        assert!(!home.dir().join("config.yaml").starts_with(home.work()));
        assert_ne!(home.token(), Home::new(None).unwrap().token());
        assert_eq!(home.complaint(), "it said nothing");
        drop(home);
        assert!(!top.exists());
    }
}
