//! Where credentials are kept beyond the life of the process, if the user chose a place.

mod ephemeral;

pub use ephemeral::EphemeralStore;
