//! Pages for the browser.

use hyper::StatusCode;

use crate::answer::whole::Answer;

/// Returns a page with that title. `body` is HTML.
pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Answer {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto;padding:0 1rem}}\
         button,input{{font:inherit;padding:.3rem 1rem}}</style></head><body><main><h1>{title}</h1>{body}\
         <p><small>Everything here is made up: the issuer, the person and the tokens.</small></p>\
         </main></body></html>"
    );
    Answer::html(status, html)
}

/// Returns a form that submits to the same page, with hidden fields and buttons.
pub(super) fn form(fields: &[(&str, &str)], visible: &str, buttons: &[(&str, &str)]) -> String {
    let mut form = "<form method=\"get\">".to_owned();
    for (name, value) in fields {
        form.push_str(&format!(
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escaped(name),
            escaped(value)
        ));
    }
    form.push_str(visible);
    for (name, label) in buttons {
        form.push_str(&format!(
            "<button name=\"{name}\" value=\"yes\">{label}</button> "
        ));
    }
    form + "</form>"
}

/// Escapes text for HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
