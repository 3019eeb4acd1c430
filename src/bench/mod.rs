//! The black-box client that measures a gateway: scenarios, load, and the report.
