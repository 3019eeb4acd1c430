//! The production gateway under a virtual clock, with seeded faults and a model that watches.
