//! Conversations that outlive their process: a home whose server ends in order or is killed, and begins
//! again. `life` sets that up; `restart` holds what has to be there afterwards, `crash` what was under way
//! when it died, `trouble` what happens when nothing can be stored, or shall not be.

mod crash;
mod life;
mod restart;
mod trouble;
