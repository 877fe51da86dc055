//! The road of a message: log, inbox, watermarks, batches, parking, relay, transports and effects.
