//! Payment through its real edges.
