//! Lines made of coloured pieces.

use super::style::Style;

/// Pieces of a line.
pub(super) type Line = Vec<(Style, String)>;

/// Returns the length in characters.
pub(super) fn length(pieces: &[(Style, String)]) -> usize {
    pieces.iter().map(|(_, text)| text.chars().count()).sum()
}

/// Cuts a line to this many characters, ending in an ellipsis.
pub(super) fn cut(pieces: &mut Line, width: usize) {
    if length(pieces) <= width {
        return;
    }
    let mut room = width.saturating_sub(1);
    for (_, text) in pieces.iter_mut() {
        *text = text.chars().take(room).collect();
        room -= text.chars().count();
    }
    if let Some((_, text)) = pieces.iter_mut().rfind(|(_, text)| !text.is_empty()) {
        text.push('…');
    }
}

/// Returns faint text with highlighted names of tokens.
pub(super) fn with_tokens(text: &str) -> Line {
    let mut line = Line::new();
    for part in text.split_inclusive('›') {
        let (before, token) = part.split_at(part.find('‹').unwrap_or(part.len()));
        line.push((Style::Faint, before.to_owned()));
        line.push((Style::Token, token.to_owned()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(texts: &[&str]) -> Line {
        texts
            .iter()
            .map(|text| (Style::Plain, (*text).to_owned()))
            .collect()
    }

    fn cut_to(texts: &[&str], width: usize) -> String {
        let mut line = pieces(texts);
        cut(&mut line, width);
        line.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_line_is_cut_at_the_width_in_characters() {
        assert_eq!(cut_to(&["→ä", "bc"], 4), "→äbc");
        assert_eq!(cut_to(&["→ä", "bc"], 3), "→ä…");
        assert_eq!(cut_to(&["→ä", "bc"], 1), "");
        assert_eq!(cut_to(&["→ä", "bcd"], 4), "→äb…");
    }

    #[test]
    fn the_name_of_a_token_has_its_own_colour() {
        let line = with_tokens(r#"{"a":‹token›,"b":1}"#);
        let token: Vec<_> = line
            .iter()
            .filter(|(style, _)| *style == Style::Token)
            .collect();
        assert_eq!(token[0].1, "‹token›");
        assert_eq!(length(&line), r#"{"a":‹token›,"b":1}"#.chars().count());
    }
}
