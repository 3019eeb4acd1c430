//! The protocol as types: envelopes, errors, events, and the bytes they become.
