//! Every preset.

use super::preset::Preset;
use super::{edge, issuer, limits, refusals, routing, sharing, streams, usage};
use crate::request::route::Route;

/// Iterates over all presets.
pub(crate) fn all() -> impl Iterator<Item = &'static Preset> {
    [
        edge::PRESETS,
        refusals::PRESETS,
        limits::PRESETS,
        streams::PRESETS,
        sharing::PRESETS,
        usage::PRESETS,
        routing::PRESETS,
        issuer::PRESETS,
    ]
    .into_iter()
    .flatten()
}

/// Iterates over the presets: name, description, and default route.
pub fn presets() -> impl Iterator<Item = (&'static str, &'static str, Route)> {
    all().map(|preset| (preset.name, preset.about, preset.route))
}

/// Returns the names of all presets.
pub(crate) fn names() -> Vec<&'static str> {
    all().map(|preset| preset.name).collect()
}

/// Returns the preset of that name.
pub(crate) fn named(name: &str) -> Option<&'static Preset> {
    all().find(|preset| preset.name == name)
}
