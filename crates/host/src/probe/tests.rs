//! Recognising contents by their bytes.

use super::*;

fn blank() -> Vec<u8> {
    vec![0; END]
}

fn with(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut head = blank();
    head[offset..offset + bytes.len()].copy_from_slice(bytes);
    head
}

fn ext4(state: u16, incompat: u32) -> Vec<u8> {
    let mut head = blank();
    let sb = &mut head[1024..2048];
    sb[0x38..0x3a].copy_from_slice(&0xef53u16.to_le_bytes());
    sb[0x3a..0x3c].copy_from_slice(&state.to_le_bytes());
    sb[0x60..0x64].copy_from_slice(&incompat.to_le_bytes());
    sb[0x04..0x08].copy_from_slice(&1000u32.to_le_bytes());
    sb[0x18..0x1c].copy_from_slice(&2u32.to_le_bytes());
    sb[0x68..0x78].copy_from_slice(&[7; 16]);
    head
}

#[test]
fn an_ext4_superblock_gives_uuid_size_and_cleanness() {
    let Content::Ext4(fs) = identify(&ext4(1, 0x40 | 0x2), &blank()) else { panic!("not ext4") };
    assert_eq!((fs.size, fs.clean), (4_096_000, true));
    assert_eq!(fs.uuid, "07070707-0707-0707-0707-070707070707");
    let clean = |head: &[u8]| matches!(identify(head, &blank()), Content::Ext4(fs) if fs.clean);
    assert!(!clean(&ext4(3, 0x40)));
    assert!(!clean(&ext4(1, 0x44)));
}

#[test]
fn an_older_ext_is_not_ext4() {
    assert_eq!(identify(&ext4(1, 0x2), &blank()), Content::Foreign("ext2".into()));
}

#[test]
fn an_xfs_in_the_making_is_not_clean() {
    let mut head = with(0, b"XFSB");
    head[4..8].copy_from_slice(&4096u32.to_be_bytes());
    head[8..16].copy_from_slice(&100u64.to_be_bytes());
    assert!(matches!(identify(&head, &blank()), Content::Xfs(fs) if fs.clean && fs.size == 409_600));
    head[126] = 1;
    assert!(matches!(identify(&head, &blank()), Content::Xfs(fs) if !fs.clean));
}

#[test]
fn every_foreign_signature_is_refused_by_name() {
    for (offset, magic, name) in FIXED {
        assert_eq!(identify(&with(offset, magic), &blank()), Content::Foreign(name.into()));
    }
    assert_eq!(
        identify(&with(510, b"\x55\xaa"), &blank()),
        Content::Foreign("boot sector or MBR partition table".into())
    );
    let zfs = with((128 << 10) + 2048, &0x00ba_b10cu64.to_be_bytes());
    assert_eq!(identify(&zfs, &blank()), Content::Foreign("ZFS".into()));
    assert_eq!(
        identify(&blank(), &with(END - 512, b"EFI PART")),
        Content::Foreign("GPT partition table".into())
    );
    assert_eq!(
        identify(&blank(), &with(END - (64 << 10), b"\xfc\x4e\x2b\xa9")),
        Content::Foreign("MD RAID".into())
    );
}

#[test]
fn a_file_system_beside_another_signature_is_foreign() {
    let mut head = ext4(1, 0x40);
    head[0..6].copy_from_slice(b"LUKS\xba\xbe");
    assert_eq!(identify(&head, &blank()), Content::Foreign("LUKS and ext4".into()));
    assert_eq!(identify(&blank(), &blank()), Content::Nothing);
}

#[test]
fn backup_spots_lie_within_the_device() {
    let size = 48 << 20;
    let spots = backup_spots(size);
    assert!(spots.iter().all(|spot| spot + 4096 <= size && spot % 4096 == 0));
    assert!(spots.contains(&(8 << 20)) && spots.contains(&(12 << 20)) && !spots.contains(&(128 << 20)));
}
