//! Tests of the codec.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

use super::*;

fn example() -> PublishContext {
    PublishContext {
        protocol: Protocol::Iscsi,
        wwid: "naa.6f47acc1000000003572746b0000002a".into(),
        wwid_alt: None,
        size: 1 << 30,
        paths: vec![Path::Iscsi {
            portal: "10.0.0.1:3260".into(),
            iqn: "iqn.2010-01.com.solidfire:5rtk.pvc.42".into(),
            lun: 0,
        }],
        min_paths: 1,
        read_only: false,
        generation: 1,
        discard: false,
    }
}

fn paths() -> impl Strategy<Value = (Protocol, Vec<Path>)> {
    let iscsi = ("[0-9.]{7,15}:[0-9]{4}", "iqn[.a-z0-9:-]{8,60}", any::<u64>())
        .prop_map(|(portal, iqn, lun)| Path::Iscsi { portal, iqn, lun });
    let fc = ("[0-9a-f]{16}", any::<u64>()).prop_map(|(wwpn, lun)| Path::Fc { wwpn, lun });
    prop_oneof![
        (prop_oneof![Just(Protocol::Iscsi), Just(Protocol::Iser)], vec(iscsi, 1..=MAX_PATHS)),
        (Just(Protocol::Fc), vec(fc, 1..=MAX_PATHS)),
    ]
}

fn contexts() -> impl Strategy<Value = PublishContext> {
    let identity = ("(naa|eui)\\.[0-9a-f]{16,32}", prop::option::of("eui\\.[0-9a-f]{16}"), 1..=u64::MAX);
    let rest = (any::<bool>(), any::<u64>(), any::<bool>(), any::<prop::sample::Index>());
    (paths(), identity, rest).prop_map(
        |((protocol, paths), (wwid, wwid_alt, size), (read_only, generation, discard, index))| {
            let min_paths = index.index(paths.len()) + 1;
            PublishContext {
                protocol,
                wwid,
                wwid_alt,
                size,
                paths,
                min_paths,
                read_only,
                generation,
                discard,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(context in contexts()) {
        assert_eq!(PublishContext::decode(&context.encode().unwrap()), Ok(context));
    }
}

#[test]
fn the_keys_are_the_agreed_ones() {
    let context = PublishContext { wwid_alt: Some("eui.0".into()), ..example() };
    let mut keys: Vec<_> = context.encode().unwrap().into_keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "discard",
            "generation",
            "minPaths",
            "paths",
            "protocol",
            "readOnly",
            "size",
            "v",
            "wwid",
            "wwidAlt"
        ]
    );
}

#[test]
fn a_bad_or_missing_key_is_named() {
    for (key, value, problem) in [
        ("v", "2", "v: is \"2\", this plugin reads 1"),
        ("protocol", "nvme", "protocol: \"nvme\" is none of"),
        ("protocol", "fc", "paths: entry 0 is not a path of protocol fc"),
        ("wwid", "", "wwid: is empty"),
        ("size", "-1", "size: \"-1\" cannot be read"),
        ("size", "0", "size: is 0"),
        ("paths", "[]", "paths: has 0 entries"),
        ("paths", r#"[{"portal":"10.0.0.1"}]"#, "paths: is no list of paths"),
        ("minPaths", "2", "minPaths: is 2"),
        ("minPaths", "0", "minPaths: is 0"),
        ("readOnly", "yes", "readOnly: \"yes\" cannot be read"),
        ("generation", "", "generation: \"\" cannot be read"),
        ("discard", "1", "discard: \"1\" cannot be read"),
    ] {
        let mut map = example().encode().unwrap();
        map.insert(key.to_owned(), value.to_owned());
        let error = PublishContext::decode(&map).unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
    }
    for key in ["v", "protocol", "wwid", "size", "paths", "minPaths", "readOnly", "generation", "discard"] {
        let mut map = example().encode().unwrap();
        map.remove(key);
        let failure = PublishContext::decode(&map).unwrap_err().in_field("publish_context");
        assert_eq!(failure.message, format!("publish_context.{key}: is missing"));
    }
}

#[test]
fn more_than_sixteen_paths_or_four_kilobytes_are_refused() {
    let mut many = example();
    many.paths = vec![many.paths[0].clone(); 17];
    assert_eq!(many.encode().unwrap_err().key, "paths");
    let long =
        Path::Iscsi { portal: "10.0.0.1:3260".into(), iqn: format!("iqn.{}", "x".repeat(219)), lun: 0 };
    many.paths = vec![long; 16];
    assert!(many.encode().unwrap_err().problem.contains("4096"));
}

#[test]
fn only_a_volume_marked_as_born_empty_counts_as_such() {
    let born = VolumeContext { born_empty: true };
    assert_eq!(VolumeContext::decode(&born.encode()), Ok(born));
    let foreign =
        HashMap::from([("storage.kubernetes.io/csiProvisionerIdentity".to_owned(), "x".to_owned())]);
    assert_eq!(VolumeContext::decode(&foreign), Ok(VolumeContext { born_empty: false }));
    let odd = HashMap::from([("bornEmpty".to_owned(), "maybe".to_owned())]);
    assert_eq!(VolumeContext::decode(&odd).unwrap_err().key, "bornEmpty");
}
