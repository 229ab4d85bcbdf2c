//! Writes every file that is generated from the types of the protocol.

fn main() -> byokey_schema::Result<()> {
    byokey_schema::output::write()
}
