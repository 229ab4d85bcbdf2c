//! Naming conventions of the languages.

/// Splits a name in any convention into words: `camelCase`, `snake_case`, `a/method/name`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if character.is_ascii_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// `snake_case`.
#[must_use]
pub fn snake(name: &str) -> String {
    words(name).join("_")
}

/// `SCREAMING_SNAKE_CASE`.
#[must_use]
pub fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// `kebab-case`.
#[must_use]
pub fn kebab(name: &str) -> String {
    words(name).join("-")
}

/// `PascalCase`.
#[must_use]
pub fn pascal(name: &str) -> String {
    words(name).iter().map(|word| capitalised(word)).collect()
}

/// `camelCase`.
#[must_use]
pub fn camel(name: &str) -> String {
    let words = words(name);
    let (first, rest) = words
        .split_first()
        .map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let rest = rest.iter().map(|word| capitalised(word));
    std::iter::once(first.to_owned()).chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::{camel, pascal, screaming, snake};

    #[test]
    fn names_are_turned() {
        for (name, turned) in [
            (
                "planType",
                ["plan_type", "PLAN_TYPE", "PlanType", "planType"],
            ),
            (
                "text_elements",
                [
                    "text_elements",
                    "TEXT_ELEMENTS",
                    "TextElements",
                    "textElements",
                ],
            ),
            (
                "account/rateLimits/read",
                [
                    "account_rate_limits_read",
                    "ACCOUNT_RATE_LIMITS_READ",
                    "AccountRateLimitsRead",
                    "accountRateLimitsRead",
                ],
            ),
            (
                "$/cancelRequest",
                [
                    "cancel_request",
                    "CANCEL_REQUEST",
                    "CancelRequest",
                    "cancelRequest",
                ],
            ),
        ] {
            assert_eq!(
                [snake(name), screaming(name), pascal(name), camel(name)],
                turned
            );
        }
    }
}
