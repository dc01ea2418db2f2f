//! Proves that both published CSI versions, and kubelet's registration, are contained in our definitions: every
//! message, field, enum value, extension and call of theirs is in ours with the same number, type and label.
//! The published files come from the Go module proxy into the module cache, pinned by version.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where it stumbles, and tells what it compared"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use protox::prost_reflect::{DescriptorPool, FieldDescriptor, Kind};

/// What a set of definitions puts on the wire: a name, and everything about it that both sides must agree on.
type Facts = BTreeMap<String, String>;

#[test]
fn csi_1_12_is_contained() {
    contained("github.com/container-storage-interface/spec@v1.12.0", "csi.proto", "csi/v1/csi.proto", 450);
}

#[test]
fn csi_1_13_is_contained() {
    contained("github.com/container-storage-interface/spec@v1.13.0", "csi.proto", "csi/v1/csi.proto", 500);
}

#[test]
fn kubelets_registration_is_contained() {
    let file = "pkg/apis/pluginregistration/v1/api.proto";
    contained("k8s.io/kubelet@v0.36.3", file, "pluginregistration/v1/api.proto", 10);
}

#[test]
fn ours_has_nothing_that_neither_csi_version_has() {
    let ours = facts(&our_proto(), "csi/v1/csi.proto");
    let theirs: BTreeSet<String> = ["v1.12.0", "v1.13.0"]
        .into_iter()
        .map(|version| download(&format!("github.com/container-storage-interface/spec@{version}")))
        .flat_map(|folder| facts(&folder, "csi.proto").into_keys())
        .collect();
    let own: Vec<_> = ours.keys().filter(|name| !theirs.contains(*name)).collect();
    assert!(own.is_empty(), "defined by us alone: {own:#?}");
}

/// `at_least` guards against a comparison of nothing with nothing.
fn contained(module: &str, published: &str, ours: &str, at_least: usize) {
    let theirs = facts(&download(module), published);
    let ours = facts(&our_proto(), ours);
    let wrong: Vec<_> = theirs
        .iter()
        .filter(|(name, fact)| ours.get(*name) != Some(fact))
        .map(|(name, fact)| format!("{name}: published {fact}, ours {:?}", ours.get(name)))
        .collect();
    println!("{module}: {} facts, all of them among our {}", theirs.len(), ours.len());
    assert!(theirs.len() >= at_least, "only {} facts found in {module}", theirs.len());
    assert!(wrong.is_empty(), "{module} is not contained:\n{}", wrong.join("\n"));
}

fn our_proto() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("proto")
}

fn facts(include: &Path, file: &str) -> Facts {
    let mut compiler = protox::Compiler::new([include]).unwrap();
    compiler.include_imports(true).open_file(file).unwrap();
    let pool = compiler.descriptor_pool();
    let mut all = Facts::new();
    messages(&pool, &mut all);
    enums(&pool, &mut all);
    calls(&pool, &mut all);
    all.retain(|name, _| !name.starts_with("google."));
    all
}

fn messages(pool: &DescriptorPool, all: &mut Facts) {
    let secret = pool.get_extension_by_name("csi.v1.csi_secret");
    for message in pool.all_messages() {
        all.insert(message.full_name().to_owned(), "message".to_owned());
        for field in message.fields() {
            let options = field.options();
            let hidden =
                secret.as_ref().is_some_and(|mark| options.get_extension(mark).as_bool() == Some(true));
            let oneof = field.containing_oneof().map(|one| one.name().to_owned());
            all.insert(
                field.full_name().to_owned(),
                format!("{}, {oneof:?}, secret {hidden}", shape(&field)),
            );
        }
    }
    for extension in pool.all_extensions() {
        let target = extension.containing_message().full_name().to_owned();
        let fact = format!("{} extends {target} {:?}", extension.number(), extension.kind());
        all.insert(extension.full_name().to_owned(), fact);
    }
}

fn shape(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) => format!("message {}", message.full_name()),
        Kind::Enum(values) => format!("enum {}", values.full_name()),
        scalar => format!("{scalar:?}"),
    };
    format!("{} {:?} {kind}, presence {}", field.number(), field.cardinality(), field.supports_presence())
}

fn enums(pool: &DescriptorPool, all: &mut Facts) {
    for values in pool.all_enums() {
        all.insert(values.full_name().to_owned(), "enum".to_owned());
        for value in values.values() {
            all.insert(format!("{}/{}", values.full_name(), value.name()), value.number().to_string());
        }
    }
}

fn calls(pool: &DescriptorPool, all: &mut Facts) {
    for service in pool.services() {
        all.insert(service.full_name().to_owned(), "service".to_owned());
        for call in service.methods() {
            let streams = (call.is_client_streaming(), call.is_server_streaming());
            let fact = format!("{} to {} {streams:?}", call.input().full_name(), call.output().full_name());
            all.insert(call.full_name().to_owned(), fact);
        }
    }
}

/// The folder of a Go module in the module cache.
#[expect(clippy::disallowed_methods, reason = "a test may start the Go tool; no product does")]
fn download(module: &str) -> PathBuf {
    let output = std::process::Command::new("go")
        .args(["mod", "download", "-json", module])
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .env("GOFLAGS", "-mod=mod")
        .output()
        .unwrap_or_else(|error| panic!("this test needs the Go tool to fetch {module}: {error}"));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let folder = answer["Dir"].as_str().unwrap_or_else(|| panic!("go mod download {module}: {answer}"));
    PathBuf::from(folder)
}
