//! The plugin killed before and after every alteration of every call; the next life must find its way from there.

use std::{fs, process::Stdio};

use perilune_host::LinuxHost;

use crate::{
    array::{Target, Volume, make_pool},
    guest::{Subject, assert_nothing_left, assert_sound, open_host, runtime, settings, sh, step, verdict},
};

const OWN: &str = "iqn.2010-01.com.solidfire:5vkj.pvc1.42";
const CHAP: [&str; 4] = ["usr", "secret123456", "array", "mutual123456"];

fn own() -> Subject {
    Subject::new("pvc-own", Volume { id: 1 }, &Target { iqn: OWN }, 0, 64).chap(CHAP)
}

/// One call in a process of its own, which kills itself at a step: `stage:7`.
pub(crate) fn only(wish: &str) {
    let (call, at) = wish.split_once(':').unwrap();
    let host = LinuxHost::dying(settings(), at.parse().unwrap()).unwrap();
    runtime().block_on(async {
        match call {
            "format" => drop(own().stage(&host).await.unwrap()),
            "stage" => drop(own().with_content().stage(&host).await.unwrap()),
            "publish" => own().publish(&host, &own().target(), true).await.unwrap(),
            "unpublish" => own().unpublish(&host, &own().target()).await.unwrap(),
            "grow" => drop(own().grow(&host, 96).await.unwrap()),
            "unstage" => own().unstage(&host).await.unwrap(),
            other => panic!("no call {other}"),
        }
    });
}

/// Whether the call died at the step; it has none left when it comes to its end.
fn dies(call: &str, at: u64) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a process that is to die")]
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_plugin_finds_its_way_from_every_step"])
        .env("GUEST_TEST_STEP", format!("{call}:{at}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    !status.success()
}

pub(crate) fn all() {
    make_pool();
    let target = Target::make(OWN, Some(CHAP));
    target.map(0, Volume::make(1, 64));
    runtime().block_on(async {
        step("hazard 18: killed while a new volume is staged", killed_formatting()).await;
        step("killed while it is unstaged", killed_unstaging()).await;
        step("killed while it is published", killed_publishing()).await;
        step("killed while it grows", killed_growing()).await;
    });
    verdict();
}

fn report(call: &str, points: u64) {
    println!("   {call}: walked up to point {points}");
    assert!(points > 1, "{call} alters something");
}

async fn killed_formatting() {
    let mut at = 1;
    while dies("format", at) {
        let host = open_host();
        own().stage(&host).await.unwrap_or_else(|error| panic!("after step {at}: {error:?}"));
        fs::write(own().staging().join("file"), "written").unwrap();
        assert_sound();
        own().unstage(&host).await.unwrap_or_else(|error| panic!("after step {at}: {error:?}"));
        assert_nothing_left();
        sh(&format!("blkdiscard -f {}", Volume { id: 1 }.device()));
        at += 1;
    }
    report("stage", at - 1);
    fs::write(own().staging().join("file"), "written").unwrap();
}

/// Begins with the volume staged and ends with it staged.
async fn killed_unstaging() {
    let mut at = 1;
    while dies("unstage", at) {
        let host = open_host();
        // every other time kubelet wants it back before it is gone
        if at % 2 == 0 {
            own()
                .with_content()
                .stage(&host)
                .await
                .unwrap_or_else(|error| panic!("after step {at}: {error:?}"));
            assert_eq!(fs::read_to_string(own().staging().join("file")).unwrap(), "written");
        }
        own().unstage(&host).await.unwrap_or_else(|error| panic!("after step {at}: {error:?}"));
        assert_nothing_left();
        own().with_content().stage(&host).await.unwrap();
        assert_eq!(fs::read_to_string(own().staging().join("file")).unwrap(), "written");
        at += 1;
    }
    assert_nothing_left();
    report("unstage", at - 1);
    own().with_content().stage(&open_host()).await.unwrap();
}

async fn killed_publishing() {
    let (host, pod) = (open_host(), own().target());
    let mut at = 1;
    while dies("publish", at) {
        own().publish(&host, &pod, true).await.unwrap_or_else(|error| panic!("after step {at}: {error:?}"));
        assert_eq!(fs::read_to_string(pod.join("file")).unwrap(), "written");
        own().unpublish(&host, &pod).await.unwrap();
        at += 1;
    }
    report("publish", at - 1);
    at = 1;
    while dies("unpublish", at) {
        own().unpublish(&host, &pod).await.unwrap_or_else(|error| panic!("after step {at}: {error:?}"));
        assert!(!pod.exists());
        own().publish(&host, &pod, true).await.unwrap();
        at += 1;
    }
    report("unpublish", at - 1);
}

async fn killed_growing() {
    let host = open_host();
    let mut at = 1;
    Volume { id: 1 }.grow(96);
    while dies("grow", at) {
        assert_eq!(
            own().grow(&host, 96).await.unwrap_or_else(|error| panic!("after step {at}: {error:?}")),
            96 << 20
        );
        assert_eq!(fs::read_to_string(own().staging().join("file")).unwrap(), "written");
        own().unstage(&host).await.unwrap();
        // as small as before, for the next time
        sh(&format!("blkdiscard -f {}", Volume { id: 1 }.device()));
        Volume { id: 1 }.grow(64);
        own().stage(&host).await.unwrap();
        fs::write(own().staging().join("file"), "written").unwrap();
        sh(&format!("sync -f {}", own().staging().display()));
        Volume { id: 1 }.grow(96);
        at += 1;
    }
    report("grow", at - 1);
    own().unstage(&host).await.unwrap();
    assert_nothing_left();
}
