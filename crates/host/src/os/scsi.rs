//! SCSI commands as bytes and their answers as meanings. No IO.

/// What a device said to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer<T> {
    /// It answered.
    Data(T),
    /// There is no logical unit behind this path any more: proof that the array unmapped it.
    NotMapped,
    /// Not now; ask again.
    Later(String),
    /// No answer. Says nothing about identity.
    Silent(String),
}

impl<T> Answer<T> {
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> Answer<U>) -> Answer<U> {
        match self {
            Self::Data(data) => change(data),
            Self::NotMapped => Answer::NotMapped,
            Self::Later(why) => Answer::Later(why),
            Self::Silent(why) => Answer::Silent(why),
        }
    }
}

/// INQUIRY of the Device Identification page.
pub(crate) const IDENTIFICATION: [u8; 6] = [0x12, 1, 0x83, 0x04, 0, 0];
/// How much of it is asked for.
pub(crate) const IDENTIFICATION_LENGTH: usize = 1024;
/// READ CAPACITY(16), 32 bytes.
pub(crate) const CAPACITY: [u8; 16] = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0];

/// The raw outcome of SG_IO.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: u8,
    pub(crate) host_status: u16,
    pub(crate) driver_status: u16,
    pub(crate) sense: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Outcome {
    /// Key, code and qualifier of fixed or descriptor sense data.
    fn sense(&self) -> Option<(u8, u8, u8)> {
        let at = |index: usize| self.sense.get(index).copied();
        match at(0)? & 0x7f {
            0x70 | 0x71 => Some((at(2)? & 0x0f, at(12).unwrap_or(0), at(13).unwrap_or(0))),
            0x72 | 0x73 => Some((at(1)? & 0x0f, at(2)?, at(3)?)),
            _ => None,
        }
    }

    /// Takes the outcome for what it means.
    pub(crate) fn meaning(self) -> Answer<Vec<u8>> {
        if self.host_status != 0 {
            return Answer::Silent(format!("transport status {:#x}", self.host_status));
        }
        match (self.status & 0x3e, self.sense()) {
            (0, _) => Answer::Data(self.data),
            (_, Some((5, 0x25, _))) => Answer::NotMapped,
            (_, Some((6, code, qualifier))) => {
                Answer::Later(format!("unit attention {code:02x}/{qualifier:02x}"))
            }
            (_, Some((2, 4, qualifier))) => Answer::Later(format!("not ready 04/{qualifier:02x}")),
            (_, Some((key, code, qualifier))) => {
                Answer::Silent(format!("sense {key:x}/{code:02x}/{qualifier:02x}"))
            }
            (8 | 0x28, None) => Answer::Later("busy".to_owned()),
            (status, None) => Answer::Silent(format!("status {status:#x}, driver {:#x}", self.driver_status)),
        }
    }
}

/// An identification page counts only from a connected unit (qualifier 0).
pub(crate) fn identification(page: Vec<u8>) -> Answer<Vec<u8>> {
    match page.first().map(|byte| byte >> 5) {
        Some(0) => Answer::Data(page),
        Some(1 | 3) => Answer::NotMapped,
        _ => Answer::Silent("an identification page without a known qualifier".to_owned()),
    }
}

/// The capacity in bytes.
pub(crate) fn capacity(data: &[u8]) -> Answer<u64> {
    let Some((last, block)) = data.first_chunk::<8>().zip(data.get(8..12).and_then(<[u8]>::first_chunk::<4>))
    else {
        return Answer::Silent("a capacity too short to read".to_owned());
    };
    let blocks = u64::from_be_bytes(*last).saturating_add(1);
    Answer::Data(blocks.saturating_mul(u64::from(u32::from_be_bytes(*block))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(key: u8, code: u8, qualifier: u8) -> Outcome {
        let mut sense = vec![0; 18];
        (sense[0], sense[2], sense[12], sense[13]) = (0x70, key, code, qualifier);
        Outcome { status: 2, sense, ..Outcome::default() }
    }

    #[test]
    fn only_logical_unit_not_supported_proves_an_unmapping() {
        assert_eq!(fixed(5, 0x25, 0).meaning(), Answer::NotMapped);
        assert_eq!(
            Outcome { status: 2, sense: vec![0x72, 5, 0x25, 0], ..Outcome::default() }.meaning(),
            Answer::NotMapped
        );
        assert!(matches!(fixed(5, 0x20, 0).meaning(), Answer::Silent(_)));
        assert!(matches!(Outcome { host_status: 1, ..Outcome::default() }.meaning(), Answer::Silent(_)));
    }

    #[test]
    fn attention_and_becoming_ready_are_asked_again() {
        assert!(matches!(fixed(6, 0x29, 0).meaning(), Answer::Later(_)));
        assert!(matches!(fixed(2, 4, 1).meaning(), Answer::Later(_)));
        assert!(matches!(fixed(2, 0x3a, 0).meaning(), Answer::Silent(_)));
    }

    #[test]
    fn a_disconnected_qualifier_is_no_identity() {
        assert_eq!(identification(vec![0x20, 0x83, 0, 0]), Answer::NotMapped);
        assert_eq!(identification(vec![0x7f, 0x83, 0, 0]), Answer::NotMapped);
        assert_eq!(identification(vec![0, 0x83, 0, 0]), Answer::Data(vec![0, 0x83, 0, 0]));
    }

    #[test]
    fn capacity_is_the_last_block_plus_one() {
        let mut data = vec![0; 32];
        data[6..8].copy_from_slice(&[0x07, 0xff]);
        data[10] = 2;
        assert_eq!(capacity(&data), Answer::Data(0x800 * 512));
        assert!(matches!(capacity(&data[..10]), Answer::Silent(_)));
    }
}
