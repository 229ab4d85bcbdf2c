//! Writes every generated file.
//!
//! With `--record-baseline` it also records the state of the wire that later ones are compared
//! with. That is done once per version of the protocol.

use byokey_schema::{Result, collect, json_text, output, wire};

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == "--record-baseline") {
        let wire = json_text::write(&wire::of(&collect::definitions()?));
        output::write_file(output::BASELINE, &(wire + "\n"))?;
    }
    output::write()
}
