//! A record of what a client and a gateway said, with its times: writing it and playing it again.
