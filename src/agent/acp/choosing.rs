//! Between turns: what the agent offers in a session, and a switch to another mode or model. Knows nothing of
//! prompts.

use super::failure::Failure;
use super::hub::{Holder, Hub, Known};
use super::session::Opening;
use crate::model::menu::{Menu, Pick};
use crate::model::turn::TurnSpec;

/// Most that are told of what could be chosen instead.
const TOLD_MAX: usize = 20;

/// What is on offer in the session, which is opened if need be, after the switch that is wanted; an error for
/// people.
pub(super) fn run(
    hub: &Hub,
    spec: &TurnSpec,
    pick: Option<(Pick, String)>,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Menu, String> {
    let seat = hub.enter(&spec.session_key, Holder::Choice, is_stopped);
    let mut seat = seat.map_err(|failure| failure.to_string())?;
    let known = &mut seat.known;
    let connection = hub.connect(is_stopped).map_err(|failure| failure.to_string())?;
    let say = |_: &'static str, text: String| log::info!("{text}");
    let opening = Opening { hub, connection: &connection, is_stopped, say: &say };
    switched(&opening, known, spec, pick).map_err(|failure| connection.explained(failure).to_string())?;
    let menu = known.card.menu.clone();
    known.told.clone_from(&menu);
    Ok(menu)
}

fn switched(
    opening: &Opening<'_>,
    known: &mut Known,
    spec: &TurnSpec,
    pick: Option<(Pick, String)>,
) -> Result<(), Failure> {
    let length = known.length;
    let opened = opening.open(known, spec);
    if !known.is_untold {
        // Nothing was said here: the next turn still has to look whether the conversation was cut, also where
        // the agent took the session up again, or did not open it.
        known.length = length;
    }
    let session = opened?;
    for update in opening.connection.peer.asides(&session) {
        known.hear(&update);
    }
    let Some((pick, word)) = pick else { return Ok(()) };
    let (noun, choices) = (pick.as_str(), known.card.menu.choices(pick));
    if choices.all.is_empty() {
        return Err(Failure::Unready(format!("The agent offers no {noun}s to choose from.")));
    }
    let Some(id) = choices.find(&word).map(|offer| offer.id.clone()) else {
        let ids: Vec<&str> = choices.all.iter().take(TOLD_MAX).map(|offer| offer.id.as_str()).collect();
        return Err(Failure::Unready(format!("The agent has no such {noun}. It has: {}.", ids.join(", "))));
    };
    if id != choices.current {
        opening.choose(known, &session, pick, &id)?;
    }
    if pick == Pick::Mode {
        known.mode = Some(id);
    }
    Ok(())
}
