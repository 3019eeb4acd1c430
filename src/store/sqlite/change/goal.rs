//! The goal of a conversation. It is kept as the original keeps it: a JSON object in `state_meta`, in which
//! members that nobody knows here stay.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};

use super::super::Database;
use super::super::error::failure;
use crate::limits::GOAL_CRITERIA_MAX;
use crate::model::goal::{Barrier, CONTRACT, Contract, Goal, GoalChange, GoalState, GoalWish, Ruling, Wait};
use crate::model::store::{StoreError, Told};

/// What the keys of goals begin with; the conversation's key follows.
const PREFIX: &str = "goal:";

/// Turns of a goal that does not say how many it may take (the original's).
const TURNS_DEFAULT: u64 = 20;

/// What is kept of what a goal waits for.
const WAITS: [&str; 5] =
    ["waiting_on_pid", "waiting_on_session", "waiting_until", "waiting_reason", "waiting_since"];

/// The goal before and after.
pub(super) fn goal(db: &mut Database, key: &str, at: f64, wish: &GoalWish) -> Result<Told, StoreError> {
    let name = format!("{PREFIX}{key}");
    if *wish == GoalWish::Show {
        // Looking must not wait for those who write.
        let now = kept(&db.conn, &name).map_err(failure)?.as_ref().and_then(read);
        return Ok(Told::Goal(Box::new(GoalChange { before: now.clone(), now })));
    }
    db.write(|tx| {
        let kept = kept(tx, &name)?;
        let before = kept.as_ref().and_then(read);
        let now = wish.after(before.clone(), at);
        if now != before
            && let Some(goal) = &now
        {
            let document = written(goal, wish, at, kept.unwrap_or_default()).to_string();
            let sql = "INSERT INTO state_meta (key, value) VALUES (?1, ?2) \
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            tx.execute(sql, params![name, document])?;
        }
        Ok(Told::Goal(Box::new(GoalChange { before, now })))
    })
}

/// Whether a conversation has a goal that is to be reached.
pub(in crate::store::sqlite) fn is_active(conn: &Connection, key: &str) -> rusqlite::Result<bool> {
    Ok(kept(conn, &format!("{PREFIX}{key}"))?
        .and_then(|kept| read(&kept))
        .is_some_and(|goal| goal.state == GoalState::Active))
}

/// What is kept under a name. A value of an odd type is no goal.
fn kept(conn: &Connection, name: &str) -> rusqlite::Result<Option<Map<String, Value>>> {
    let sql = "SELECT value FROM state_meta WHERE key = ?1";
    let text =
        conn.query_row(sql, [name], |row| Ok(row.get::<_, Option<String>>(0).unwrap_or(None))).optional()?;
    Ok(text.flatten().and_then(|text| serde_json::from_str(&text).ok()))
}

/// `None` where no text says what is to be reached.
fn read(kept: &Map<String, Value>) -> Option<Goal> {
    let text = |name: &str| kept.get(name).and_then(Value::as_str);
    let number = |name: &str| kept.get(name).and_then(Value::as_u64).filter(|number| *number > 0);
    let criteria = kept.get("subgoals").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let criteria = criteria.iter().filter_map(criterion);
    let contract = |name: &str| kept.get("contract").and_then(|contract| contract.get(name)?.as_str());
    Some(Goal {
        text: text("goal").filter(|text| !text.is_empty())?.to_owned(),
        state: text("status").map_or(GoalState::Active, GoalState::parse),
        turns_used: number("turns_used").unwrap_or(0),
        turns_max: number("max_turns").unwrap_or(TURNS_DEFAULT),
        paused_reason: text("paused_reason").map(str::to_owned),
        created_at: kept.get("created_at").and_then(Value::as_f64).unwrap_or(0.0),
        unreadable: number("consecutive_parse_failures").unwrap_or(0),
        criteria: criteria.take(GOAL_CRITERIA_MAX).map(str::to_owned).collect(),
        contract: Contract(CONTRACT.map(|(name, _)| contract(name).unwrap_or_default().trim().to_owned())),
        wait: wait(kept),
    })
}

