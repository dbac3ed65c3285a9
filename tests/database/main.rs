//! Tests that need PostgreSQL servers: they start throw-away ones, which end with the test process.

mod cluster;
mod demo;
mod oracle;
// Clippy then takes the whole module for tests, where a panic is how to fail.
#[cfg(test)]
mod canary;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod control;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod existing;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod fixes;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod journeys_back;
#[cfg(test)]
mod journeys_people;
#[cfg(test)]
mod large;
#[cfg(test)]
mod lingering;
#[cfg(test)]
mod managed;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod namesakes;
#[cfg(test)]
mod one_state;
#[cfg(test)]
mod own_settings;
#[cfg(test)]
mod patience;
#[cfg(test)]
mod peek;
#[cfg(test)]
mod pipe;
#[cfg(test)]
mod plan_file;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod rehearse;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod resume_there;
mod retry;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod script;
#[cfg(test)]
mod selection;
#[cfg(test)]
mod source_log;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod support;
#[cfg(test)]
mod terminal;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod tour;
#[cfg(test)]
mod trust;
#[cfg(test)]
mod unheeded;
#[cfg(test)]
mod verify;
