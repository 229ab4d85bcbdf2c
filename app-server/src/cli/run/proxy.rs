//! Programs that read proxies from the environment send loopback there too, unless `NO_PROXY` names
//! it: the gateway would get no request.

use byokey_app_server::config::Environment;

/// Both spellings are read, by different programs and in different order.
const VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];
/// Excepts all hosts. Some programs know it only where nothing else is in the list.
const EVERYTHING: &str = "*";

/// Returns both variables with loopback added to what they have. One that is missing or empty takes
/// the other's value, so that a program that reads it first still sees the user's list.
pub(super) fn without_loopback(environment: &Environment) -> [(&'static str, String); 2] {
    let [upper, lower] = VARIABLES.map(|name| environment.get(name));
    [
        (VARIABLES[0], extended(upper.or(lower))),
        (VARIABLES[1], extended(lower.or(upper))),
    ]
}

fn extended(list: Option<&str>) -> String {
    let own = list.unwrap_or_default();
    let list = own.trim().trim_end_matches(',');
    let given: Vec<_> = list.split(',').map(str::trim).collect();
    if given.contains(&EVERYTHING) {
        return own.to_owned();
    }
    let missing = LOOPBACK.into_iter().filter(|host| !given.contains(host));
    let all = Some(list).filter(|list| !list.is_empty()).into_iter();
    all.chain(missing).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::Environment;

    use super::without_loopback;

    fn both<const N: usize>(variables: [(&str, &str); N]) -> [String; 2] {
        without_loopback(&Environment::of(variables)).map(|(_, value)| value)
    }

    #[test]
    fn loopback_is_added_and_the_rest_stays() {
        let loopback = "127.0.0.1,localhost,::1";
        assert_eq!(both([]), [loopback; 2]);
        assert_eq!(both([("NO_PROXY", " ")]), [loopback; 2]);
        let corp = format!("corp.example,{loopback}");
        assert_eq!(both([("NO_PROXY", "corp.example")]), [corp.as_str(); 2]);
        assert_eq!(both([("no_proxy", "corp.example, ")])[0], corp);
        let two = both([("NO_PROXY", "a"), ("no_proxy", "b,localhost")]);
        assert_eq!(two[0], format!("a,{loopback}"));
        assert_eq!(two[1], "b,localhost,127.0.0.1,::1");
        for everything in ["*", " * ", "corp.example,*"] {
            assert_eq!(both([("NO_PROXY", everything)]), [everything; 2]);
        }
    }
}
