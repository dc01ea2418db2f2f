//! Snapshots of several volumes at one moment. The cluster keeps no groups of volumes: each time the volumes are named.

use perilune_array::{
    Error, ErrorKind, GroupSnapshot, GroupSnapshotId, GroupSnapshots, Members, Name, NewGroupSnapshot, Owner,
    Result,
};

use super::{Solidfire, mark, not_found, snapshots, volumes};
use crate::protocol;
use crate::protocol::snapshot::{
    CreateGroupSnapshot, DeleteGroupSnapshot, GroupSnapshotAnswer, GroupSnapshotsAnswer, ListGroupSnapshots,
    RollbackGroup,
};

fn shown(group: protocol::snapshot::GroupSnapshot) -> Result<GroupSnapshot> {
    let owner = mark::of(&group.attributes);
    let member = |member: protocol::snapshot::Snapshot| {
        let mut snapshot = snapshots::shown(member)?;
        snapshot.owner = snapshot.owner.or_else(|| owner.clone());
        Ok(snapshot)
    };
    Ok(GroupSnapshot {
        id: GroupSnapshotId::new(group.id.to_string()),
        name: Name::new(group.name),
        created: snapshots::time("ListGroupSnapshots", &group.create_time)?,
        snapshots: group.members.into_iter().map(member).collect::<Result<_>>()?,
        owner,
    })
}

impl Solidfire {
    async fn listed_groups(&self, id: Option<u64>) -> Result<Vec<protocol::snapshot::GroupSnapshot>> {
        let query = ListGroupSnapshots { id };
        match self.session.call::<GroupSnapshotsAnswer>("ListGroupSnapshots", query).await {
            Ok(answer) => Ok(answer.group_snapshots),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn read_group(&self, id: &GroupSnapshotId) -> Result<protocol::snapshot::GroupSnapshot> {
        let missing = || not_found(format_args!("group snapshot {id}"));
        let wanted: u64 = id.as_str().parse().map_err(|_| missing())?;
        let found = self.listed_groups(Some(wanted)).await?.into_iter().find(|group| group.id == wanted);
        found.ok_or_else(missing)
    }

    fn member_numbers(&self, members: &Members) -> Result<Vec<u64>> {
        let ids = match members {
            Members::Volumes(ids) => ids,
            Members::Group(id) => return Err(not_found(format_args!("consistency group {id}"))),
        };
        let max = self.profile.volumes_per_group.map_or(usize::MAX, |max| max as usize);
        match ids.len() {
            0 => Err(Error::new(ErrorKind::Invalid, "a group snapshot needs a member")),
            count if count > max => {
                let text = format!("a group snapshot of {count} volumes; the cluster takes {max} at once");
                Err(Error::new(ErrorKind::LimitReached, text))
            }
            _ => ids.iter().map(volumes::number).collect(),
        }
    }

    /// What forbids putting the members back.
    async fn may_revert_group(&self, group: &protocol::snapshot::GroupSnapshot) -> Result<()> {
        let ids: Vec<_> = group.members.iter().map(|member| member.volume).collect();
        let found = self.read_volumes(&ids).await?;
        for member in &group.members {
            let volume = found.iter().find(|volume| volume.id == member.volume);
            let volume = volume.ok_or_else(|| not_found(format_args!("volume {}", member.volume)))?;
            snapshots::may_put_back(volume, member)?;
        }
        match self.used(&found).await? {
            Some(used) => Err(Error::new(ErrorKind::InUse, format!("hosts use volume {used}"))),
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl GroupSnapshots for Solidfire {
    async fn find(&self, name: &Name) -> Result<Vec<GroupSnapshot>> {
        let found = self.listed_groups(None).await?.into_iter();
        found.filter(|group| group.name == name.as_str()).map(shown).collect()
    }

    async fn get(&self, id: &GroupSnapshotId) -> Result<GroupSnapshot> {
        shown(self.read_group(id).await?)
    }

    async fn list(&self) -> Result<Vec<GroupSnapshot>> {
        self.listed_groups(None).await?.into_iter().map(shown).collect()
    }

    async fn create(&self, new: &NewGroupSnapshot) -> Result<GroupSnapshot> {
        let volumes = self.member_numbers(&new.members)?;
        let traits = self.traits(&new.name, &new.owner, new.retention, &volumes)?;
        let params = CreateGroupSnapshot { volumes: &volumes, name: new.name.as_str(), traits };
        shown(self.session.call::<GroupSnapshotAnswer>("CreateGroupSnapshot", params).await?.group_snapshot)
    }

    async fn delete(&self, id: &GroupSnapshotId, owner: &Owner) -> Result<()> {
        let found = self.read_group(id).await?;
        mark::check(format_args!("group snapshot {id}"), &found.attributes, owner)?;
        let params = DeleteGroupSnapshot { id: found.id, save_members: false };
        self.session.act("DeleteGroupSnapshot", params).await
    }

    async fn revert(&self, id: &GroupSnapshotId) -> Result<()> {
        let found = self.read_group(id).await?;
        self.may_revert_group(&found).await?;
        let params = RollbackGroup { id: found.id, save_current_state: false };
        self.session.act("RollbackToGroupSnapshot", params).await
    }
}
