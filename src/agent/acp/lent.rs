//! Our tool servers in the words of the protocol, as far as the agent can reach them. Pure.

use serde_json::{Value, json};

use super::hub::Facts;
use crate::base::secret::Secret;
use crate::mcp::{Lent, Reach};

/// What the agent is given. It takes programs always, and addresses if it says so.
pub(super) fn told(servers: &[Lent], facts: &Facts) -> Vec<Value> {
    servers.iter().filter_map(|server| one(server, facts)).collect()
}

fn one(server: &Lent, facts: &Facts) -> Option<Value> {
    let name = &server.name;
    match &server.reach {
        Reach::Stdio { command, args, env } => {
            let args: Vec<&str> = args.iter().map(Secret::expose).collect();
            let command = command.display().to_string();
            Some(json!({ "name": name, "command": command, "args": args, "env": pairs(env) }))
        }
        Reach::Http { url, headers, is_sse } => {
            let (kind, takes) = if *is_sse { ("sse", facts.mcp_sse) } else { ("http", facts.mcp_http) };
            if !takes {
                log::info!("the agent takes no tool servers by {kind}: one of ours is kept back");
                return None;
            }
            Some(json!({ "type": kind, "name": name, "url": url.expose(), "headers": pairs(headers) }))
        }
    }
}

fn pairs(pairs: &[(String, Secret)]) -> Vec<Value> {
    pairs.iter().map(|(name, value)| json!({ "name": name, "value": value.expose() })).collect()
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    #[test]
    fn addresses_go_to_agents_that_take_them() {
        let web = |is_sse| Lent {
            name: "web".into(),
            reach: Reach::Http {
                url: Secret::new("https://h/"),
                headers: vec![("A".into(), Secret::new("k"))],
                is_sse,
            },
        };
        let program = Lent {
            name: "fs".into(),
            reach: Reach::Stdio {
                command: "/bin/fs".into(),
                args: vec![Secret::new("-p")],
                env: vec![("K".into(), Secret::new("v"))],
            },
        };
        let servers = [web(false), web(true), program];
        let stdio =
            json!({"name": "fs", "command": "/bin/fs", "args": ["-p"], "env": [{"name": "K", "value": "v"}]});
        assert_eq!(told(&servers, &Facts::default()), slice::from_ref(&stdio));
        let facts = Facts { mcp_http: true, ..Facts::default() };
        let http = json!({"type": "http", "name": "web", "url": "https://h/",
            "headers": [{"name": "A", "value": "k"}]});
        assert_eq!(told(&servers, &facts), [http, stdio]);
        let both = Facts { mcp_http: true, mcp_sse: true, ..Facts::default() };
        assert_eq!(told(&servers, &both)[1]["type"], "sse");
    }
}
