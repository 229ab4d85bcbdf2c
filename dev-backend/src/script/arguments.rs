//! Parses presets and settings on the command line.

use serde_json::{Value, json};

use super::error::ScriptError;
use super::step::Step;
use crate::presets::table;
use crate::request::route::Route;
use crate::settings::measured::Settings;

/// Parses `[ROUTE=]NAME[:TIMES]`: the step, and its route.
pub(super) fn preset(text: &str) -> Result<(Route, Step), ScriptError> {
    let wrong = |problem: String| ScriptError::Argument {
        argument: text.to_owned(),
        problem,
    };
    let (route, rest) = match text.split_once('=') {
        Some((route, rest)) => (Some(route), rest),
        None => (None, text),
    };
    let (name, times) = rest.split_once(':').unwrap_or((rest, "0"));
    let times: u32 = times
        .parse()
        .map_err(|_| wrong("the part after the colon is a number of times".to_owned()))?;
    let step = json!({"preset": name, "repeat": times});
    let step = Step::from_value(step).map_err(|error| wrong(error.to_string()))?;
    let route = match route {
        Some(route) => Route::named(route).ok_or_else(|| {
            let routes = Route::ALL.map(Route::name).join(", ");
            wrong(format!("no such route: {route}, expected one of {routes}"))
        })?,
        None => table::named(name).map_or(Route::Responses, |preset| preset.route),
    };
    Ok((route, step))
}

/// Changes settings by `NAME=VALUE`. Names of unpublished ones begin with `unpublished.`.
pub(super) fn change(settings: Settings, changes: &[String]) -> Result<Settings, ScriptError> {
    let mut all = serde_json::to_value(&settings).unwrap_or_default();
    for change in changes {
        let wrong = |problem: String| ScriptError::Argument {
            argument: change.clone(),
            problem,
        };
        let (path, value) = change
            .split_once('=')
            .ok_or_else(|| wrong("a setting is NAME=VALUE".to_owned()))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        let mut place = &mut all;
        for name in path.split('.') {
            if !place.is_object() {
                return Err(wrong(format!("no such setting: {path}")));
            }
            place = &mut place[name];
        }
        *place = value;
        // Parsed immediately, so that the error belongs to this argument.
        serde_json::from_value::<Settings>(all.clone())
            .map_err(|error| wrong(error.to_string()))?;
    }
    Ok(serde_json::from_value(all).unwrap_or(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(changes: &[&str]) -> Result<Settings, String> {
        let changes: Vec<_> = changes.iter().map(|change| (*change).to_owned()).collect();
        change(Settings::default(), &changes).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_are_changed_by_name() {
        let settings = changed(&[
            "strict=false",
            "unpublished.refreshGraceSeconds=30",
            "unpublished.deviceDeniedCode=declined",
            "unpublished.liteOnlyModels=[\"gpt-6.2-sol\"]",
        ])
        .unwrap();
        assert!(!settings.strict && settings.odd);
        assert_eq!(settings.unpublished.refresh_grace_seconds, 30);
        assert_eq!(settings.unpublished.device_denied_code, "declined");
        assert_eq!(settings.unpublished.lite_only_models, ["gpt-6.2-sol"]);
        for (wrong, expected) in [
            ("strict", "a setting is NAME=VALUE"),
            ("strict=maybe", "expected a boolean"),
            ("stritc=false", "unknown field `stritc`"),
            ("strict.more=1", "no such setting: strict.more"),
            ("unpublished.none=1", "unknown field `none`"),
        ] {
            let error = changed(&[wrong]).unwrap_err();
            assert!(
                error.starts_with(wrong) && error.contains(expected),
                "{error}"
            );
        }
    }

    #[test]
    fn presets_have_a_route_and_a_number_of_times() {
        let read = |text| preset(text).map(|(route, step)| (route, step.repeat));
        assert_eq!(read("cyber").unwrap(), (Route::Responses, 0));
        assert_eq!(read("usage-plus:2").unwrap(), (Route::Usage, 2));
        assert_eq!(
            read("token=cloudflare-challenge").unwrap(),
            (Route::Token, 0)
        );
        for (wrong, expected) in [
            ("cybre", "no such preset: cybre, expected one of "),
            ("here=cyber", "no such route: here, expected one of "),
            ("cyber:often", "a number of times"),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(
                error.starts_with(wrong) && error.contains(expected),
                "{error}"
            );
        }
    }
}
