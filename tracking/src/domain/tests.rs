//! Examples and properties of the deciders.
