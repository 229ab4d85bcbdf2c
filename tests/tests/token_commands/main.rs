//! Token commands (`model_providers.*.auth`): a program that prints the bearer of a provider, run
//! without a shell, by a small process that was started before the kernel's lock.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; figures are part of what a test shows"
)]

mod failures;
mod flight;
mod from_inside;
mod helper;
mod life;
mod lock;
mod run;
mod settings;
