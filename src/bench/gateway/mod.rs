//! The gateways that are measured, and the model server behind them: how each is named on the command line,
//! started, found and ended. Knows commands, folders and processes; knows nothing of the wire.

mod child;
mod home;
mod model;
mod spec;
mod start;

pub use child::{Child, Stdout};
pub use home::Home;
pub use model::{Model, ModelSpec};
pub use spec::{Agent, GatewaySpec, Kind, SpecError};
pub use start::{Server, StdioGateway};
