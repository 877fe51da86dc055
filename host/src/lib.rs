//! Joins pipeline and chassis: how a service starts, answers commands and says that it is ready.
