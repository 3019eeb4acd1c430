//! An agent at work: the built program, a scripted model server and a client over real sockets. `scene` sets the
//! stage and writes down what the client sees; `order` holds the order of events, `refusals` what must not run,
//! `torture` what tools and servers may do to a session, `seasons` a thousand turns with everything at random
//! before a `judge` of what the model is sent.

mod judge;
mod order;
mod refusals;
mod scene;
mod seasons;
mod torture;
