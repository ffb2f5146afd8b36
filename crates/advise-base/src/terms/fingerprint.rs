use super::{Wrong, shorten};
use std::{fmt, str::FromStr};

/// The fingerprint of an OpenPGP certificate: 40 (v4) or 64 (v6) hexadecimal digits, in capitals.
///
/// It is shown in digits and kept as bytes: there are fingerprints by the hundred thousand.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// With zeros behind a short one, so that the order is that of the digits.
    bytes: [u8; 32],
    length: u8,
}

impl Fingerprint {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// In groups of four with a gap in the middle, as people compare them.
    pub fn spaced(&self) -> String {
        let groups: Vec<String> = self
            .bytes()
            .chunks(2)
            .map(|two| format!("{:02X}{:02X}", two[0], two[1]))
            .collect();
        let (left, right) = groups.split_at(groups.len() / 2);
        format!("{}  {}", left.join(" "), right.join(" "))
    }
}

impl FromStr for Fingerprint {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Fingerprint, Wrong> {
        let digits: String = text
            .chars()
            .filter(|c| *c != ' ')
            .collect::<String>()
            .to_ascii_uppercase();
        let digits = digits.strip_prefix("0X").unwrap_or(&digits);
        if matches!(digits.len(), 40 | 64) && digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            let mut fingerprint = Fingerprint {
                bytes: [0; 32],
                length: 0,
            };
            for (two, byte) in digits.as_bytes().chunks(2).zip(&mut fingerprint.bytes) {
                *byte = two.iter().fold(0, |byte, digit| byte << 4 | value(*digit));
                fingerprint.length += 1;
            }
            return Ok(fingerprint);
        }
        let wrong = Wrong::new(format!(
            "`{}` is not a certificate's fingerprint",
            shorten(text)
        ));
        Err(match digits.len() {
            8 | 16 => wrong.hint("this is a key ID, which can be forged: give the whole fingerprint of 40 or 64 digits"),
            _ => wrong.hint("write all 40 (or 64) hexadecimal digits"),
        })
    }
}

/// Of a hexadecimal digit in capitals.
fn value(digit: u8) -> u8 {
    if digit.is_ascii_digit() {
        digit - b'0'
    } else {
        digit - b'A' + 10
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By this form a published document is known again.
        f.debug_tuple("Fingerprint")
            .field(&self.to_string())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_out_as_they_went_in_and_in_their_order() {
        let texts = [
            "8DDE84B5C7676EA3C4D1C52B3C008A824D7B5100".to_string(),
            "0123456789ABCDEF".repeat(4),
            "F0".repeat(20),
        ];
        let mut all: Vec<Fingerprint> = texts
            .iter()
            .map(|text| text.parse().expect("a fingerprint"))
            .collect();
        assert!(
            all.iter()
                .zip(&texts)
                .all(|(fingerprint, text)| fingerprint.to_string() == *text)
        );
        all.sort();
        assert_eq!(
            all.iter().map(Fingerprint::to_string).collect::<Vec<_>>(),
            [&*texts[1], &*texts[0], &*texts[2]]
        );
        assert_eq!(
            format!("{:?}", all[1]),
            format!("Fingerprint({:?})", texts[0])
        );
        assert_eq!(
            all[1].spaced(),
            "8DDE 84B5 C767 6EA3 C4D1  C52B 3C00 8A82 4D7B 5100"
        );
        assert_eq!(
            "8dde 84b5 c767 6ea3 c4d1  c52b 3c00 8a82 4d7b 5100".parse(),
            Ok(all[1].clone())
        );
    }
}
