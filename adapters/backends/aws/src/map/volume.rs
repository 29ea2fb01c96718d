//! EBS volumes -> storage resources.

use super::kind::{Sort, TypeKey};
use super::{Here, Member, Pairs, Parts, described, member, pool};
use crate::wire::volume::{Attachment, Volume};
use netweave_model::Result;
use serde_json::Value;

/// Whether a volume is gone.
pub(crate) fn is_gone(volume: &Volume) -> bool {
    matches!(volume.status.as_str(), "deleting" | "deleted")
}

/// Maps a volume. The name of its key is not read.
pub(crate) fn volume(here: &Here<'_>, volume: &Volume) -> Result<Member> {
    let zone = (volume.availability_zone_id.as_deref(), volume.availability_zone.as_deref());
    let extensions = Pairs::new()
        .common(here, "", &volume.tag_set)
        .put("volumeId", &volume.volume_id)
        .put("state", &volume.status)
        .put("zoneId", here.zones.find(zone.0, zone.1).map(|zone| &zone.zone_id))
        .put("sizeGiB", volume.size)
        .put("iops", volume.iops)
        .put("throughputMiBps", volume.throughput)
        .put("encrypted", volume.encrypted)
        .put("multiAttach", volume.multi_attach_enabled)
        .put("snapshotId", &volume.snapshot_id)
        .put("attachments", volume.attachment_set.items.iter().map(attachment).collect::<Vec<_>>())
        .put("createdAt", &volume.create_time);
    member(
        here.scope,
        Parts {
            native: here.arn("", &format!("volume/{}", volume.volume_id)),
            pool: pool::of_zone(here, zone.0, zone.1),
            kind: TypeKey::new(Sort::Volume, &volume.volume_type),
            description: described("Volume", &volume.volume_id, &volume.tag_set),
            groups: Vec::new(),
            extensions: extensions.0,
        },
    )
}

fn attachment(attachment: &Attachment) -> Value {
    let pairs = Pairs::new()
        .put("instanceId", &attachment.instance_id)
        .put("device", &attachment.device)
        .put("state", &attachment.status);
    Value::Object(pairs.0)
}
