//! The table of what may be done with what is found.

use super::*;

fn fs(uuid: &str, clean: bool) -> FoundFs {
    FoundFs { uuid: uuid.into(), size: 1, clean }
}

fn record(origin: Origin) -> FsRecord {
    FsRecord { fs: FsType::Ext4, uuid: "a".into(), origin, filled: 0 }
}

fn refused(decision: &Decision) -> bool {
    matches!(decision, Decision::Refuse(_))
}

#[test]
fn only_a_volume_born_empty_without_any_trace_is_formatted() {
    assert_eq!(decide(FsType::Ext4, &Content::Nothing, None, true), Decision::Make);
    assert!(refused(&decide(FsType::Ext4, &Content::Nothing, None, false)));
    assert!(refused(&decide(FsType::Ext4, &Content::Nothing, Some(&record(Origin::Made)), true)));
    assert!(refused(&decide(FsType::Ext4, &Content::Nothing, Some(&record(Origin::Found)), true)));
    assert!(refused(&decide(FsType::Ext4, &Content::Foreign("LUKS".into()), None, true)));
    assert!(refused(&decide(FsType::Ext4, &Content::Xfs(fs("a", true)), None, true)));
}

#[test]
fn the_wanted_file_system_is_used_whoever_made_it() {
    let found = Content::Ext4(fs("b", false));
    for before in [None, Some(record(Origin::Made)), Some(record(Origin::Found))] {
        for born_empty in [false, true] {
            assert_eq!(
                decide(FsType::Ext4, &found, before.as_ref(), born_empty),
                Decision::Use(fs("b", false))
            );
        }
    }
}

#[test]
fn a_broken_off_mkfs_is_used_if_complete_and_repeated_if_not() {
    let making = record(Origin::Making);
    let decide = |content: &Content, empty| decide(FsType::Ext4, content, Some(&making), empty);
    assert_eq!(decide(&Content::Ext4(fs("a", true)), true), Decision::Use(fs("a", true)));
    assert_eq!(decide(&Content::Ext4(fs("a", false)), true), Decision::MakeAgain);
    assert!(refused(&decide(&Content::Ext4(fs("b", true)), true)));
    assert!(refused(&decide(&Content::Foreign("LUKS".into()), true)));
    assert_eq!(decide(&Content::Nothing, true), Decision::MakeAgain);
    assert!(refused(&decide(&Content::Nothing, false)));
}
