//! A scripted model server on a loop of its own.
