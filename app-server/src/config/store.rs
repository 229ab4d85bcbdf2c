//! Where the user wants credentials stored. codex's own setting, in its file, is not ours.

use byokey_auth::stores::StoreKind;

use super::environment::Environment;
use super::findings::Stops;
use super::layers::Overrides;
use super::reader::Reader;

/// Reads `--store`, else codex's key on our own command line, else `BYOKEY_STORE`, else `store` in
/// the table `byokey` of the configuration. If the first one given is unusable, logins are stopped:
/// they would be stored in another place, or not at all. Returns `None` where none is chosen.
pub(super) fn read_kind(
    settings: &mut Reader<'_>,
    environment: &Environment,
    overrides: &Overrides,
) -> Option<StoreKind> {
    let mut strict = settings.stopping(Stops::Logins);
    // codex's own setting is not ours, but a wrong type shows a file that codex refuses.
    strict.string("cli_auth_credentials_store");
    let in_environment = environment.get("BYOKEY_STORE").map(str::to_owned);
    if in_environment.is_none() && environment.is_unreadable("BYOKEY_STORE") {
        strict.report("BYOKEY_STORE", "is not UTF-8");
    }
    let asked = [
        ("--store", overrides.store.clone()),
        (
            "cli_auth_credentials_store",
            overrides.setting("cli_auth_credentials_store"),
        ),
        ("BYOKEY_STORE", in_environment),
    ];
    let asked = asked
        .into_iter()
        .find_map(|(setting, name)| Some((setting, name?)));
    if let Some((setting, name)) = asked {
        return Some(kind(&mut strict, setting, &name));
    }
    let mut own = strict.table("byokey")?;
    let name = own.string("store")?;
    Some(kind(&mut own, "store", &name))
}

fn kind(settings: &mut Reader<'_>, setting: &str, name: &str) -> StoreKind {
    StoreKind::from_name(name).unwrap_or_else(|| {
        settings.report(setting, &format!("must be {}", StoreKind::NAMES));
        StoreKind::default()
    })
}
