//! Keeps the committed bindings equal to what `proto/` generates. `PERILUNE_CODEGEN=write` rewrites them, without it
//! a difference fails the test. No `protoc` is needed.

#![expect(clippy::unwrap_used, reason = "a test ends where it stumbles")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use protox::prost_reflect::{DescriptorPool, Value};

const SOURCES: [&str; 2] = ["csi/v1/csi.proto", "pluginregistration/v1/api.proto"];

#[test]
fn committed_bindings_are_what_the_definitions_generate() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = home.join("src/generated");
    if std::env::var("PERILUNE_CODEGEN").is_ok_and(|mode| mode == "write") {
        generate(home, &committed);
        return;
    }
    let fresh = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("csi-proto-generated");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).unwrap();
    generate(home, &fresh);
    let (fresh, committed) = (contents(&fresh), contents(&committed));
    assert_eq!(fresh.keys().collect::<Vec<_>>(), committed.keys().collect::<Vec<_>>());
    for (name, text) in fresh {
        assert!(
            committed[&name] == text,
            "csi-proto/src/generated/{name} is not what proto/ generates; run PERILUNE_CODEGEN=write cargo test -p \
             perilune-csi-proto --test bootstrap and commit the result"
        );
    }
}

fn generate(home: &Path, out: &Path) {
    let mut compiler = protox::Compiler::new([home.join("proto")]).unwrap();
    compiler.include_imports(true).open_files(SOURCES).unwrap();
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(true)
        .generate_default_stubs(true)
        .skip_debug(secret_bearing(&compiler.descriptor_pool()))
        .out_dir(out)
        .compile_fds(compiler.file_descriptor_set())
        .unwrap();
}

/// The messages with a field marked `csi_secret`, by the name that the generator knows.
fn secret_bearing(pool: &DescriptorPool) -> Vec<String> {
    let secret = pool.get_extension_by_name("csi.v1.csi_secret").unwrap();
    let bears = |message: &protox::prost_reflect::MessageDescriptor| {
        message.fields().any(|field| field.options().get_extension(&secret).as_ref() == &Value::Bool(true))
    };
    let found: Vec<_> = pool.all_messages().filter(bears).map(|m| format!(".{}", m.full_name())).collect();
    assert!(found.iter().any(|name| name == ".csi.v1.NodeStageVolumeRequest"), "no secrets found: {found:?}");
    found
}

fn contents(folder: &Path) -> BTreeMap<String, String> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
        })
        .collect()
}