fn criterion(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// What is waited for; of several things the one the original looks at first.
fn wait(kept: &Map<String, Value>) -> Option<Wait> {
    let text = |name: &str| kept.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let time = |name: &str| kept.get(name).and_then(Value::as_f64).filter(|time| *time > 0.0);
    let pid = || kept.get("waiting_on_pid").and_then(Value::as_u64).filter(|pid| *pid > 0);
    let process = text("waiting_on_session").map(|id| Barrier::Process(id.to_owned()));
    let on = process.or_else(|| pid().map(Barrier::Pid));
    let on = on.or_else(|| time("waiting_until").map(Barrier::Until))?;
    let reason = text("waiting_reason").map(str::to_owned);
    Some(Wait { on, reason, since: time("waiting_since").unwrap_or(0.0) })
}

fn written(goal: &Goal, wish: &GoalWish, at: f64, kept: Map<String, Value>) -> Value {
    // Nothing of an earlier goal is said of a new one.
    let mut document = if matches!(wish, GoalWish::Set { .. }) { Map::new() } else { kept };
    change_criteria(&mut document, wish);
    let mut put = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    put("goal", json!(goal.text));
    put("status", json!(goal.state.as_str()));
    put("turns_used", json!(goal.turns_used));
    put("max_turns", json!(goal.turns_max));
    put("created_at", json!(goal.created_at));
    put("paused_reason", json!(goal.paused_reason));
    put("consecutive_parse_failures", json!(goal.unreadable));
    match wish {
        GoalWish::Set { contract, .. } if !contract.is_empty() => {
            let members =
                CONTRACT.iter().zip(&contract.0).map(|((name, _), text)| ((*name).to_owned(), json!(text)));
            put("contract", Value::Object(members.collect()));
        }
        GoalWish::Judged(judgement) => {
            // Not every goal that was judged to be reached is: it may have changed meanwhile.
            let ruling = match &judgement.ruling {
                Ruling::Done if goal.state != GoalState::Done => &Ruling::Continue,
                ruling => ruling,
            };
            put("last_turn_at", json!(at));
            put("last_verdict", json!(ruling.as_str()));
            put("last_reason", json!(judgement.reason));
        }
        _ => {}
    }
    for name in WAITS {
        document.shift_remove(name);
    }
    if let Some(Wait { on, reason, since }) = &goal.wait {
        let (name, value) = match on {
            Barrier::Pid(pid) => ("waiting_on_pid", json!(pid)),
            Barrier::Process(id) => ("waiting_on_session", json!(id)),
            Barrier::Until(until) => ("waiting_until", json!(until)),
        };
        document.insert(name.to_owned(), value);
        document.insert("waiting_reason".to_owned(), json!(reason));
        document.insert("waiting_since".to_owned(), json!(since));
    }
    Value::Object(document)
}

/// One that has more of them than are read here keeps them, and what is none stays where it is.
fn change_criteria(document: &mut Map<String, Value>, wish: &GoalWish) {
    if !matches!(wish, GoalWish::Require(_) | GoalWish::Waive(_) | GoalWish::WaiveAll) {
        return;
    }
    let criteria = document.entry("subgoals").or_insert_with(|| json!([]));
    match (wish, criteria.as_array_mut()) {
        (GoalWish::Require(text), Some(all)) => all.push(json!(text)),
        (GoalWish::Require(text), None) => *criteria = json!([text]),
        (GoalWish::Waive(number), Some(all)) => {
            let mut places = (0..all.len()).filter(|at| criterion(&all[*at]).is_some());
            if let Some(at) = number.checked_sub(1).and_then(|index| places.nth(index)) {
                all.remove(at);
            }
        }
        _ => *criteria = json!([]),
    }
}
