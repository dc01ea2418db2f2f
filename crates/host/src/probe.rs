//! What lies on a device, by its bytes: our two file systems with their facts, everything else by name. No IO.

/// A file system of a type we mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundFs {
    pub(crate) uuid: String,
    /// Bytes that it spans.
    pub(crate) size: u64,
    /// Unmounted in order, without errors.
    pub(crate) clean: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// No signature known here. Not a proof of emptiness.
    Nothing,
    Ext4(FoundFs),
    Xfs(FoundFs),
    /// Anything else, or more than one thing, by name.
    Foreign(String),
}

/// How much of the device's start and end is read.
pub(crate) const END: usize = 1 << 20;

/// Reads the first and the last [`END`] bytes of a device.
pub(crate) fn identify(head: &[u8], tail: &[u8]) -> Content {
    let mut names = foreign(head, tail);
    let ext = ext(head);
    let xfs = xfs(head);
    names.extend(ext.as_ref().filter(|(name, _)| *name != "ext4").map(|(name, _)| (*name).to_owned()));
    match (names.is_empty(), ext, xfs) {
        (true, None, None) => Content::Nothing,
        (true, Some((_, fs)), None) => Content::Ext4(fs),
        (true, None, Some(fs)) => Content::Xfs(fs),
        (_, ext, xfs) => {
            names.extend(ext.filter(|(name, _)| *name == "ext4").map(|_| "ext4".to_owned()));
            names.extend(xfs.map(|_| "xfs".to_owned()));
            Content::Foreign(names.join(" and "))
        }
    }
}

fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset + N)?.first_chunk().copied()
}

fn le32(bytes: &[u8], offset: usize) -> u32 {
    at(bytes, offset).map_or(0, u32::from_le_bytes)
}

fn le16(bytes: &[u8], offset: usize) -> u16 {
    at(bytes, offset).map_or(0, u16::from_le_bytes)
}

fn uuid(bytes: &[u8], offset: usize) -> String {
    at(bytes, offset).map_or_else(String::new, |bytes| uuid::Uuid::from_bytes(bytes).hyphenated().to_string())
}

/// ext2, ext3 or ext4 by its features.
fn ext(head: &[u8]) -> Option<(&'static str, FoundFs)> {
    let sb = head.get(1024..2048)?;
    if le16(sb, 0x38) != 0xef53 {
        return None;
    }
    let (state, compat, incompat, ro_compat) =
        (le16(sb, 0x3a), le32(sb, 0x5c), le32(sb, 0x60), le32(sb, 0x64));
    // beyond what ext3 knows: filetype, recover, meta_bg; sparse_super, large_file
    let ext4 = incompat & !(0x2 | 0x4 | 0x10) != 0 || ro_compat & !(0x1 | 0x2) != 0;
    let name = if ext4 {
        "ext4"
    } else if compat & 0x4 != 0 {
        "ext3"
    } else {
        "ext2"
    };
    let high = if incompat & 0x80 != 0 { u64::from(le32(sb, 0x150)) << 32 } else { 0 };
    let blocks = high | u64::from(le32(sb, 0x04));
    let size = blocks.saturating_mul(1024u64.checked_shl(le32(sb, 0x18)).unwrap_or(0));
    // 1: unmounted, 2: errors; 4 among the features: the journal must be replayed
    let clean = state & 3 == 1 && incompat & 0x4 == 0;
    Some((name, FoundFs { uuid: uuid(sb, 0x68), size, clean }))
}

fn xfs(head: &[u8]) -> Option<FoundFs> {
    if !head.starts_with(b"XFSB") {
        return None;
    }
    let block = u64::from(at(head, 4).map_or(0, u32::from_be_bytes));
    let blocks = at(head, 8).map_or(0, u64::from_be_bytes);
    // 126: mkfs sets it while it works and clears it at its end
    let clean = head.get(126) == Some(&0);
    Some(FoundFs { uuid: uuid(head, 32), size: block.saturating_mul(blocks), clean })
}

/// Signatures at fixed places from the start.
const FIXED: [(usize, &[u8], &str); 18] = [
    (0, b"LUKS\xba\xbe", "LUKS"),
    (0, b"SKUL\xba\xbe", "LUKS"),
    (0x4000, b"SKUL\xba\xbe", "LUKS"),
    (512, b"EFI PART", "GPT partition table"),
    (4096, b"EFI PART", "GPT partition table"),
    (0, b"LABELONE", "LVM physical volume"),
    (512, b"LABELONE", "LVM physical volume"),
    (1024, b"LABELONE", "LVM physical volume"),
    (1536, b"LABELONE", "LVM physical volume"),
    (0, b"\xfc\x4e\x2b\xa9", "MD RAID"),
    (4096, b"\xfc\x4e\x2b\xa9", "MD RAID"),
    (4086, b"SWAPSPACE2", "swap"),
    (4086, b"SWAP-SPACE", "swap"),
    (65600, b"_BHRfS_M", "btrfs"),
    (4120, b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", "bcache"),
    (3, b"NTFS    ", "NTFS"),
    (32769, b"CD001", "ISO 9660"),
    (1024, b"\x10\x20\xf5\xf2", "F2FS"),
];

fn foreign(head: &[u8], tail: &[u8]) -> Vec<String> {
    let mut names: Vec<&str> = FIXED
        .iter()
        .filter(|(offset, magic, _)| head.get(*offset..).is_some_and(|rest| rest.starts_with(magic)))
        .map(|(_, _, name)| *name)
        .collect();
    if head.get(510..512) == Some(b"\x55\xaa") {
        names.push("boot sector or MBR partition table");
    }
    names.extend(zfs(head));
    let from_end =
        |back: usize| tail.len().checked_sub(back).and_then(|start| tail.get(start..)).unwrap_or_default();
    let md = [8 << 10, 12 << 10, 64 << 10, 128 << 10];
    if md.iter().any(|&back| from_end(back).starts_with(b"\xfc\x4e\x2b\xa9")) {
        names.push("MD RAID");
    }
    if [512, 4096].iter().any(|&back| from_end(back).starts_with(b"EFI PART")) {
        names.push("GPT partition table");
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(str::to_owned).collect()
}

/// An uberblock in the first label, of either byte order.
fn zfs(head: &[u8]) -> Option<&'static str> {
    let blocks = head.get(128 << 10..256 << 10)?.chunks(1024);
    let magic = [0x00ba_b10c_u64.to_le_bytes(), 0x00ba_b10c_u64.to_be_bytes()];
    blocks.into_iter().any(|block| magic.iter().any(|magic| block.starts_with(magic))).then_some("ZFS")
}

/// Places besides both ends where copies of headers and superblocks lie, for a device of `size` bytes.
pub(crate) fn backup_spots(size: u64) -> Vec<u64> {
    const K: u64 = 1024;
    const M: u64 = K * K;
    // LUKS2 second headers; ext4 group 1 for blocks of 1, 2 and 4 KiB; btrfs copy; XFS allocation groups
    let fixed = [M, 2 * M, 4 * M, 8 * M, 32 * M, 64 * M, 128 * M];
    let parts = [size / 4, size / 2, size / 4 * 3].map(|spot| spot / 4096 * 4096);
    let mut spots: Vec<u64> = fixed.into_iter().chain(parts).filter(|spot| spot + 4096 <= size).collect();
    spots.sort_unstable();
    spots.dedup();
    spots
}

#[cfg(test)]
mod tests;
