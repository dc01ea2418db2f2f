//! Tests of the parsing of capabilities.

use v1::volume_capability::{AccessMode as ProtoAccessMode, BlockVolume};

use super::*;

fn capability(access_type: Option<ProtoAccessType>, mode: i32) -> v1::VolumeCapability {
    v1::VolumeCapability { access_type, access_mode: Some(ProtoAccessMode { mode }) }
}

fn mount(fs_type: &str) -> Option<ProtoAccessType> {
    Some(ProtoAccessType::Mount(MountVolume { fs_type: fs_type.into(), ..MountVolume::default() }))
}

fn block() -> Option<ProtoAccessType> {
    Some(ProtoAccessType::Block(BlockVolume {}))
}

fn parse(given: &v1::VolumeCapability) -> Result<Capability, Failure> {
    Capability::parse("volume_capability", Some(given))
}

#[test]
fn every_mode_of_the_interface_is_understood() {
    for mode in 1..=7 {
        assert!(parse(&capability(block(), mode)).is_ok(), "mode {mode}");
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let no_mode = v1::VolumeCapability { access_type: block(), access_mode: None };
    let grouped = MountVolume { volume_mount_group: "1000".into(), ..MountVolume::default() };
    for (given, field) in [
        (capability(None, 1), "volume_capability.access_type: "),
        (no_mode, "volume_capability.access_mode: is missing"),
        (capability(block(), 0), "volume_capability.access_mode: is UNKNOWN"),
        (capability(block(), 8), "volume_capability.access_mode: 8 is no access mode"),
        (capability(mount(&"x".repeat(200)), 1), "volume_capability.mount.fs_type: "),
        (
            capability(Some(ProtoAccessType::Mount(grouped)), 1),
            "volume_capability.mount.volume_mount_group: ",
        ),
    ] {
        let failure = parse(&given).unwrap_err();
        assert!(failure.message.starts_with(field), "{failure}");
    }
    let failure = Capability::parse("volume_capability", None).unwrap_err();
    assert_eq!(failure.message, "volume_capability: is missing");
}

#[test]
fn many_nodes_may_share_a_device_but_not_a_file_system_that_is_written() {
    let safe = |access, mode: Mode| {
        parse(&capability(access, mode as i32)).unwrap().require_safe("volume_capability").is_ok()
    };
    assert!(safe(block(), Mode::MultiNodeMultiWriter));
    assert!(safe(mount("ext4"), Mode::MultiNodeReaderOnly));
    assert!(safe(mount("ext4"), Mode::SingleNodeMultiWriter));
    assert!(!safe(mount("ext4"), Mode::MultiNodeMultiWriter));
    assert!(!safe(mount("ext4"), Mode::MultiNodeSingleWriter));
}
