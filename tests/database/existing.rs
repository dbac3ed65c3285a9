//! Rows into tables that are there already.
