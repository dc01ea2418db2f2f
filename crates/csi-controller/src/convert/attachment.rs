//! Attachments, and the publish context that tells the node of one.

use perilune_csi::context::{MAX_PATHS, Path, Protocol, PublishContext, VolumeContext};
use perilune_csi::proto::csi::v1;
use perilune_csi::{Code, Failure, field};
use perilune_engine::{Attachment, PublishRequest, VolumeHandle};

use super::{capability, handle};

/// The attachment that should be.
pub(crate) fn wanted(request: &v1::ControllerPublishVolumeRequest) -> Result<PublishRequest, Failure> {
    field::id("volume_id", &request.volume_id)?;
    field::map("secrets", &request.secrets)?;
    VolumeContext::decode(field::map("volume_context", &request.volume_context)?)
        .map_err(|error| error.in_field("volume_context"))?;
    let node = handle::node("node_id", &request.node_id)?;
    let capability = capability::one("volume_capability", request.volume_capability.as_ref())?;
    Ok(PublishRequest {
        volume: handle::volume("volume_id", &request.volume_id)?,
        node: node.to_owned(),
        read_only: request.readonly,
        shared: !capability.access_mode.single_node(),
    })
}

/// The attachment that should not be, or all of the volume's; `None` if there cannot be one.
pub(crate) fn unwanted(
    request: &v1::ControllerUnpublishVolumeRequest,
) -> Result<Option<(VolumeHandle, Option<&str>)>, Failure> {
    field::map("secrets", &request.secrets)?;
    let volume = handle::leaving("volume_id", &request.volume_id)?;
    let given = Some(request.node_id.as_str()).filter(|id| !id.is_empty());
    let node = given.map(|id| handle::node("node_id", id)).transpose()?;
    Ok(volume.map(|volume| (volume, node)))
}

/// An attachment that is.
pub(crate) fn made(
    wanted: &PublishRequest,
    attachment: &Attachment,
) -> Result<v1::ControllerPublishVolumeResponse, Failure> {
    let (protocol, paths) = ways(&attachment.paths).ok_or_else(|| no_way(wanted))?;
    let min_paths = usize::from(attachment.min_paths);
    if paths.len() < min_paths {
        return Err(too_few(wanted, paths.len(), min_paths));
    }
    let context = PublishContext {
        protocol,
        wwid: attachment.wwid.to_string(),
        wwid_alt: attachment.wwid_alt.as_ref().map(ToString::to_string),
        size: attachment.size.get(),
        paths,
        min_paths,
        read_only: attachment.read_only,
        generation: attachment.generation,
        discard: false,
    };
    let publish_context = context.encode().map_err(|error| {
        let message = format!("tell node {} how to reach volume {}: {error}", wanted.node, wanted.volume);
        Failure::new(Code::Internal, message)
    })?;
    Ok(v1::ControllerPublishVolumeResponse { publish_context })
}

/// The ways of the best protocol, best first, as many as a context carries.
fn ways(offered: &[perilune_engine::Path]) -> Option<(Protocol, Vec<Path>)> {
    let all: Vec<(Protocol, Path)> = offered.iter().map(way).collect();
    let best = all.first()?.0;
    let of_best = all.into_iter().filter(|(protocol, _)| *protocol == best).map(|(_, path)| path);
    Some((best, of_best.take(MAX_PATHS).collect()))
}

fn way(path: &perilune_engine::Path) -> (Protocol, Path) {
    match path {
        perilune_engine::Path::Iscsi { iqn, portal, lun } => {
            (Protocol::Iscsi, Path::Iscsi { portal: portal.clone(), iqn: iqn.clone(), lun: lun.0.into() })
        }
        perilune_engine::Path::Fc { wwpn, lun } => {
            (Protocol::Fc, Path::Fc { wwpn: wwpn.clone(), lun: lun.0.into() })
        }
    }
}

fn no_way(wanted: &PublishRequest) -> Failure {
    let message = format!(
        "publish volume {} to node {}: the array offers no port that a host could reach it by; see status.ports of \
         its ArrayBackend",
        wanted.volume, wanted.node
    );
    Failure::new(Code::FailedPrecondition, message)
}

fn too_few(wanted: &PublishRequest, offered: usize, needed: usize) -> Failure {
    let message = format!(
        "publish volume {} to node {}: the array offers {offered} of the {needed} paths that limits.minPaths of its ArrayBackend asks for; \
         bring its ports up, or lower the number there",
        wanted.volume, wanted.node
    );
    Failure::new(Code::FailedPrecondition, message)
}

#[cfg(test)]
mod tests {
    use perilune_engine::{Lun, Size, Wwid};

    use super::*;

    fn request() -> PublishRequest {
        let volume = "v1:5a0c1f9e-8a3e-5b56-9d6c-0f3a57e1c9aa".parse().unwrap();
        PublishRequest { volume, node: "node-1".into(), read_only: false, shared: false }
    }

    fn attachment(paths: Vec<perilune_engine::Path>, min_paths: u16) -> Attachment {
        Attachment {
            wwid: Wwid::new("naa.6"),
            wwid_alt: None,
            size: Size::gib(1),
            paths,
            min_paths,
            read_only: false,
            generation: 1,
        }
    }

    fn iscsi(number: u32) -> perilune_engine::Path {
        let portal = format!("192.0.2.{number}:3260");
        perilune_engine::Path::Iscsi { iqn: "iqn.2026-01.io.perilune:a".into(), portal, lun: Lun(number) }
    }

    #[test]
    fn the_first_paths_of_the_best_protocol_are_told() {
        let mut paths: Vec<_> = (0..20).map(iscsi).collect();
        paths.insert(1, perilune_engine::Path::Fc { wwpn: "5001738000000001".into(), lun: Lun(7) });
        let answer = made(&request(), &attachment(paths, 1)).unwrap();
        let context = PublishContext::decode(&answer.publish_context).unwrap();
        assert_eq!((context.protocol, context.paths.len()), (Protocol::Iscsi, MAX_PATHS));
        assert!(
            context
                .paths
                .iter()
                .zip(0..)
                .all(|(path, n)| matches!(path, Path::Iscsi { lun, .. } if *lun == n))
        );
    }

    #[test]
    fn too_few_paths_are_a_fault_to_mend_and_name_the_node() {
        for (paths, says) in [(Vec::new(), "no port"), (vec![iscsi(1)], "1 of the 2 paths")] {
            let failure = made(&request(), &attachment(paths, 2)).unwrap_err();
            assert_eq!(failure.code, Code::FailedPrecondition);
            assert!(failure.message.contains(says) && failure.message.contains("node-1"), "{failure}");
        }
    }
}
