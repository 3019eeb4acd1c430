//! What is not run in the foreground: commands that put themselves into the background, where nobody would
//! see them, and commands that never end. A hint for the model, who has `background` for both; not a guard.

use super::scan::{Behind, Simple, simple_commands};

/// Programs that detach what they start.
const DETACHERS: &[&str] = &["nohup", "disown", "setsid"];

/// How commands begin that serve or watch until they are stopped.
const ENDLESS: &[&[&str]] = &[
    &["npm", "start"],
    &["npm", "run", "dev"],
    &["npm", "run", "serve"],
    &["npm", "run", "start"],
    &["npm", "run", "watch"],
    &["pnpm", "dev"],
    &["pnpm", "start"],
    &["pnpm", "run", "dev"],
    &["yarn", "dev"],
    &["yarn", "start"],
    &["bun", "run", "dev"],
    &["next", "dev"],
    &["vite", "dev"],
    &["vite", "preview"],
    &["ng", "serve"],
    &["webpack", "serve"],
    &["nodemon"],
    &["python", "-m", "http.server"],
    &["python3", "-m", "http.server"],
    &["python", "-m", "uvicorn"],
    &["python3", "-m", "uvicorn"],
    &["python", "manage.py", "runserver"],
    &["python3", "manage.py", "runserver"],
    &["flask", "run"],
    &["uvicorn"],
    &["gunicorn"],
    &["hypercorn"],
    &["rails", "server"],
    &["rails", "s"],
    &["php", "-S"],
    &["hugo", "server"],
    &["jekyll", "serve"],
    &["cargo", "watch"],
    &["docker", "compose", "up"],
    &["docker-compose", "up"],
    &["tail", "-f"],
    &["tail", "-F"],
    &["journalctl", "-f"],
];

/// A word that makes many programs watch files.
const WATCH: &str = "--watch";

/// Words that make one of these end after all.
const ENDING: &[&str] = &["--help", "-h", "--version", "-V", "-d", "--detach"];

/// Why the command is not run in the foreground; `None` if it is.
pub(in crate::tools) fn refusal(command: &str) -> Option<String> {
    let commands = simple_commands(command);
    for simple in &commands {
        let (name, _) = simple.program();
        if DETACHERS.contains(&name) {
            return Some(format!(
                "The command uses {name}, which would take the process out of sight. Call terminal with \
                 background=true and without {name} instead; the process tool then shows its output."
            ));
        }
    }
    if ends_in_background(&commands) {
        return Some(
            "The command ends in '&', which would take the process out of sight. Call terminal with \
             background=true and without '&' instead; the process tool then shows its output."
                .to_owned(),
        );
    }
    commands.iter().any(is_endless).then(|| {
        "The command looks like a server or a watcher, which does not end by itself. Call terminal with \
         background=true instead, and look at it with the process tool."
            .to_owned()
    })
}

/// Whether nothing comes behind the last `&`.
fn ends_in_background(commands: &[Simple]) -> bool {
    let last = commands.iter().rev().find(|simple| simple.words != ["}"] || simple.behind != Behind::Other);
    last.is_some_and(|simple| simple.behind == Behind::Background)
}

fn is_endless(simple: &Simple) -> bool {
    let (name, words) = simple.program();
    let Some((_, rest)) = words.split_first() else { return false };
    // Whoever reads from the pipe may end it.
    if simple.behind == Behind::Pipe || rest.iter().any(|word| ENDING.contains(&word.as_str())) {
        return false;
    }
    let begins = |beginning: &&[&str]| {
        beginning.split_first().is_some_and(|(program, beginning)| {
            *program == name
                && rest.len() >= beginning.len()
                && beginning.iter().zip(rest).all(|(one, other)| *one == other.as_str())
        })
    };
    ENDLESS.iter().any(begins) || rest.iter().any(|word| word == WATCH) || (name == "vite" && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn what_goes_out_of_sight_is_refused() {
        for command in [
            "nohup ./serve",
            "cd x && A=1 setsid ./serve",
            "./serve & disown",
            "./serve &",
            "./serve & \n",
            "(cd x; ./serve &)",
            "{ ./serve & }",
            "for x in 1; do sleep 1; done &",
        ] {
            assert!(refusal(command).is_some(), "{command}");
        }
    }

    #[test]
    fn what_never_ends_is_refused() {
        for command in [
            "npm run dev",
            "cd web && npm start",
            "python3 -m http.server 8000",
            "tsc --watch",
            "vite",
            "docker compose up",
            "tail -f log",
        ] {
            assert!(refusal(command).is_some(), "{command}");
        }
    }

    #[test]
    fn what_ends_is_not() {
        for command in [
            "ls",
            "echo 'nohup ./serve &'",
            "grep setsid src",
            "./serve & sleep 1; kill $!",
            "make && make test",
            "cmd > out 2>&1",
            "cat <<EOF > page\n<a href='?a=1&b=2'> &\nEOF",
            "npm run build",
            "timeout 5 npm run dev",
            "docker compose up -d",
            "uvicorn --version",
            "tail -f log | head -1",
            "vite build",
            "jest --watch=false",
            "",
        ] {
            assert_eq!(refusal(command), None, "{command}");
        }
    }
}
