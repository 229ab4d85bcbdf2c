//! Usage of accounts with other plans.

use hyper::StatusCode;

use super::preset::{Context, Preset};
use crate::answer::whole::Answer;
use crate::defaults::usage::{Variant, variant};
use crate::request::route::Route;

/// Returns a preset for the usage route.
const fn usage(
    name: &'static str,
    about: &'static str,
    answer: fn(&Context<'_>) -> Answer,
) -> Preset {
    Preset {
        name,
        about,
        route: Route::Usage,
        answer,
    }
}

pub(super) const PRESETS: &[Preset] = &[
    usage("usage-plus", "two windows and credits", |context| {
        body(context, Variant::Plus)
    }),
    usage(
        "usage-weekly-only",
        "the weekly window as the primary one, and no other",
        |context| body(context, Variant::WeeklyOnly),
    ),
    usage(
        "usage-business",
        "`rate_limit` and `credits` null, as for business and enterprise",
        |context| body(context, Variant::Business),
    ),
    usage(
        "usage-credits-exhausted",
        "both windows and the credits used up",
        |context| body(context, Variant::CreditsExhausted),
    ),
    usage(
        "usage-spend-control",
        "the limit of one member of a workspace, reached",
        |context| body(context, Variant::SpendControl),
    ),
    usage(
        "usage-odd",
        "an empty balance, objects of nulls, a second limit, unknown members",
        |context| body(context, Variant::Odd),
    ),
];

fn body(context: &Context<'_>, which: Variant) -> Answer {
    Answer::json(StatusCode::OK, &variant(context.request, which))
}
